"""Checks of the files: documents, the journal, digests, and that the files are there which result.json names."""

from __future__ import annotations

import os

from tuner.core.errors import JournalError, MnistTuneError
from tuner.storage.files import reject_symlinks
from tuner.storage.journal import JOURNAL_NAME, BrokenChain, read_state
from tuner.storage.run_folder import file_digests
from tuner.verification.check import Outcome, Unavailable, count, failed, outcome_of, passed
from tuner.verification.evidence import Evidence


def digests(evidence: Evidence) -> Outcome:
    """Check that journal, model and arrays are the files that the run wrote: by the digests in result.json."""
    recorded = evidence.result.files
    if recorded is None:
        if evidence.older:
            raise Unavailable("result.json has no digests: an earlier version wrote it")
        return failed("result.json has no digests, though this version of mnist-tune writes them")
    current_digests = file_digests(evidence.folder)
    faults = [f"{name} is missing" for name in recorded if name not in current_digests]
    faults += [
        f"{name} is not the file that the run wrote"
        for name in recorded
        if name in current_digests and current_digests[name] != recorded[name]
    ]
    faults += [
        f"{name} is there, and result.json has no digest of it" for name in current_digests if name not in recorded
    ]
    return outcome_of(faults, count(len(recorded), "file"))


def exported(evidence: Evidence) -> Outcome:
    """Check that the model's files are there which result.json names, and no other."""
    model = evidence.result.model
    recorded = {"keras": model.keras, "savedmodel": model.savedmodel, "int8": model.int8}
    folder = evidence.folder
    there = {
        "keras": os.path.isfile(folder.keras_model),
        "savedmodel": os.path.isfile(folder.saved_model / "saved_model.pb"),
        "int8": os.path.isfile(folder.int8_model),
    }
    names = {
        "keras": folder.keras_model.name,
        "savedmodel": f"{folder.saved_model.name}/saved_model.pb",
        "int8": folder.int8_model.name,
    }
    faults = [
        f"{names[what]} {'is missing' if recorded[what] else 'is there, though result.json says that none was exported'}"
        for what in there
        if recorded[what] != there[what]
    ]
    if not any(there.values()) and not faults:
        raise Unavailable("the run exports no model")
    return outcome_of(faults, " and ".join(names[what] for what in there if there[what]))


def documents(evidence: Evidence) -> Outcome:
    """Check that run.json and result.json are what they must be, and that the folder holds ordinary files only."""
    folder = evidence.folder
    try:
        reject_symlinks(folder.path, below=True)
        run = folder.read_run()
        result = folder.read_result()
    except MnistTuneError as error:
        return failed(str(error))
    if result is None and run.status == "completed":
        return failed("the run says that it is completed, and has no result.json")
    return passed("run.json and result.json" if result is not None else f"run.json; the run is {run.status}")


def checksums(evidence: Evidence) -> Outcome:
    """Check that each line of the journal is an event whose checksum is right."""
    evidence.run  # noqa: B018 - nothing is read through a link
    if not os.path.isfile(evidence.folder.journal):
        return failed(f"there is no {JOURNAL_NAME}")
    try:
        read_state(evidence.folder.journal)
    except BrokenChain:
        return passed("every line up to the one where the chain breaks")
    except JournalError as error:
        return failed(str(error))
    return passed(count(len(evidence.events), "line"))


def chain(evidence: Evidence) -> Outcome:
    """Check that no line was removed, moved or inserted: each holds the checksum of the line before it (`checksums` compares them)."""
    try:
        unchained = sum(not event.chained for event in evidence.events)
    except Unavailable as reason:
        if isinstance(reason.__cause__, BrokenChain):
            return failed(str(reason.__cause__))
        raise
    if not evidence.older:
        return outcome_of(
            ["the first line is not chained, though run.json says that the journal is"] if unchained else [],
            f"{count(len(evidence.events), 'line')}, each chained to the one before it",
        )
    version = evidence.run.program.version
    raise Unavailable(
        f"not chained: version {version} of mnist-tune wrote {count(unchained, 'line')} without a chain, so that a line "
        "that was removed or moved is not seen here"
    )


def order(evidence: Evidence) -> Outcome:
    """Check that a trial starts before it finishes, and that a completed run has ended every trial that it started."""
    begun: set[str] = set()
    faults = []
    for number, event in enumerate(evidence.events, start=1):
        if event.kind == "started":
            begun.add(event.trial)
        elif event.trial not in begun:
            faults.append(f"line {number}: trial {event.trial} finished and had not started")
    if evidence.completed and not evidence.by_the_clock:
        faults += [f"trial {trial} was started and never finished" for trial in evidence.state.started]
    return outcome_of(faults, f"{count(len(evidence.records), 'trial')} started, then finished")
