"""Spaces of a user's own: any `keras_tuner.HyperModel`, or a function that builds a model, as `package.module:Name`.

A HyperModel is found and made (`loading`), searched for its hyperparameters (`discovery`) and rehearsed on a few images before
anything is trained (`rehearsal`). What its networks take and give is kept as a `ModelInterface`, by which `adapter` makes classifiers of
them. All of that runs in a process of its own (`probe`), which the parent of a run asks (`user_space`, `probe_process`); workers import
`loading`, `adapter` and `training`. The spaces that come along are in `search_spaces`.
"""
