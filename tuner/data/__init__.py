"""Data sets: a loader a file, recognition of what a file or folder holds, validation, splits.

Every loader returns arrays that `validation` has checked. Users' own pictures are read in `tuner.images`.
"""
