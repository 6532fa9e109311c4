"""The search of a space: data, oracle, trials, workers, journal, confirmation, export."""
