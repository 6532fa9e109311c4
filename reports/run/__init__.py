"""A run as the report reads it: its documents, its arrays, its table of trials. Nothing is computed or drawn here."""
