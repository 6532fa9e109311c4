"""Statistics, one copy for the whole program, so that a run, its report and a benchmark count alike.

`metrics` of predictions, `intervals`, `paired_tests`, rank `correlation`, the `pareto_front`: pure functions of numbers. NumPy is imported with
them, SciPy and scikit-learn where they are called. What a run's records, documents or pages make of the numbers is not here.
"""
