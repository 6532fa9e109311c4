"""The arms of a study over their seeds, and their paired comparisons with the base.

Pure functions of records; no Keras, no files. Values are fractions. Repetition k has one seed in all arms, so that arms are compared pair by pair.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from tuner.core.records import TrialRecord, Value
from tuner.stats.paired_tests import ALPHA, PairedTest, holm, paired_test

Verdict: TypeAlias = Literal["better", "worse", "no difference shown"]


@dataclass(frozen=True)
class ArmScores:
    """One value of what is studied, with the trials that have ended."""

    label: str
    value: Value | None
    parameters: int | None
    epochs: int
    seeds: int
    records: tuple[TrialRecord, ...]
    """The trials by repetition, failed ones too."""

    @property
    def scored(self) -> tuple[TrialRecord, ...]:
        """The trials with a finite validation accuracy."""
        return tuple(record for record in self.records if _score(record) is not None)

    @property
    def failed(self) -> int:
        """Trials that ended without a score."""
        return len(self.records) - len(self.scored)

    @property
    def scores(self) -> dict[int, float]:
        """Repetition → validation accuracy."""
        return {record.repetition: score for record in self.records if (score := _score(record)) is not None}


@dataclass(frozen=True)
class Comparison:
    """An arm against the base."""

    label: str
    test: PairedTest
    p_holm: float | None
    verdict: Verdict


def compare_arms(base: ArmScores, others: Sequence[ArmScores]) -> tuple[Comparison, ...]:
    """Compare each arm with the base, with Holm's correction over all of them."""
    tests = [paired_test(differences(base, arm)) for arm in others]
    corrected = holm([test.p for test in tests])
    return tuple(
        Comparison(arm.label, test, p, _verdict(test.difference, p))
        for arm, test, p in zip(others, tests, corrected, strict=True)
    )


def differences(base: ArmScores, arm: ArmScores) -> tuple[float, ...]:
    """Return the arm's score − the base's for each repetition in which both have one."""
    scores, others = base.scores, arm.scores
    return tuple(others[number] - scores[number] for number in sorted(set(scores) & set(others)))


def _verdict(difference: float | None, p_holm: float | None) -> Verdict:
    if difference is None or p_holm is None or p_holm >= ALPHA:
        return "no difference shown"
    return "better" if difference > 0 else "worse"


def _score(record: TrialRecord) -> float | None:
    value = record.val_accuracy
    return value if record.completed and value is not None and math.isfinite(value) else None
