"""Oracles choose the next configuration: `ask` returns a proposal, `tell` takes the record of its trial.

They wrap Keras Tuner's oracles over configurations that `sampling` samples by number within the space's caps. An
algorithm is a file and a line in `registry`. Nothing here trains, waits or touches a file.
"""
