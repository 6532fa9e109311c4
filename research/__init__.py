"""Experiments behind claims of the documentation. `benchmarks/` has the figures of the product.

Results of both are in `benchmarks/results/`; docs/accuracy.md explains them.
"""
