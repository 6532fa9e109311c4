"""How the JSON documents of a run's folder are read when anybody may have written them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, NoReturn, cast

from tuner.errors import JournalError
from tuner.records import SCHEMA, Json
from tuner.shapes import LARGEST, Shape, ShapeError

MOST_BYTES = 64 * 2**20
"""Of run.json and of result.json."""

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_UNSEEN = re.compile("[\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]")
"""Controls of the writing direction, separators of lines, marks without width; not the joiners that some scripts need."""
_LONGEST_NUMBER = 40


def parse(content: str | bytes) -> Any:  # whatever JSON holds
    """A JSON text's value; anybody may have written it.

    Raises:
        ValueError: where it is no JSON, is nested too deeply, or has a number that is none (NaN, Infinity) or too large.
    """
    try:
        return json.loads(content, parse_int=_whole, parse_float=_finite, parse_constant=_no_number)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def _whole(digits: str) -> int:
    found = int(digits) if len(digits) <= _LONGEST_NUMBER else LARGEST
    if abs(found) >= LARGEST:
        raise ValueError(f"a number is too large: {digits[:_LONGEST_NUMBER]}")
    return found


def _finite(digits: str) -> float:
    found = float(digits)
    if found in (float("inf"), float("-inf")):
        raise ValueError(f"a number is too large: {digits[:_LONGEST_NUMBER]}")
    return found


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


def read_document(path: Path, shape: Shape) -> Json:
    """A document of a run's folder, checked.

    Args:
        path: run.json or result.json.
        shape: what it must look like.

    Raises:
        JournalError: where it is damaged, too large, of another schema or not what a run's document is.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise JournalError(
                f"{path} is too large. Expected at most {MOST_BYTES // 2**20} MiB. Received: {path.stat().st_size:,} bytes."
            )
        document = parse(path.read_bytes())
    except (OSError, ValueError) as error:
        raise JournalError(f"{path} can't be read: {error}. Restore it from a copy, or start a new run.") from error
    check_schema(path, document)
    check_shape(path, document, shape)
    return cast(Json, document)


def check_shape(path: Path, document: object, shape: Shape) -> None:
    """
    Raises:
        JournalError: where a document is not what it must be.
    """
    try:
        shape(document)
    except ShapeError as error:
        raise JournalError(f"{path} can't be read: {error}. Restore it from a copy, or start a new run.") from error


def check_schema(path: Path, document: object) -> None:
    """
    Raises:
        JournalError: where a document is of another schema, or of none.
    """
    found = document.get("schema") if isinstance(document, dict) else None
    if isinstance(found, int) and not isinstance(found, bool) and found > SCHEMA:
        raise JournalError(
            f"{path} was written by a newer version. Expected schema {SCHEMA}. Received: {found}. Upgrade mnist-tune."
        )
    if found != SCHEMA or isinstance(found, bool):
        raise JournalError(
            f"{path} was written by another version. Expected schema {SCHEMA}. Received: {str(found)[:40]}"
        )


def readable(value: Any) -> Any:  # whatever JSON holds
    """Return the same value of texts that every page and terminal shows as what they are.

    A replacement character stands for lone surrogates and controls. Characters that are not seen but change what is, such as
    the order of others (U+202E), are written as escapes.
    """
    if isinstance(value, str):
        return _readable_text(value)
    if isinstance(value, dict):
        return {_readable_text(name): readable(item) for name, item in value.items()}
    return [readable(item) for item in value] if isinstance(value, list) else value


def _readable_text(text: str) -> str:
    return _UNSEEN.sub(lambda match: match[0].encode("unicode_escape").decode("ascii"), _CONTROL.sub("\ufffd", text))
