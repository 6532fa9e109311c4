"""Families of networks, one file each, without Keras: hyperparameters, sampling, counts and references.

`registry` names the spaces, `family` is the base class. The Keras side is `search_spaces.keras`.
"""
