"""Classifying people's own images: reading files, preparing them as MNIST was, calling a model. Nothing of training or of terminals.

`models` and `classifier` load models; all else knows none, imports nothing of ours, and serves `tuner` too.
"""
