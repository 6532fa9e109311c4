"""SageMaker's script mode: an entry point of its own, which `mnist_tune.cli` hands its words to where the service's variables are set.

`environment` reads the variables and the channel, `words` the options as the service writes them, `main` runs a search or a training
and brings its files where the variables say. A given option beats a variable. Without the variables nothing of this happens.
"""
