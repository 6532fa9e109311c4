"""Helpers that tests of several rooms share: builders of runs and data, fakes, readers of pages. No test is here."""
