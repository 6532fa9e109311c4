"""How a space is searched: data, oracle, trials, workers, journal, confirmation, export."""
