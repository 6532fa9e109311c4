"""A copy of a small network as data, so that the page can compute its probabilities without Keras.

`chain` describes layers and folds BatchNorm, `keras_layers` reads Keras's, `replay` computes the copy with NumPy, `arrays` compares it with
the model and makes the arrays of evaluation.npz. How the page computes it is `templates/assets/try-it`.
"""
