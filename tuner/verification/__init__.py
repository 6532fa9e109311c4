"""Checks of a run from an untrusted source: its folder, the program's rules, the data, and trials trained again.

One file a group of checks, each a function of the evidence (`evidence.Evidence`) that returns an outcome; `verify` names and runs them.
Nothing here writes into the run's folder or runs code that the run names. `mnist_tune.cli.verify` prints the outcomes.
"""
