"""Options from the command line or from Python, validated, and formatted as a command line."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from search_spaces.networks.notation import is_notation
from tuner.core.errors import UsageError
from tuner.core.pictures import canonical_image_size, format_image_size
from tuner.options.durations import format_duration, parse_duration, validate_budget
from tuner.options.option import flag, options_of
from tuner.options.run_options import CAPS, Options, RunOptions
from tuner.options.search_options import SearchOptions
from tuner.options.study_options import StudyOptions
from tuner.options.train_options import TrainOptions
from tuner.spaces.named_configurations import named_configuration
from tuner.study.presets import PRESETS, preset_space

_DURATIONS = tuple(name for name, each in options_of(SearchOptions).items() if each.parse is parse_duration)


def make_options(given: Mapping[str, Any]) -> SearchOptions:
    """Return the validated options of a search.

    Raises:
        UsageError: where one is unknown, missing or out of range.
    """
    if "space" not in given:
        raise UsageError("A search needs a space. Expected --space NAME, such as --space compact8k. Received: none")
    return _checked(SearchOptions, given)


def make_train_options(given: Mapping[str, Any]) -> TrainOptions:
    """Return the validated options of a training, with its configuration.

    Raises:
        UsageError: where one is unknown, missing or out of range, or no configuration has the name.
    """
    if "name" not in given:
        raise UsageError(
            "A training needs a configuration. Expected a reference's name, a network, a JSON file, or RUN:TRIAL. Received: none"
        )
    _refuse_no_text(given)
    _refuse_caps(given, "training")
    known = named_configuration(given["name"], given.get("space"))
    if given.get("space", known.space) != known.space:
        raise UsageError(
            f"{given['name']} belongs to another space. Expected --space {known.space}, or none. "
            f"Received: {given['space']}"
        )
    defaults: dict[str, Any] = {"space": known.space, "configuration": dict(known.configuration)}
    if known.epochs is not None:
        defaults["epochs"] = known.epochs
    return _checked(TrainOptions, {**defaults, **given})


def make_study_options(given: Mapping[str, Any]) -> StudyOptions:
    """Return the validated options of a study.

    Raises:
        UsageError: where one is unknown, missing or out of range.
    """
    if "name" not in given:
        raise UsageError(
            f"A study needs a name. Expected one of {', '.join(PRESETS)}, or a hyperparameter with --values. "
            "Received: none"
        )
    _refuse_no_text(given)
    _refuse_caps(given, "study")
    return _checked(StudyOptions, {"space": preset_space(given["name"]), **given})


def _refuse_no_text(given: Mapping[str, Any]) -> None:
    for name in ("name", "space"):
        if not isinstance(given.get(name, ""), str):
            raise UsageError(f"{name} has a wrong type. Expected text. Received: {given[name]!r}")


def _refuse_caps(given: Mapping[str, Any], kind: str) -> None:
    """Raise where a training or a study is given a cap, which limits what a search samples."""
    name = next((name for name in CAPS if given.get(name) is not None), None)
    if name is not None:
        raise UsageError(
            f"{name} limits what a search samples, and a {kind} samples nothing. Expected none. Received: {name}={given[name]!r}. "
            "Leave it out, or search."
        )


def _checked(kind: type[Options], given: Mapping[str, Any]) -> Options:
    try:
        return kind(**given)
    except TypeError as error:
        raise UsageError(f"Unknown option: {error}") from error


def plain_values(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return options with durations in seconds, paths as text, and "auto" as None.

    Raises:
        UsageError: where a duration can't be read, or a time budget is too short for any run.
    """
    values = dict(given)
    for name in _DURATIONS:
        if isinstance(values.get(name), str):
            values[name] = parse_duration(values[name])
    budget_s = values.get("time_budget")
    if isinstance(budget_s, int | float) and not isinstance(budget_s, bool):
        validate_budget(budget_s)
    if values.get("workers") == "auto":
        values["workers"] = None
    for name in ("images", "test_data"):
        if isinstance(values.get(name), os.PathLike):
            values[name] = os.fspath(values[name])
    if "image_size" in values:
        values["image_size"] = _image_size_text(values["image_size"])
    return values


def _image_size_text(given: Any) -> Any:
    """Return 32 as "32" and (48, 32) as "48x32"; others as they are: the options check them."""
    match given:
        case bool():
            return given
        case int():
            return str(given)
        case [int() as height, int() as width]:
            return format_image_size((height, width))
        case str():
            with contextlib.suppress(ValueError):
                return canonical_image_size(given)
    return given


def default_folder(options: RunOptions) -> Path:
    """Return the default folder of a run: runs/<what>-<date>-<time>."""
    return Path("runs") / f"{_run_name(options).replace(':', '.')}-{datetime.now():%Y%m%d-%H%M%S}"


def _run_name(options: RunOptions) -> str:
    if isinstance(options, SearchOptions):
        return options.space
    name = str(getattr(options, "name", ""))
    # A network in the notation has blanks and slashes.
    return "network" if is_notation(name) and not Path(name).exists() else Path(name).stem


def command_line(options: RunOptions, out: Path) -> list[str]:
    """Return the command line that is equivalent to a call from Python."""
    words = ["mnist-tune"]
    if isinstance(options, (TrainOptions, StudyOptions)):
        words += [options.kind, options.name]
    defaults = options.defaults()
    for name, value in sorted(options.to_json().items(), key=lambda item: isinstance(item[1], bool)):
        if name in ("name", "configuration") or value == defaults[name]:
            continue
        if name == "space" and isinstance(options, TrainOptions):
            continue
        text = format_duration(value) if name in _DURATIONS else f"{value}"
        text = ",".join(value) if isinstance(value, (list, tuple)) else text
        words += [flag(name)] if isinstance(value, bool) else [flag(name), text]
    return [*words, "--out", str(out)]
