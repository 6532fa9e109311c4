"""Oracles: which configuration is tried next. An oracle is asked for a proposal and told the record of its trial.

They are Keras Tuner's, driven by hand, over configurations that `sampling` draws by number within the space's caps. An algorithm is a
file and a line in `registry`. Nothing here trains, waits or touches a file.
"""
