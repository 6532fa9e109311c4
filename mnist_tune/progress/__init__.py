"""Progress of a run: the live view, the updates of the page, and the final headline."""
