"""Sampling within caps: one value, a whole configuration, or one near another. Each sample is a pure function of its generator."""
