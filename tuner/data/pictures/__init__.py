"""Pictures of any size and kind as images of one shape: decoding in parallel, arrays that are resized, folders of classes, duplicates.

One picture is opened and resized in `tuner.images`, and labels are mapped in `tuner.data.labels`; nothing here splits a set.
"""
