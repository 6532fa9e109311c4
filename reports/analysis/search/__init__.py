"""Numbers about a search: its trials, their order in time, size and accuracy, which hyperparameter mattered."""
