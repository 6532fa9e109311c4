"""Sections of the page about the winner's models and how to reproduce them."""
