"""Child processes that exchange JSON lines with their parent over pipes: a crash costs one task, and nothing else connects.

`child` is the parent's side: start a module, send, listen, end, and why it ended. `serving` is the child's side. The
messages themselves are defined by `tuner.workers.local`, `tuner.workers.worker` and `tuner.spaces`.
"""
