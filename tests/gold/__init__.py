"""Gold files: what the numbers and the page of a fixed run were when somebody last looked at them and accepted them.

`python -m tests.gold` compares, `python -m tests.gold --accept` writes all of them anew.
"""
