"""Sampling within caps: values, configurations, and neighbours of a configuration."""
