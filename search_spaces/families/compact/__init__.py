"""The family of the compact spaces: convolutional networks in blocks, under several caps."""
