"""Checks of configurations and of the networks that they make: allowed, counted again, within the caps."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from search_spaces.networks.costs import LayerSummary
from tuner.core.records import Configuration, TrialRecord, configuration_key
from tuner.processes.tasks import PATIENCE, RESTORE_BEST
from tuner.verification.check import Outcome, Unavailable, count, outcome_of
from tuner.verification.evidence import Evidence


def configurations(evidence: Evidence) -> Outcome:
    """Check that each configuration has all active hyperparameters of the space and no other, each within its range."""
    faults_by_trial = _faults_of_configurations(evidence)
    faults = [f"trial {name}: {fault}" for name, fault in faults_by_trial.items() if fault is not None]
    different = len({configuration_key(record.configuration) for record in evidence.records.values()})
    return outcome_of(faults, count(different, "configuration"))


def _faults_of_configurations(evidence: Evidence) -> Mapping[str, str | None]:
    """Return trial → what is wrong with its configuration, or None; each configuration is looked at once."""

    def make() -> Mapping[str, str | None]:
        known: dict[str, str | None] = {}
        return {name: _known_fault(evidence, record.configuration, known) for name, record in evidence.records.items()}

    return evidence.once("configurations", make)


def _known_fault(evidence: Evidence, configuration: Configuration, known: dict[str, str | None]) -> str | None:
    key = configuration_key(configuration)
    if key not in known:
        known[key] = _fault(evidence, configuration)
    return known[key]


def _fault(evidence: Evidence, configuration: Configuration) -> str | None:
    values = {name: value for name, value in configuration.items() if name not in (PATIENCE, RESTORE_BEST)}
    try:
        # A study's value may be out of range, but not of another type.
        complete = evidence.same_family.complete(values, strict=evidence.kind != "study")
    except ValueError as error:
        return str(error)
    if complete != values:
        missing = sorted(set(complete) - set(values))
        return f"it lacks {missing[0]}" if missing else "a value is written as none of the space is"
    return None


def sound(evidence: Evidence) -> Iterator[TrialRecord]:
    """Yield the records whose configuration is one of the space, so that its network can be counted."""
    faults = _faults_of_configurations(evidence)
    return (record for name, record in evidence.records.items() if faults[name] is None)


def parameters(evidence: Evidence) -> Outcome:
    """Check the trainable parameters of each trial by counting them again."""

    def counted(record: TrialRecord) -> int:
        return int(evidence.family.count_parameters(record.configuration))

    return _counted_again(evidence, counted, lambda record: record.parameters, "parameters")


def multiply_adds(evidence: Evidence) -> Outcome:
    """Check each trial's layers, with their shapes, parameters and multiply-adds, by counting them again."""

    def counted(record: TrialRecord) -> tuple[LayerSummary, ...]:
        return tuple(evidence.family.layers(record.configuration))

    def total(layers: tuple[LayerSummary, ...]) -> str:
        return f"{sum(layer.multiply_adds for layer in layers):,} in {count(len(layers), 'layer')}"

    known: dict[str, tuple[LayerSummary, ...]] = {}
    faults = []
    for record in sound(evidence):
        key = configuration_key(record.configuration)
        if key not in known:
            known[key] = counted(record)
        if tuple(record.layers) != known[key]:
            faults.append(
                f"trial {record.trial} has multiply-adds of {total(tuple(record.layers))}. Counted again: {total(known[key])}, layer by layer"
            )
    return outcome_of(faults, f"{count(len(known), 'network')} counted again, layer by layer")


def _counted_again(
    evidence: Evidence, counted: Callable[[TrialRecord], int], recorded: Callable[[TrialRecord], int], noun: str
) -> Outcome:
    known: dict[str, int] = {}
    faults = []
    for record in sound(evidence):
        key = configuration_key(record.configuration)
        if key not in known:
            known[key] = counted(record)
        if recorded(record) != known[key]:
            faults.append(f"trial {record.trial} has {recorded(record):,} {noun}. Counted again: {known[key]:,}")
    return outcome_of(faults, f"{count(len(known), 'network')} counted again")


def caps(evidence: Evidence) -> Outcome:
    """Check that no trial is above the caps of its run."""
    space = evidence.run.space
    limits = {"parameters": space.max_params, "multiply-adds": space.max_macs}
    limits |= {"bytes of RAM": space.max_ram, "bytes of flash": space.max_flash}
    if not any(limit is not None for limit in limits.values()):
        raise Unavailable("the run had no caps")
    caps_memory = space.max_ram is not None or space.max_flash is not None
    # Only a network that the space makes can be counted; `configurations` names the others.
    memory_by_trial = _memory_by_trial(evidence) if caps_memory else {}
    faults = []
    for record in evidence.records.values():
        ram, flash = memory_by_trial.get(record.trial, (None, None))
        sizes: dict[str, int | None] = {"parameters": record.parameters, "multiply-adds": record.multiply_adds}
        sizes |= {"bytes of RAM": ram, "bytes of flash": flash}
        faults += [
            f"trial {record.trial} has {size:,} {what}. The cap is {limit:,}"
            for what, limit in limits.items()
            if limit is not None and (size := sizes[what]) is not None and size > limit
        ]
        if caps_memory and record.trial in memory_by_trial and ram is None:
            faults.append(
                f"trial {record.trial} has a network that TFLM can't run. A search with a cap of memory samples none"
            )
    words = " and ".join(f"{limit:,} {what}" for what, limit in limits.items() if limit is not None)
    return outcome_of(faults, f"{count(len(evidence.records), 'trial')} of at most {words}")


def memory(evidence: Evidence) -> Outcome:
    """Check RAM and flash of each trial's int8 network by computing them again."""
    if all(record.ram is None and record.flash is None for record in evidence.records.values()):
        raise Unavailable("the journal has no RAM and flash: a user's own space, or a run of an earlier version")
    faults, known = [], _memory_by_trial(evidence)
    for record in evidence.records.values():
        if record.trial not in known or (record.ram, record.flash) == known[record.trial]:
            continue
        faults.append(
            f"trial {record.trial} has {_bytes(record.ram)} of RAM and {_bytes(record.flash)} of flash. "
            f"Computed again: {_bytes(known[record.trial][0])} and {_bytes(known[record.trial][1])}"
        )
    return outcome_of(faults, f"{count(len(known), 'trial')} computed again")


def _memory_by_trial(evidence: Evidence) -> Mapping[str, tuple[int | None, int | None]]:
    """Return trial → bytes of RAM and flash of the networks that can be counted; each configuration is computed once."""

    def make() -> Mapping[str, tuple[int | None, int | None]]:
        known: dict[str, tuple[int | None, int | None]] = {}
        by_trial = {}
        for record in sound(evidence):
            key = configuration_key(record.configuration)
            if key not in known:
                known[key] = evidence.family.known_memory(record.configuration)
            by_trial[record.trial] = known[key]
        return by_trial

    return evidence.once("memory", make)


def _bytes(size: int | None) -> str:
    return "no bytes" if size is None else f"{size:,} bytes"
