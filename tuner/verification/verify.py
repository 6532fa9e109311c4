"""All checks of a run, named, in the order of the report."""

from __future__ import annotations

import os
from collections.abc import Callable

from tuner.core.errors import UsageError
from tuner.storage.run_folder import RunFolder
from tuner.verification import (
    data,
    figures,
    files,
    models,
    networks,
    plan,
    repetitions,
    replay,
    result,
)
from tuner.verification.check import Check, Contradiction, Outcome, Unavailable, failed, named
from tuner.verification.evidence import Evidence, Request
from tuner.verification.retraining import retrained

CHECKS: dict[str, Callable[[Evidence], Outcome]] = {
    "documents": files.documents,
    "journal checksums": files.checksums,
    "journal chain": files.chain,
    "journal order": files.order,
    "options": plan.options,
    "space": plan.same_space,
    "plan": plan.plan,
    "trials": plan.trials,
    "seeds": repetitions.seeds,
    "folds": repetitions.folds,
    "configurations": networks.configurations,
    "samples": replay.samples,
    "promotions": replay.promotions,
    "repetitions": repetitions.repetitions,
    "parameters": networks.parameters,
    "multiply-adds": networks.multiply_adds,
    "memory": networks.memory,
    "caps": networks.caps,
    "histories": figures.histories,
    "accuracies": figures.accuracies,
    "winner": result.winner,
    "validation figures": result.figures,
    "digests": files.digests,
    "exported files": files.exported,
    "kept probabilities": figures.validation,
    "test figures": figures.test,
    "data": data.data,
    "Keras model": models.keras_model,
    "SavedModel": models.savedmodel,
}
"""Name of a check → what it does. Each may raise `Unavailable`; a model that is none is a failure."""


def verify(folder: RunFolder, request: Request) -> list[Check]:
    """Return the outcomes of a run's checks.

    Args:
        folder: the run's folder.
        request: the checks' options.

    Raises:
        UsageError: where the folder is no run's.
    """
    if not os.path.isfile(folder.run_json) or os.path.islink(folder.run_json):  # never raise, whatever the name
        folder.read_run()
    evidence = Evidence(folder, request)
    try:
        checks = [_run(name, check, evidence) for name, check in CHECKS.items()]
        return checks + (retrained(evidence, request.retrain) if request.retrain else [])
    finally:
        evidence.close()


def _run(name: str, check: Callable[[Evidence], Outcome], evidence: Evidence) -> Check:
    try:
        outcome = check(evidence)
    except Unavailable as reason:
        outcome = Outcome("not possible", str(reason))
    except (Contradiction, UsageError) as error:
        outcome = failed(str(error))
    return named(name, outcome)
