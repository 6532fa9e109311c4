"""Sections of a study's page."""
