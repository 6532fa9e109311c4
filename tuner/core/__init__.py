"""The base that every other room stands on: errors, records, the machine, text for terminals.

Nothing here knows files of a run, data, spaces or Keras.
"""
