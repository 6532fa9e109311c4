"""Drawings: each function takes the numbers of an analysis and returns an SVG element as text."""
