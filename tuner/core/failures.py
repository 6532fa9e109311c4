"""Exceptions of a training: classifying them, and their text in one line. Imports no framework."""

from __future__ import annotations

import re

_LONGEST_REASON = 300
_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_ARGUMENTS = re.compile(r"\s*Arguments received by .*", re.DOTALL)
"""Keras ends many messages with the arguments of the call, page by page."""
_CALLING = re.compile(r"^Exception encountered when calling .*?\.\s+", re.DOTALL)
_RAISED = re.compile(r"^\s*(?:\w+\.)*\w*(?:Error|Exception): ", re.MULTILINE)
_NODE = re.compile(r"\s*\[\[\{\{node .*|\s*\[Op:\w+\].*", re.DOTALL)


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error is the out-of-memory error of Python, TensorFlow or JAX."""
    return isinstance(error, MemoryError) or (
        type(error).__name__ in ("ResourceExhaustedError", "XlaRuntimeError", "JaxRuntimeError")
        and any(words in str(error) for words in ("RESOURCE_EXHAUSTED", "OOM", "failed to allocate"))
    )


def reason(error: BaseException) -> str:
    """Return an exception's type and message in one line, without a terminal's colours or a framework's stack."""
    text = " ".join(plain_message(str(error)).split())
    if len(text) > _LONGEST_REASON:
        text = text[: _LONGEST_REASON - 1] + "…"
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def plain_message(text: str) -> str:
    """Return a framework's message without its colours, arguments and stack."""
    text = _ANSI.sub("", text).strip()
    if text.startswith("in user code:"):
        # The last exception that the stack names is the one that was raised.
        text = text[[match.end() for match in _RAISED.finditer(text)][-1] :] if _RAISED.search(text) else text
    if text.startswith("Graph execution error:"):
        lines = [line for line in _NODE.sub("", text).splitlines() if line.strip()]
        text = lines[-1]
    return _CALLING.sub("", _ARGUMENTS.sub("", text)).strip()
