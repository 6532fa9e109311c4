"""Data sets: a loader a file, recognition of what a file or folder holds, validation, splits.

Every loader ends in arrays that `validation` has checked. What a picture of a person's own looks like is `tuner.images`'s.
"""
