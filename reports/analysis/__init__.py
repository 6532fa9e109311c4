"""The numbers of a report: pure functions from a run's records and arrays to frozen dataclasses."""
