"""Settings of several runs, split into those that differ and those that are equal. Values, no text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reports.comparison.runs import NamedRun
from reports.run.run_data import RunData


@dataclass(frozen=True)
class Setting:
    """One thing in every run."""

    name: str
    values: tuple[object, ...]
    """One a run, in their order; `ABSENT` where a run has no such thing."""


@dataclass(frozen=True)
class Absent:
    """Stands for a value that a run does not have."""


ABSENT = Absent()


@dataclass(frozen=True)
class Settings:
    """One kind of settings."""

    differing: tuple[Setting, ...]
    same: tuple[Setting, ...]


def settings_of(items: Sequence[Mapping[str, object]]) -> Settings:
    """Split the settings of several runs; names stand in the order in which they are met."""
    names = list(dict.fromkeys(name for item in items for name in item))
    found = [Setting(name, tuple(item.get(name, ABSENT) for item in items)) for name in names]
    differing = tuple(setting for setting in found if not _all_equal(setting.values))
    return Settings(differing, tuple(setting for setting in found if setting not in differing))


def winners_configurations(runs: Sequence[NamedRun]) -> Settings:
    """Hyperparameters of the winners; of a run without one nothing is known, so it takes no part."""
    return settings_of([run.run.result.configuration for run in runs if run.run.result is not None])


def with_winner(runs: Sequence[NamedRun]) -> tuple[NamedRun, ...]:
    """The runs that have a winner."""
    return tuple(run for run in runs if run.run.result is not None)


def options(runs: Sequence[NamedRun]) -> Settings:
    """Return what the runs were asked for, and their spaces' caps."""
    return settings_of([_options(run.run) for run in runs])


def data(runs: Sequence[NamedRun]) -> Settings:
    """Return what the runs were trained and measured on."""
    return settings_of([_data(run.run) for run in runs])


def surroundings(runs: Sequence[NamedRun]) -> Settings:
    """Versions and machines."""
    return settings_of([_surroundings(run.run) for run in runs])


def _options(run: RunData) -> dict[str, object]:
    caps = {"cap of parameters": run.info.space.max_params, "cap of multiply-adds": run.info.space.max_macs}
    return {**run.info.options, **caps}


def _data(run: RunData) -> dict[str, object]:
    found = run.info.data
    names = ("name", "sha256", "classes", "train", "validation", "test")
    return {name: getattr(found, name) for name in names}


def _surroundings(run: RunData) -> dict[str, object]:
    machine = {name: getattr(run.info.machine, name) for name in ("system", "processor", "cores", "accelerators")}
    return {"mnist-tune": run.info.program.version, **run.info.versions, **machine}


def _all_equal(values: Sequence[object]) -> bool:
    """Return whether all are the same; yes is not one, as it would be to Python."""
    return len({(isinstance(value, bool), repr(_number(value))) for value in values}) < 2


def _number(value: object) -> object:
    """1 and 1.0 are the same setting."""
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else value
