"""The data of a run, read from its folder: documents, arrays and records of trials."""
