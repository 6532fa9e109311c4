"""The parts of `mnist-tune verify` that are pure: comparing JSON, comparing trainings, lines of the table."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import pytest

from tests.kit.records import record
from tests.kit.replacing import replace
from tests.kit.run_builder import FakeRun, run_document
from tuner.core.machine import versions
from tuner.processes.kernels import KERNEL_VARIABLES
from tuner.run.run_document import describe_machine
from tuner.verification.check import (
    LONGEST_DETAIL,
    Outcome,
    Unavailable,
    count,
    disagreements,
    equal,
    named,
    outcome_of,
)
from tuner.verification.replay import replay
from tuner.verification.retraining import differences, same_training, scores, tolerance

# `Any`: JSON.


@pytest.mark.parametrize(
    ("found", "expected", "same"),
    [
        (1, 1, True),
        (1, 1.0, True),
        (0.1 + 0.2, 0.3, True),
        (0.3001, 0.3, False),
        (True, 1, False),
        (1, True, False),
        ("1", 1, False),
        (None, None, True),
        (None, 0, False),
        (math.inf, 1.0, False),
        (10**30, 10**30 + 1, False),
        ("a", "a", True),
    ],
)
def test_scalars_are_equal_up_to_rounding(found: Any, expected: Any, same: bool) -> None:
    assert equal(found, expected) is same


@pytest.mark.parametrize(
    ("found", "expected", "told"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1}, {"a": 2}, ["x.a is 1. Expected 2"]),
        ({}, {"a": 2}, ["x.a is missing. Expected 2"]),
        ({"a": 2}, {}, ["x.a is 2. Expected none"]),
        ({"a": [1, 2]}, {"a": [1]}, ["x.a has 2 entries. Expected 1"]),
        ({"a": [1, 2]}, {"a": (1, 3)}, ["x.a.1 is 2. Expected 3"]),
        ({"a": "bc"}, {"a": ["b", "c"]}, ["x.a is 'bc'. Expected ['b', 'c']"]),
        ([{"a": {"b": 1}}], [{"a": {"b": 2}}], ["x.0.a.b is 1. Expected 2"]),
    ],
)
def test_documents_are_compared_place_by_place(found: Any, expected: Any, told: list[str]) -> None:
    assert disagreements(found, expected, "x") == told


def test_a_failure_names_the_first_fault_and_counts_the_others() -> None:
    assert outcome_of([], "3 trials") == Outcome("passed", "3 trials")
    assert outcome_of(["a"], "") == Outcome("failed", "a")
    assert outcome_of(["a", "b", "c"], "") == Outcome("failed", "a (and 2 more)")
    assert (count(1, "trial"), count(2000, "trial")) == ("1 trial", "2,000 trials")


def test_a_detail_is_one_line_of_some_length() -> None:
    check = named("plan", Outcome("failed", f"a\nb{'x' * 5000}"))
    assert check.detail.startswith("a bx")
    assert len(check.detail) == LONGEST_DETAIL + 3


def test_a_search_that_has_no_replay_is_not_accused() -> None:
    """Samples that nothing can foretell are no faults of the run."""
    evidence: Any = SimpleNamespace(search_options=SimpleNamespace(algorithm="of tomorrow"))
    with pytest.raises(Unavailable, match="no replay of --algorithm of tomorrow"):
        replay(evidence)


BODY = {
    "val_accuracy": 0.5,
    "val_loss": 0.1,
    "epochs_run": 2,
    "history": {"loss": [0.3, 0.2], "val_accuracy": [0.4, 0.5], "seconds": [9.0, 9.0]},
}
RECORD = record(
    val_accuracy=0.5, history={"loss": (0.3, 0.2), "val_accuracy": (0.4, 0.5), "seconds": (1.0, 1.0)}, worker=1
)


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({}, True),
        ({"val_accuracy": 0.5000000000000001}, False),
        ({"val_loss": 0.2}, False),
        ({"epochs_run": 1}, False),
        ({"history": {"loss": [0.3, 0.2], "val_accuracy": [0.4, 0.5]}}, True),
        ({"history": {"loss": [0.3, 0.2000000000000001], "val_accuracy": [0.4, 0.5]}}, False),
        ({"history": {"loss": [0.3, 0.2]}}, False),
    ],
)
def test_a_training_is_the_same_but_for_its_times(change: dict[str, Any], same: bool) -> None:
    assert same_training(RECORD, {**BODY, **change}) is same


@pytest.mark.parametrize(
    ("accuracy", "images", "limit"),
    [(0.5, 100, 0.4), (0.99, 6000, 0.02), (1.0, 130, 0.02), (0.9, 130, 8 * math.sqrt(0.09 / 130)), (0.5, 0, 4.0)],
)
def test_the_tolerance_is_eight_standard_errors_and_no_less_than_two_points(
    accuracy: float, images: int, limit: float
) -> None:
    assert tolerance(accuracy, images) == pytest.approx(limit)


@pytest.mark.parametrize(
    ("changes", "body", "expected"),
    [
        ({}, BODY, (0.5, 0.5)),
        ({"objective": "balanced_accuracy", "val_balanced_accuracy": 0.3}, {**BODY, "val_balanced_accuracy": 0.2}, (0.3, 0.2)),
        ({"objective": "balanced_accuracy", "val_balanced_accuracy": 0.3}, BODY, None),
        ({"phase": "refit", "history": {"accuracy": (0.7,)}}, {"history": {"accuracy": [0.6]}}, (0.7, 0.6)),
        ({"phase": "refit", "objective": "balanced_accuracy", "history": {"accuracy": (0.7,)}}, {"history": {"accuracy": [0.6]}}, (0.7, 0.6)),
    ],
)  # fmt: skip
def test_trainings_are_compared_by_the_score_that_ranks_them(
    changes: dict[str, Any], body: dict[str, Any], expected: tuple[float, float] | None
) -> None:
    assert scores(replace(RECORD, **changes), body) == expected


@pytest.mark.parametrize(
    ("machine", "others", "told"),
    [
        ({}, {}, []),
        ({"processor": "another"}, {}, ["processor of the machine"]),
        ({"features": None}, {}, ["features of the machine"]),
        ({"accelerators": ["NVIDIA GPU 0"]}, {}, ["accelerators of the machine"]),
        ({"cores": 4096, "memory_bytes": 1}, {}, []),
        ({}, {"options": {"scheduler": "tcp://10.0.0.1:8786"}}, ["a machine of the cluster"]),
        ({}, {"versions": {**versions(), "numpy": "0.1"}}, ["numpy"]),
        ({}, {"versions": {**versions(), "jax": "0.0.1"}}, ["jax"]),
    ],
)
def test_what_makes_other_bits(machine: dict[str, Any], others: dict[str, Any], told: list[str]) -> None:
    here = {"machine": replace(describe_machine(), **machine), "versions": versions(), "options": {}}
    assert differences(replace(run_document(FakeRun(), []), **{**here, **others})) == told


@pytest.mark.parametrize(
    ("recorded", "features", "same"),
    [
        ({}, ("avx2",), False),
        ({}, ("avx2", "avx512_vnni"), True),
        ({"TF_ENABLE_ONEDNN_OPTS": "0"}, ("avx2", "avx512_vnni"), False),
        ({"ONEDNN_MAX_CPU_ISA": "AVX2"}, ("avx2", "avx512_vnni"), False),
        (None, ("avx2", "avx512_vnni"), False),
    ],
)
def test_an_older_run_has_the_same_kernels_where_its_processor_used_onednn(
    recorded: dict[str, str] | None, features: tuple[str, ...], same: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such a run has recorded no variable: TensorFlow chose by itself."""
    for name in KERNEL_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    here = replace(describe_machine(), features=features)
    monkeypatch.setattr("tuner.verification.retraining.describe_machine", lambda _: here)
    machine = replace(here, kernel_variables=recorded)
    run = replace(run_document(FakeRun(), []), machine=machine, versions=versions(), options={})
    assert (differences(run) == []) == same
