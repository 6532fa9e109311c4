"""Hyperparameters as data, parsing of their values, and the recipe of a training."""
