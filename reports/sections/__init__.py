"""The sections of a run's page, one module each: the texts, tables and figures that a template places."""
