"""The families of networks, a file each, without Keras: hyperparameters, sampling, counts and references.

`registry` names the spaces, `family` has what all families share. The Keras side is `search_spaces.keras`.
"""
