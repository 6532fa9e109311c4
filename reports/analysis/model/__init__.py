"""Numbers about the confirmed models: curves, classes, errors, calibration, robustness, weights."""
