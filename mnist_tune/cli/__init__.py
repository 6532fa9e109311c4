"""The command line: one file a command, with its parser and its action.

`entry` lists the commands and turns errors into one line and an exit code. Options of a run come from `tuner.options`.
A command imports slow modules only after its arguments are parsed.
"""

from mnist_tune.cli.entry import main

__all__ = ["main"]
