"""Sections of the page about a search and its answer."""
