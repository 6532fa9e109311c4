"""`reproduce`: the command and the environment that reproduce the run."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from reports import formatting as text
from reports.run.run_data import RunData
from reports.sections.section import Section


@dataclass(frozen=True)
class Ledger:
    """A list of names and values under a heading."""

    head: str
    rows: tuple[tuple[str, str], ...]


def build(run: RunData) -> Section:
    """Return the section: command, seed, versions, machine, data, times."""
    info = run.info
    exact = not info.nondeterminism
    return Section(
        id="reproduce",
        name="Reproduce",
        part="Record",
        title=f"The same command with seed {info.seed} gives this run again"
        if exact
        else f"Another run with seed {info.seed} will differ a little",
        how="The same versions and the same kind of hardware are meant. "
        + ("Workers and their number do not matter." if exact else "What may differ even then is listed below."),
        body={
            "command": text.command(info.command),
            "nondeterminism": list(info.nondeterminism),
            "deterministic": "Nothing of this run depends on a clock, on the order of its workers or on a kernel that adds up in any order."
            if exact
            else "",
            "verify": text.command(["mnist-tune", "verify", _folder(info.command), "--retrain", "2"]),
            "notes": list(info.notes),
            "ledgers": ledgers(run),
            "configuration": _configuration(run),
        },
    )


def _folder(command: Sequence[str]) -> str:
    """Return the run's folder as in its command line, else RUN."""
    named = [word for option, word in itertools.pairwise(command) if option == "--out"]
    return named[-1] if named else "RUN"


def ledgers(run: RunData, *, exported: bool = True) -> list[Ledger]:
    """Return the run's facts under headings, without empty ones; `exported` is True if the run exports a model."""
    return [ledger for ledger in _ledgers(run, _model_facts(run) if exported else []) if ledger.rows]


def _ledgers(run: RunData, model: list[tuple[str, str]]) -> tuple[Ledger, ...]:
    info = run.info
    return (
        Ledger("Run", (("Seed", str(info.seed)), ("Algorithm", info.plan.algorithm), *model)),
        Ledger("Times", _times(run)),
        Ledger("Hardware", _hardware(run)),
        Ledger("Data", (("Name", info.data.name), ("sha256", info.data.sha256 or text.MISSING))),
        Ledger("Versions", (("mnist-tune", info.program.version), *sorted(_others(info.versions)))),
        Ledger(
            "Options",
            tuple((name, _option(name, value)) for name, value in sorted(info.options.items()) if value is not None),
        ),
    )


def _others(versions: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    return ((name, version) for name, version in versions.items() if name != "mnist-tune")


def _option(name: str, value: object) -> str:
    if name in ("target", "at_least") and isinstance(value, float):
        # Three digits, enough for a learning rate, would round 99.45 to 99.5.
        return f"{value:.10g}"
    return text.setting(value) if isinstance(value, (bool, int, float, str)) else str(value)


def _times(run: RunData) -> tuple[tuple[str, str], ...]:
    info = run.info
    return (
        ("Started", text.moment(info.times.started)),
        ("Ended", text.moment(info.times.ended)),
        ("Took", text.duration(info.times.elapsed_s)),
        *((phase.capitalize(), text.duration(seconds)) for phase, seconds in info.times.phases.items()),
    )


def _hardware(run: RunData) -> tuple[tuple[str, str], ...]:
    machine = run.info.machine
    return (
        ("System", machine.system or text.MISSING),
        ("Processor", machine.processor or text.MISSING),
        ("Cores", text.MISSING if machine.cores is None else str(machine.cores)),
        ("Memory", text.MISSING if machine.memory_bytes is None else text.size(machine.memory_bytes)),
        ("Accelerators", ", ".join(machine.accelerators) or "none"),
    )


def _model_facts(run: RunData) -> list[tuple[str, str]]:
    if run.result is None:
        return []
    model = run.result.model
    facts = [("Exported trial", run.result.exported.trial)]
    if model.difference is not None:
        facts.append(("SavedModel − Keras file", f"{text.short(model.difference)} at most"))
    if model.note:
        facts.append(("Export", model.note))
    return facts


def _configuration(run: RunData) -> str:
    if run.result is None:
        return ""
    return json.dumps(dict(run.result.configuration), indent=2, ensure_ascii=False)
