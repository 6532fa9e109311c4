"""The command line: one command a file, its parser and its action together.

`entry` lists the commands and turns errors into one line and an exit code. Options of a run come from `tuner.options`. A command's
module imports nothing slow at its top: what takes long is imported once the words are understood.
"""

from mnist_tune.cli.entry import main

__all__ = ["main"]
