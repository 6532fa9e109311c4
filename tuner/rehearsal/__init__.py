"""A user's HyperModel tried in a process of its own before the first trial: built, trained, kept, exported and compared."""
