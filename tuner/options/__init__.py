"""The options of a run: one dataclass a kind of run.

A field carries its help, range and metavar. The command line's parser, the checks and the tables of docs/options.md come from it, so a new
option is one field here and the code that uses it. `mnist_tune.cli` parses the command line.
"""
