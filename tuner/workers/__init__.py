"""Workers of trials: processes of this machine (`local`), or a Dask cluster (`dask`). One small interface: submit, events, close."""
