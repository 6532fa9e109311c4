"""Search spaces: hyperparameters, the networks that they describe, and how a configuration is trained.

The package imports nothing else of the project, and Keras only where a space is loaded.
"""
