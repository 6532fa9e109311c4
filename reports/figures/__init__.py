"""Figures: each function takes the numbers of an analysis and returns a `Drawing`."""
