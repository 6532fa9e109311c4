"""The Python names: `search`, `train`, `study`, `load_run`, and `Run`. The command line calls the same functions.

`given_options` validates options. Nothing here parses a command line or prints a table.
"""
