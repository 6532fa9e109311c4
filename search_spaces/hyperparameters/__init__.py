"""Hyperparameters as data: their ranges and conditions, the values that a person types, and the recipe of a training."""
