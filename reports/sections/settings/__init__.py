"""The parts of the section on hyperparameters: importances over all lengths of training, one setting at a time."""
