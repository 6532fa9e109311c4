"""Classifying people's own images: reading files, preparing them as MNIST was, calling a model. Nothing of training or of terminals."""
