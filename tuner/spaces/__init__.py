"""Spaces of a user's own: any `keras_tuner.HyperModel`, or a function that builds a model, as `package.module:Name`.

A HyperModel is imported (`loading`), its hyperparameters are discovered (`discovery`), and it is rehearsed on a few
images before the first trial (`tuner.rehearsal`). The form of its networks' inputs and outputs is a `ModelInterface`,
by which `adapter` makes classifiers. All of that runs in a separate process, to which the parent of a run talks
(`user_space`, `probe_client`); workers import `loading`, `adapter` and `network_training`. The built-in spaces are in
`search_spaces`.
"""
