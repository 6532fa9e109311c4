"""Digits: a handwritten one is cut out of a picture and prepared as MNIST's are; others are drawn from strokes. No files, no model."""
