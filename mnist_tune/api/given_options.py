"""Options as somebody gave them, on the command line or from Python, made into checked ones, and back into words."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from tuner.core.errors import UsageError
from tuner.options.durations import format_duration, parse_duration, validate_budget
from tuner.options.option import flag, options_of
from tuner.options.run_options import Options, RunOptions, SearchOptions, StudyOptions, TrainOptions
from tuner.spaces.named_configurations import named_configuration
from tuner.study.presets import PRESETS, preset_space

_DURATIONS = tuple(name for name, each in options_of(SearchOptions).items() if each.parse is parse_duration)


def make_options(given: Mapping[str, Any]) -> SearchOptions:
    """Checked options of a search.

    Raises:
        UsageError: where one is unknown, missing or out of range.
    """
    if "space" not in given:
        raise UsageError("A search needs a space. Expected --space NAME, such as --space compact8k. Received: none")
    return _checked(SearchOptions, given)


def make_train_options(given: Mapping[str, Any]) -> TrainOptions:
    """Checked options of a training, its configuration found.

    Raises:
        UsageError: where one is unknown, missing or out of range, or the name stands for nothing.
    """
    if "name" not in given:
        raise UsageError(
            "A training needs a configuration. Expected a reference's name, a JSON file, or RUN:TRIAL. Received: none"
        )
    _refuse_no_text(given)
    known = named_configuration(given["name"], given.get("space"))
    if given.get("space", known.space) != known.space:
        raise UsageError(
            f"{given['name']} is of another space. Expected --space {known.space}, or none. Received: {given['space']}"
        )
    found: dict[str, Any] = {"space": known.space, "configuration": dict(known.configuration)}
    if known.epochs is not None:
        found["epochs"] = known.epochs
    return _checked(TrainOptions, {**found, **given})


def make_study_options(given: Mapping[str, Any]) -> StudyOptions:
    """Checked options of a study.

    Raises:
        UsageError: where one is unknown, missing or out of range.
    """
    if "name" not in given:
        raise UsageError(
            f"A study needs a name. Expected one of {', '.join(PRESETS)}, or a hyperparameter with --values. Received: none"
        )
    _refuse_no_text(given)
    return _checked(StudyOptions, {"space": preset_space(given["name"]), **given})


def _refuse_no_text(given: Mapping[str, Any]) -> None:
    for name in ("name", "space"):
        if not isinstance(given.get(name, ""), str):
            raise UsageError(f"{name} has a wrong type. Expected a text. Received: {given[name]!r}")


def _checked(kind: type[Options], given: Mapping[str, Any]) -> Options:
    try:
        return kind(**given)
    except TypeError as error:
        raise UsageError(f"Unknown option: {error}") from error


def plain_values(given: Mapping[str, Any]) -> dict[str, Any]:
    """Durations as text become seconds, paths text; elsewhere "auto" is None.

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
    if isinstance(values.get("images"), os.PathLike):
        values["images"] = os.fspath(values["images"])
    return values


def default_folder(options: RunOptions) -> Path:
    """Return where a run goes that was given no folder: runs/<what>-<date>-<time>."""
    name = options.space if isinstance(options, SearchOptions) else Path(str(getattr(options, "name", ""))).stem
    return Path("runs") / f"{name.replace(':', '.')}-{datetime.now():%Y%m%d-%H%M%S}"


def command_line(options: RunOptions, out: Path) -> list[str]:
    """The command line that would do the same as a call from Python."""
    words = ["mnist-tune"]
    if isinstance(options, (TrainOptions, StudyOptions)):
        words += [options.kind, options.name]
    defaults = {field.name: field.default for field in dataclasses.fields(options)}
    # Switches last, as somebody would type them.
    for name, value in sorted(options.to_json().items(), key=lambda item: isinstance(item[1], bool)):
        if name in ("name", "configuration") or value == defaults[name]:
            continue
        if name == "space" and isinstance(options, TrainOptions):
            continue
        text = format_duration(value) if name in _DURATIONS else f"{value}"
        text = ",".join(value) if isinstance(value, (list, tuple)) else text
        words += [flag(name)] if isinstance(value, bool) else [flag(name), text]
    return [*words, "--out", str(out)]
