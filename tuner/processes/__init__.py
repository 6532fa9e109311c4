"""Child processes that speak JSON lines over pipes with their parent, so that one death harms one task and nobody else can speak there.

`child` is the parent's side: start a module, send, listen, end, and why it ended. `serving` is the child's side. What is said, and what a
task or a question is, is not here: `tuner.workers.local`, `tuner.workers.worker` and `tuner.spaces` build on it.
"""
