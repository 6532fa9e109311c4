"""Options: what a run can be asked for, one dataclass a kind of run.

A field carries its help, range and metavar. The command line's parser, the checks and the README's table come from it, so a new
option is one field here and the code that uses it. How options are typed is `mnist_tune.cli`'s.
"""
