"""The Keras side of a space: models from specs, training from a recipe, a `keras_tuner.HyperModel` from a family."""
