"""The options of a resumed run: those of its run.json, except the resumable ones that were given again."""

from __future__ import annotations

import dataclasses

from tuner.core.errors import UsageError
from tuner.options.option import flag, options_of
from tuner.options.run_options import Options, RunOptions
from tuner.options.search_options import SearchOptions
from tuner.options.study_options import StudyOptions
from tuner.options.train_options import TrainOptions
from tuner.storage.schema.run import RunDocument


def read_options(run: RunDocument) -> RunOptions:
    """Return the options in run.json; this version must know all of them.

    Raises:
        UsageError: where an option is missing, unknown, or out of range.
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
            f"The run can't be resumed: its run.json has {what}. Resume it with the version that began it, or start a new run."
        )
    return kind.from_json(run.options)


def merge_for_resume(kept: Options, given: dict[str, object]) -> Options:
    """Return the options of a resumed run: those of run.json, changed by the resumable ones that were given again.

    Args:
        kept: the options in `run.json`.
        given: the options of this invocation.

    Raises:
        UsageError: where an option that is not resumable was given with another value.
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
