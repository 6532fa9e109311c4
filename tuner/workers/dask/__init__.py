"""Workers of a Dask cluster: connection, files, the task as a worker of the cluster runs it."""
