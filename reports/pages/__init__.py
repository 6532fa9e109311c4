"""Whole pages and files: the report, a notebook's card, the model card, figures as files."""
