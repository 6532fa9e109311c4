"""The Python names: `search`, `train`, `study`, `load_run`, and what a `Run` can do. The command line calls the same functions.

Options that were given become checked ones in `given_options`. Nothing here prints a table or parses words.
"""
