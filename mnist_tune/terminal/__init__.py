"""Standard streams, lines and tables, signals, and output files; independent of runs."""
