"""The base that all other rooms import: errors, records, the machine, text for terminals.

Nothing here knows files of a run, data, spaces or Keras.
"""
