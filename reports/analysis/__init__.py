"""Pure functions from a run's records and arrays to small frozen dataclasses of numbers. No text, no drawing."""
