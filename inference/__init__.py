"""Find, load and call models: `models` finds and checks model files, `classifier` loads and calls a model."""
