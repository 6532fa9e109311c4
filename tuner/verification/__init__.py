"""Checks of a run that somebody hands over: its folder against itself, the rules of the program, the data, and trials trained again.

One file a group of checks, each a function of the evidence (`evidence.Evidence`) that returns an outcome; `verify` names and runs them.
Nothing here writes into the run's folder or runs code that the run brings along. What is said of the checks is `mnist_tune.cli.verify`'s.
"""
