"""The winner's model in the formats that people deploy: one file a format, each checked against the Keras model when it is written."""
