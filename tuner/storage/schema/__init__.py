"""The JSON documents of a run's folder as typed structs: the only place that knows their keys, types and ranges.

A file a document: `run` (run.json), `result` (result.json), `study` (its part of both), `trials` (lines of the journal), `export`
(export.json). `fields` has the types that they share, `documents` reads, checks and writes them. The contract in words is
docs/run-folder.md. Not here: checksums (`tuner.storage.journal`), what a value means.
"""
