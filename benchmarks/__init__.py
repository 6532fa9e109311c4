"""Measurements: each prints a small table and writes its result under `results/`."""
