"""Export of the winner's model: one file a format, each compared with the Keras model when it is written."""
