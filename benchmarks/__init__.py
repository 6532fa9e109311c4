"""Measurements that are kept beside the code: each prints a small table and writes its result under `results/`."""
