"""The Keras side of a space: specs become a model, a recipe becomes a training, a family becomes a `keras_tuner.HyperModel`."""
