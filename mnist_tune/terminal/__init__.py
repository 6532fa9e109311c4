"""Standard streams, lines and tables on them, signals, and the files that a command is told to write. Knows nothing of runs."""
