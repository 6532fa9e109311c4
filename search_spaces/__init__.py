"""Search spaces: hyperparameters, the networks that they describe, and how a configuration is trained.

Keras and Keras Tuner only; imports nothing else of the project's. Importing this package imports neither.
"""
