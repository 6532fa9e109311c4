"""Reading, checking and writing a document of a run's folder. Its content is untrusted."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, NoReturn, TypeVar, cast

import msgspec

from tuner.core.errors import JournalError
from tuner.core.records import SCHEMA, Json
from tuner.storage.files import write_bytes

Typed = TypeVar("Typed")

MOST_BYTES = 64 * 2**20
"""The most bytes of a document."""
LARGEST = 2**63
"""Numbers are below it, so that NumPy's integers can hold them."""

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_UNSEEN = re.compile("[\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]")
"""Controls of the writing direction, separators of lines, marks without width; not the joiners that some scripts need."""
_LONGEST_NUMBER = 40
_LONGEST_REASON = 300


def parse(content: str | bytes) -> Any:  # whatever JSON holds
    """Return the value of an untrusted JSON text.

    Raises:
        ValueError: where it is no JSON, is nested too deeply, or has a number that is not finite or too large.
    """
    try:
        return json.loads(content, parse_int=_whole, parse_float=_finite, parse_constant=_no_number)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def _whole(digits: str) -> int:
    number = int(digits) if len(digits) <= _LONGEST_NUMBER else LARGEST
    if abs(number) >= LARGEST:
        raise ValueError(f"a number is too large: {digits[:_LONGEST_NUMBER]}")
    return number


def _finite(digits: str) -> float:
    number = float(digits)
    if number in (float("inf"), float("-inf")):
        raise ValueError(f"a number is too large: {digits[:_LONGEST_NUMBER]}")
    return number


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


def validate(value: object, kind: type[Typed]) -> Typed:
    """Return a parsed JSON value as a struct of the schema; unknown keys are ignored.

    Raises:
        ValueError: where it doesn't fit, with the path of the fault ("$.data.classes") in one line.
    """
    try:
        return msgspec.convert(value, kind, strict=True)
    except (msgspec.ValidationError, UnicodeError) as error:
        reason = " ".join(_readable_text(str(error)).split())
        if len(reason) > _LONGEST_REASON:
            reason = f"{reason[: _LONGEST_REASON // 2]} … {reason[-_LONGEST_REASON // 2 :]}"
        raise ValueError(reason) from error


def read_document(path: Path, kind: type[Typed], *, to_show: bool = False) -> Typed:
    """Return a document of a run's folder, checked.

    Args:
        path: of the file.
        kind: its struct.
        to_show: replace the characters that no page can show.

    Raises:
        JournalError: where it is damaged, too large, of another schema or not such a document.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise JournalError(
                f"{path} is too large. Expected at most {MOST_BYTES // 2**20} MiB. Received: {path.stat().st_size:,} bytes."
            )
        document = parse(path.read_bytes())
        _check_schema(path, document)
        return validate(readable(document) if to_show else document, kind)
    except (OSError, ValueError, RecursionError) as error:
        raise JournalError(f"{path} can't be read: {error}. Restore it from a copy, or start a new run.") from error


def _check_schema(path: Path, document: object) -> None:
    schema = document.get("schema") if isinstance(document, dict) else None
    if isinstance(schema, int) and not isinstance(schema, bool) and schema > SCHEMA:
        raise JournalError(
            f"{path} was written by a newer version. Expected schema {SCHEMA}. Received: {schema}. Upgrade mnist-tune."
        )
    if schema != SCHEMA or isinstance(schema, bool):
        raise JournalError(
            f"{path} was written by another version. Expected schema {SCHEMA}. Received: {str(schema)[:40]}"
        )


def as_json(document: msgspec.Struct) -> Json:
    """Return a document, or a part of one, as a JSON object."""
    return cast(Json, _with_lists(msgspec.to_builtins(document)))


def _with_lists(value: object) -> object:
    if isinstance(value, dict):
        return {name: _with_lists(item) for name, item in value.items()}
    return [_with_lists(item) for item in value] if isinstance(value, (list, tuple)) else value


def write_document(path: Path, document: msgspec.Struct) -> None:
    """Write a document under a temporary name, and rename it."""
    text = json.dumps(as_json(document), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    # The name of a file that is not UTF-8 has lone surrogates; `backslashreplace` writes them as JSON's escapes.
    write_bytes(path, text.encode("utf-8", "backslashreplace"))


def readable(value: Any) -> Any:  # whatever JSON holds
    """Return a value whose texts are safe to show on a page or a terminal.

    Lone surrogates and controls are replaced by U+FFFD. Invisible characters that change the text around them, such as
    its direction (U+202E), are written as escapes.
    """
    if isinstance(value, str):
        return _readable_text(value)
    if isinstance(value, dict):
        return {_readable_text(name): readable(item) for name, item in value.items()}
    return [readable(item) for item in value] if isinstance(value, list) else value


def _readable_text(text: str) -> str:
    return _UNSEEN.sub(lambda match: match[0].encode("unicode_escape").decode("ascii"), _CONTROL.sub("\ufffd", text))
