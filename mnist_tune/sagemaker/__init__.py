"""SageMaker's script mode, which `mnist_tune.cli` enters where the service's environment variables are set.

`environment` reads the variables and the channel, `words` normalises the service's options, and `main` runs a search or
a training and copies its files to the folders of the variables. An explicit option overrides a variable.
"""
