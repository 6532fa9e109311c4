"""Drawings of a study."""
