"""Drawings of the confirmed models."""
