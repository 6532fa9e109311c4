"""Experiments behind a claim: what was tried, on what, and what it showed. The product's own figures are in `benchmarks/`.

Results of both are kept in `benchmarks/results/`; docs/accuracy.md tells what they mean.
"""
