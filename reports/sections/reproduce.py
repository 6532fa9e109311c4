"""`reproduce`: what it takes to get this run again."""

from __future__ import annotations

import json

from reports import formatting as text
from reports.run_data import RunData
from reports.sections.section import Section


def build(run: RunData) -> Section:
    """Command, seed, versions, machine, data, times."""
    info = run.info
    exact = not info.nondeterminism
    return Section(
        id="reproduce",
        name="Reproduce",
        title="The same command with the same seed gives this run again"
        if exact
        else "Another run with this seed will differ a little",
        how="The same versions and the same kind of hardware are meant. Workers and their number do not matter.",
        body={
            "command": text.command(info.command),
            "nondeterminism": list(info.nondeterminism),
            "notes": list(info.notes),
            "facts": _facts(run),
            "configuration": _configuration(run),
        },
    )


def _facts(run: RunData) -> list[tuple[str, str]]:
    info, machine = run.info, run.info.machine
    accelerators = machine.get("accelerators")
    devices = (
        ", ".join(str(item) for item in accelerators) if isinstance(accelerators, list) and accelerators else "none"
    )
    memory = machine.get("memory_bytes")
    facts = [
        ("Seed", str(info.seed)),
        ("Algorithm", info.plan.algorithm),
        ("mnist-tune", info.version),
        *((name, version) for name, version in sorted(info.versions.items())),
        ("System", str(machine.get("system", text.MISSING))),
        ("Processor", f"{machine.get('processor', text.MISSING)}, {machine.get('cores', text.MISSING)} cores"),
        ("Memory", text.size(memory) if isinstance(memory, (int, float)) else text.MISSING),
        ("Accelerators", devices),
        ("Data", f"{info.data.name}, sha256 {info.data.sha256 or text.MISSING}"),
        ("Started", text.moment(info.started)),
        ("Ended", text.moment(info.ended)),
        ("Took", text.duration(info.elapsed_s)),
        *((f"… {phase}", text.duration(seconds)) for phase, seconds in sorted(info.phases.items())),
    ]
    return facts + _model_facts(run)


def _model_facts(run: RunData) -> list[tuple[str, str]]:
    if run.result is None:
        return []
    model = run.result.model
    facts = [("Exported trial", run.result.trial)]
    difference = model.get("difference")
    if isinstance(difference, (int, float)):
        facts.append(("SavedModel against Keras", f"probabilities differ by {text.short(float(difference))} at most"))
    if model.get("note"):
        facts.append(("Export", str(model["note"])))
    return facts


def _configuration(run: RunData) -> str:
    if run.result is None:
        return ""
    return json.dumps(dict(run.result.configuration), indent=2, ensure_ascii=False)
