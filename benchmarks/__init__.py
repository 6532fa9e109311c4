"""Measurements that take long, and their results."""
