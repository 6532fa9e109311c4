"""The files of a run: the room that knows their names, their keys and how they are written and read.

In it: `schema`, the typed documents. Not in it: the meaning of a document (its reader's), training, drawing.
"""
