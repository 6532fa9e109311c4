"""Checks of the files beside result.json: their digests, and that those are there which result.json names."""

from __future__ import annotations

import os

from tuner.storage.digests import file_digests
from tuner.verification.check import Outcome, Unavailable, count, failed, outcome_of
from tuner.verification.evidence import Evidence


def digests(evidence: Evidence) -> Outcome:
    """Check that journal, model and arrays are the files that the run wrote: by the digests in result.json."""
    recorded = evidence.result.files
    if recorded is None:
        if evidence.older:
            raise Unavailable("result.json has no digests: an earlier version wrote it")
        return failed("result.json has no digests, though this version of mnist-tune writes them")
    found = file_digests(evidence.folder)
    faults = [f"{name} is missing" for name in recorded if name not in found]
    faults += [
        f"{name} is not the file that the run wrote"
        for name in recorded
        if name in found and found[name] != recorded[name]
    ]
    faults += [f"{name} is there, and result.json has no digest of it" for name in found if name not in recorded]
    return outcome_of(faults, count(len(recorded), "file"))


def exported(evidence: Evidence) -> Outcome:
    """Check that the model's files are there which result.json names, and no other."""
    model = evidence.result.model
    recorded = {"keras": model.keras, "savedmodel": model.savedmodel}
    folder = evidence.folder
    there = {
        "keras": os.path.isfile(folder.keras_model),
        "savedmodel": os.path.isfile(folder.saved_model / "saved_model.pb"),
    }
    names = {"keras": folder.keras_model.name, "savedmodel": f"{folder.saved_model.name}/saved_model.pb"}
    faults = [
        f"{names[what]} {'is missing' if recorded[what] else 'is there, though result.json says that none was exported'}"
        for what in there
        if recorded[what] != there[what]
    ]
    if not any(there.values()) and not faults:
        raise Unavailable("the run exports no model")
    return outcome_of(faults, " and ".join(names[what] for what in there if there[what]))
