"""One option: a dataclass field that carries its help, its range and how its value is read from the command line."""

from __future__ import annotations

import dataclasses
import reprlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args, get_origin, get_type_hints

from tuner.core.errors import UsageError
from tuner.core.text import did_you_mean

Group: TypeAlias = Literal["task", "search", "confirmation", "running", "report"]
"""The heading of an option in `--help`."""

COUNT = (1, 10**12)
"""Range of a number of images, parameters or multiply-adds."""

_TYPES: dict[str, tuple[tuple[type, ...], str]] = {
    str(str): ((str,), "a text"),
    str(bool): ((bool,), "true or false"),
    str(int): ((int,), "a whole number"),
    str(float): ((int, float), "a number"),
    str(str | None): ((str, type(None)), "a text"),
    str(int | None): ((int, type(None)), "a whole number"),
    str(float | None): ((int, float, type(None)), "a number"),
}
"""A field's type as written → the types that its value may have, and their name in a message."""


@dataclass(frozen=True)
class Option:
    """The part of an option that `--help`, the checks and docs/options.md share."""

    help: str
    group: Group
    metavar: str | None = None
    """None: a switch that sets the opposite of its default."""
    limits: tuple[float, float] | None = None
    """Least and largest value. The largest keeps a typing error from filling memory or the machine with processes."""
    parse: Callable[[str], Any] | None = None
    """Parser of the command line's text; None: the field's type."""
    unset: str | None = None
    """The default in words where the value doesn't say it."""
    resumable: bool = False
    """True where a resumed run accepts another value, because it doesn't change the result."""


def option(default: Any, help: str, **settings: Any) -> Any:
    """Return a dataclass field for an option; without a `default` (`...`) it is required.

    Args:
        default: the value where the user gives none.
        help: the line in `--help`, without the default.
        **settings: of `Option`; `group` is "running" unless it is given.
    """
    metadata = {"option": Option(help, settings.pop("group", "running"), **settings)}
    if default is ...:
        return dataclasses.field(metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


def options_of(kind: type) -> dict[str, Option]:
    """Return name → option of a dataclass, in the order of its fields; fields that are no options are left out."""
    return {field.name: field.metadata["option"] for field in dataclasses.fields(kind) if "option" in field.metadata}


_types_of: dict[type, Mapping[str, Any]] = {}
"""Not `functools.cache`, for which mypy takes a dataclass's type as not hashable."""


def types_of(kind: type) -> Mapping[str, Any]:
    """Return name → type of a dataclass's fields; evaluated once, since every parser and every check asks."""
    if kind not in _types_of:
        _types_of[kind] = get_type_hints(kind)
    return _types_of[kind]


def flag(name: str) -> str:
    """Return the command line's spelling of an option: "max_params" → "--max-params"."""
    return {"references": "--no-references", "test": "--no-test"}.get(name, "--" + name.replace("_", "-"))


def choices_of(hint: Any) -> tuple[str, ...]:
    """Return the choices of an option from its type, a `Literal` or a `Literal` or None; empty for another type."""
    if get_origin(hint) is Literal:
        return get_args(hint)
    return next((choices for part in get_args(hint) if (choices := choices_of(part))), ())


def unknown_choice(name: str, choices: Sequence[str], received: object) -> UsageError:
    """Return the error for a value that is none of an option's choices, with the nearest one."""
    hint = did_you_mean(received, choices) if isinstance(received, str) else ""
    return UsageError(
        f"{flag(name)} is out of range. Expected one of {', '.join(choices)}. Received: {received}.{hint}"
    )


def validate(options: Any) -> None:
    """Check the type, the choice and the range of each value: Python callers and run.json may hold anything.

    Raises:
        UsageError: at the first value that is wrong.
    """
    hints = types_of(type(options))
    described = options_of(type(options))
    for field in dataclasses.fields(options):
        value = getattr(options, field.name)
        _validate_type(field.name, value, hints[field.name])
        if field.name in described and value is not None:
            _validate_range(field.name, value, described[field.name].limits)


def _validate_type(name: str, value: object, hint: Any) -> None:
    if get_origin(hint) is Literal:
        if value not in get_args(hint) or not isinstance(value, str):
            raise unknown_choice(name, get_args(hint), value)
        return
    types, words = _TYPES.get(str(hint), ((object,), ""))
    # A bool is an int in Python, and no number here.
    if not isinstance(value, types) or (isinstance(value, bool) and not {bool, object} & set(types)):
        raise UsageError(f"{flag(name)} has a wrong type. Expected {words}. Received: {reprlib.repr(value)}")


def _validate_range(name: str, value: Any, limits: tuple[float, float] | None) -> None:
    if limits is None:
        return
    least, most = limits
    if not value >= least:
        raise out_of_range(name, f"{least:,} or more", value)
    if not value <= most:
        raise out_of_range(name, f"{most:,} or less", value)


def out_of_range(name: str, expected: str, received: object) -> UsageError:
    """Return the error for a value of the right type that is out of range."""
    return UsageError(f"{flag(name)} is out of range. Expected {expected}. Received: {received}")
