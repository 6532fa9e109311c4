"""Progress of a run: the live lines of a terminal or notebook, the page that is renewed, the headline at the end."""
