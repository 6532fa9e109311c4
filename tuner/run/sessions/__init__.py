"""One invocation of each kind of run, on a common base: search, training, study."""
