"""Settings of several runs, split into those that differ and those that are equal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reports.comparison.runs import NamedRun
from reports.run.run_data import RunData


@dataclass(frozen=True)
class Setting:
    """A setting and its value in every run."""

    name: str
    values: tuple[object, ...]
    """A value for each run, in order; `ABSENT` if the run lacks the setting."""


@dataclass(frozen=True)
class Absent:
    """The placeholder for a setting that a run lacks."""


ABSENT = Absent()


@dataclass(frozen=True)
class Settings:
    """Settings that differ, and settings that are equal."""

    differing: tuple[Setting, ...]
    same: tuple[Setting, ...]


def settings_of(items: Sequence[Mapping[str, object]]) -> Settings:
    """Split the settings of several runs; names are in order of first occurrence."""
    names = list(dict.fromkeys(name for item in items for name in item))
    settings = [Setting(name, tuple(item.get(name, ABSENT) for item in items)) for name in names]
    differing = tuple(setting for setting in settings if not _all_equal(setting.values))
    return Settings(differing, tuple(setting for setting in settings if setting not in differing))


def winners_configurations(runs: Sequence[NamedRun]) -> Settings:
    """Return the hyperparameters of the winners, without runs that have none."""
    return settings_of([run.run.result.configuration for run in runs if run.run.result is not None])


def with_winner(runs: Sequence[NamedRun]) -> tuple[NamedRun, ...]:
    """Return the runs that have a winner."""
    return tuple(run for run in runs if run.run.result is not None)


def options(runs: Sequence[NamedRun]) -> Settings:
    """Return the runs' options and their spaces' caps."""
    return settings_of([_options(run.run) for run in runs])


def data(runs: Sequence[NamedRun]) -> Settings:
    """Return the runs' data."""
    return settings_of([_data(run.run) for run in runs])


def environments(runs: Sequence[NamedRun]) -> Settings:
    """Return versions and machines."""
    return settings_of([_environment(run.run) for run in runs])


def _options(run: RunData) -> dict[str, object]:
    caps = {"cap of parameters": run.info.space.max_params, "cap of multiply-adds": run.info.space.max_macs}
    return {**run.info.options, **caps}


def _data(run: RunData) -> dict[str, object]:
    document = run.info.data
    names = ("name", "sha256", "classes", "train", "validation", "test")
    return {name: getattr(document, name) for name in names}


def _environment(run: RunData) -> dict[str, object]:
    machine = {name: getattr(run.info.machine, name) for name in ("system", "processor", "cores", "accelerators")}
    return {"mnist-tune": run.info.program.version, **run.info.versions, **machine}


def _all_equal(values: Sequence[object]) -> bool:
    """Return True if all values are equal; True is not 1 here."""
    return len({(isinstance(value, bool), repr(_number(value))) for value in values}) < 2


def _number(value: object) -> object:
    """Return a number as a float: 1 and 1.0 are the same setting."""
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else value
