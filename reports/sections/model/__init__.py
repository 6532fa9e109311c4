"""Sections of the page about the winner's models, and what is needed to make them again."""
