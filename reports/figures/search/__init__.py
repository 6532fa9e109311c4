"""Drawings of a search."""
