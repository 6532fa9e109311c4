"""Where trials run: processes of this machine (`local`), or a Dask cluster (`dask`). One small interface: submit, events, close."""
