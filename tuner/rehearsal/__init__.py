"""The rehearsal of a user's HyperModel in a separate process: build, train, save, export and compare."""
