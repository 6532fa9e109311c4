"""The options of a run that is resumed: its own, but for those that don't change what it finds."""

from __future__ import annotations

import dataclasses

from tuner.core.errors import UsageError
from tuner.options.option import flag, options_of
from tuner.options.run_options import Options, RunOptions, SearchOptions, StudyOptions, TrainOptions
from tuner.storage.schema.run import RunDocument


def read_options(run: RunDocument) -> RunOptions:
    """Return the options in run.json, of which this version must know every one.

    Raises:
        UsageError: where one is missing, unknown, or out of its range.
    """
    kinds: dict[str, type[RunOptions]] = {"search": SearchOptions, "train": TrainOptions, "study": StudyOptions}
    kind = kinds[run.kind]
    fields = {field.name: field for field in dataclasses.fields(kind)}
    unknown = sorted(set(run.options) - set(fields))
    required = [name for name, field in fields.items() if field.default is dataclasses.MISSING]
    missing = sorted(set(required) - set(run.options))
    if unknown or missing:
        what = (
            f"options that this version doesn't have: {', '.join(unknown)}" if unknown else f"no {', '.join(missing)}"
        )
        raise UsageError(
            f"The run can't be gone on with: its run.json has {what}. Go on with the version that began it, or start a new run."
        )
    return kind.from_json(run.options)


def merge_for_resume(kept: Options, given: dict[str, object]) -> Options:
    """The options of a resumed run: its own, but for those that may change.

    Args:
        kept: the options in `run.json`.
        given: the options that were typed this time.

    Raises:
        UsageError: where one that can't change was given with another value.
    """
    resumable = {name for name, described in options_of(type(kept)).items() if described.resumable}
    for name, value in given.items():
        if name not in resumable and value != getattr(kept, name, None):
            raise UsageError(
                f"A resumed run keeps its own options: {flag(name)} is {_shown(getattr(kept, name, None))} in this run. "
                f"Received: {_shown(value)}. Leave it out, or start a new run in another folder."
            )
    changes = {name: value for name, value in given.items() if name in resumable}
    # A time budget is spent by one invocation: a resumed run has none unless it is given again.
    if isinstance(kept, SearchOptions):
        changes.setdefault("time_budget", None)
    return dataclasses.replace(kept, **changes)  # type: ignore[arg-type]


def _shown(value: object) -> str:
    return "not set" if value is None else str(value)
