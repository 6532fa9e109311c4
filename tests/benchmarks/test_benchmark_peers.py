"""The measurements against peers: what is drawn, read, counted and kept. What they measure is not tested."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import fidelity, footprint, plots, throughput, time_to_quality
from benchmarks.measuring import RESULTS, do_all, geometric_mean
from benchmarks.time_to_quality import Confirmation, Scored, SearchResult
from research import batch_norm
from search_spaces.families.registry import load_family
from tuner.core.errors import RunFailed
from tuner.processes.tasks import Event, SpaceRef, Task, TrainTask

FAMILY = load_family(throughput.SPACE)


@pytest.mark.parametrize("workload", throughput.WORKLOADS, ids=lambda own: own.name)
def test_both_sides_train_the_same_list_within_the_cap(workload: throughput.Workload) -> None:
    drawn = workload.configurations()
    assert drawn == workload.configurations()
    assert len(drawn) == workload.trials
    assert all(FAMILY.fits(values) for values in drawn)
    assert {FAMILY.recipe(values).augmentation.is_identity for values in drawn} >= {not workload.augments}


def test_a_ratio_is_that_of_pairs() -> None:
    workload = throughput.Workload("made up", 4, 3, 100, augments=False)
    seconds = {"keras-tuner": (20.0, 40.0), "mnist-tune": (10.0, 10.0), throughput.TUNED_PEER: (15.0, 20.0)}
    timed = [
        throughput.Timed("made up", side, pair, seconds[side][pair], 30.0, ())
        for pair in (0, 1)
        for side in reversed(throughput.ALL_SIDES)
    ]
    row = throughput.row(workload, timed, peak=1e9)
    assert row["ratios"] == [2.0, 4.0]
    assert row["ratios_with_our_variables"] == [1.5, 2.0]
    assert row["ratio"] == pytest.approx(8**0.5, abs=0.01)
    assert row["trial_epochs_a_second"]["mnist-tune"] == [1.2, 1.2]
    assert row["limit_trial_epochs_a_second"] == pytest.approx(
        12 * 1e9 / (12 * 90 * workload.multiply_adds() * 6), rel=0.05
    )


def test_a_workload_that_is_measured_alone_leaves_the_others(tmp_path: Path) -> None:
    kept = tmp_path / "kept.json"
    assert throughput._other_rows(kept, [{"name": "a"}]) == []
    kept.write_text(json.dumps({"rows": [{"name": "a", "ratio": 1}, {"name": "b", "ratio": 2}]}), encoding="utf-8")
    assert throughput._other_rows(kept, [{"name": "a"}]) == [{"name": "b", "ratio": 2}]


class Answers:
    """Ends its tasks in the reverse order, with silences and epochs between; those whose name says so fail."""

    size = 1

    def __init__(self) -> None:
        self._said: list[Event | None] = []

    def submit(self, task: Task) -> None:
        kind: Any = "failed" if "fails" in task.id else "finished"
        ended = Event(kind=kind, task=task.id, worker=0, error="ValueError: no" if kind == "failed" else None)
        self._said = [None, Event(kind="epoch", task=task.id, worker=0), ended, *self._said]

    def next_event(self, timeout_s: float) -> Event | None:
        return self._said.pop(0)

    def drop(self) -> None:
        self._said.clear()

    def close(self) -> None:
        """Nothing to end."""


def tasks_named(*names: str) -> list[TrainTask]:
    space = SpaceRef(name=throughput.SPACE, max_params=None, max_macs=None, classes=10)
    return [TrainTask(id=name, space=space, configuration={}, epochs=1, seed=1) for name in names]


@pytest.mark.parametrize("names", [(), ("a",), ("a", "b", "c")])
def test_all_tasks_of_a_measurement_end_in_their_own_order(names: tuple[str, ...]) -> None:
    heard: list[str] = []
    ended = do_all(Answers(), tasks_named(*names), lambda event: heard.append(event.task))
    assert [(event.task, event.kind) for event in ended] == [(name, "finished") for name in names]
    assert heard == list(reversed(names))


def test_a_task_of_a_measurement_that_fails_is_told() -> None:
    with pytest.raises(RunFailed, match=r"Task fails of the measurement failed: ValueError: no"):
        do_all(Answers(), tasks_named("a", "fails", "b"))
    ended = do_all(Answers(), tasks_named("a", "fails", "b"), may_fail=True)
    assert [event.kind for event in ended] == ["finished", "failed", "finished"]


def test_the_geometric_mean_of_a_ratio_and_its_inverse_is_one() -> None:
    assert geometric_mean([4.0, 0.25]) == pytest.approx(1.0)


def test_trials_are_read_from_our_journal_and_from_a_peer_s(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    ours = {"event": "finished", "val_accuracy": 0.9, "epochs": 2, "configuration": {"a": 1}, "check": "x"}
    lines = [{"event": "started", "epochs": 2}, ours, {**ours, "val_accuracy": None}]
    text = "\n".join(json.dumps(line) for line in lines) + '\n{"event": "finis'
    (tmp_path / "run" / "trials.jsonl").write_text(text, encoding="utf-8")
    peer = {"event": "finished", "val_accuracy": 0.8, "epochs": 15, "configuration": {"a": 2}}
    (tmp_path / "peer-1.jsonl").write_text(json.dumps(peer) + "\n", encoding="utf-8")
    assert list(time_to_quality.scored(tmp_path)) == [(0.9, 2, {"a": 1}), (0.8, 15, {"a": 2})]


def test_nothing_is_read_before_anything_is_written(tmp_path: Path) -> None:
    assert list(time_to_quality.scored(tmp_path)) == []


def test_the_curve_has_the_best_so_far() -> None:
    trials = [Scored(float(at), accuracy, 2, {}) for at, accuracy in enumerate((0.5, 0.4, 0.7, 0.7, 0.9))]
    assert time_to_quality.anytime(trials) == ((0.0, 0.5), (2.0, 0.7), (4.0, 0.9))
    assert time_to_quality.anytime([]) == ()


def test_seeds_lie_far_apart() -> None:
    seeds = [time_to_quality.seed_of(number) for number in range(1, 20)]
    assert len(set(seeds)) == len(seeds)
    assert min(abs(a - b) for a in seeds for b in seeds if a != b) > 1000


def test_a_search_takes_the_place_of_an_earlier_one(tmp_path: Path) -> None:
    kept = tmp_path / "kept.json"
    confirmed = (Confirmation(12.0, 0.99, 5, (0.98, 0.99, 0.985)),)
    for seconds, method in ((12.0, "ours"), (20.0, "peer"), (11.0, "ours")):
        time_to_quality.keep(kept, {}, 0.985, SearchResult(method, 1, seconds, 60.0, 3, confirmed, ()))
    searches = json.loads(kept.read_text(encoding="utf-8"))["searches"]
    assert [(own["method"], own["seconds"]) for own in searches] == [("peer", 20.0), ("ours", 11.0)]
    assert confirmed[0].mean == pytest.approx(0.985)


@pytest.mark.slow
def test_what_foretells_perfectly_and_what_foretells_the_opposite() -> None:
    long = [[place / 100] * 14 + [0.5 + place / 100] for place in range(10)]
    up, down = [[place / 100] for place in range(10)], [[-place / 100] for place in range(10)]
    rows = fidelity.correlations({15: long, 1: up, 2: down, 5: up})
    found = {(row["way"], row["epochs"]): row for row in rows}
    assert found["fitted", 1]["spearman"] == 1.0
    assert found["fitted", 2]["spearman"] == -1.0
    assert found["first epochs", 7]["spearman"] == 1.0
    assert found["fitted", 1]["ci95"] == [1.0, 1.0]


def test_to_continue_costs_less_than_to_begin_again() -> None:
    scratch, continued = fidelity.bracket_epochs()
    assert continued < scratch
    later = fidelity.bracket_epochs({2: 3, 5: 7})[1]
    assert continued < later


def test_each_arm_is_first_as_often_as_the_others() -> None:
    assert [batch_norm.turns(number)[0] for number in range(4)] == ["keras", "kernel", "shipped", "keras"]
    assert all(set(batch_norm.turns(number)) == set(batch_norm.ARMS) for number in range(3))


def test_networks_that_normalise_maps_are_drawn_the_same_each_time() -> None:
    found = batch_norm.drawn(6)
    assert found == batch_norm.drawn(6)
    assert all(batch_norm.normalises_maps(FAMILY, values) for values in found)
    assert len({FAMILY.notation(values) for values in found}) == 6


def test_arms_normalise_in_their_own_way_and_nothing_is_left_behind() -> None:
    from search_spaces.keras import fast_layers

    shipped = fast_layers.fused_batch_norm, fast_layers.folded_batch_norm
    expected = {"keras": (batch_norm.keras_batch_norm,) * 2, "kernel": (shipped[0],) * 2, "shipped": shipped}
    for name in batch_norm.ARMS:
        with batch_norm.arm(name):
            assert (fast_layers.fused_batch_norm, fast_layers.folded_batch_norm) == expected[name]
        assert (fast_layers.fused_batch_norm, fast_layers.folded_batch_norm) == shipped


def test_arms_are_compared_network_by_network() -> None:
    rows = [{"keras": 20.0, "kernel": 10.0, "shipped": 10.0}, {"keras": 80.0, "kernel": 60.0, "shipped": 10.0}]
    assert batch_norm.summary(rows) == {
        "mean_us_an_image": {"keras": 50, "kernel": 35, "shipped": 10},
        "ratio_to_shipped": {"keras": 4.0, "kernel": 2.45},
    }


@pytest.mark.parametrize("number", range(6))
def test_optuna_is_asked_what_a_space_declares(number: int) -> None:
    optuna = pytest.importorskip("optuna")
    from benchmarks.peers import Suggests

    values = FAMILY.sample(np.random.default_rng(number))
    hp = Suggests(optuna.trial.FixedTrial(values))
    FAMILY.declare(hp)
    assert FAMILY.active(hp.values) == values


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # Keras Tuner's and Keras's own
def test_plain_keras_tuner_trains_the_list(tmp_path: Path) -> None:
    import keras_tuner

    from benchmarks.plain_keras import ListOracle, PlainSpace

    drawn = [FAMILY.sample(np.random.default_rng([1, number])) for number in range(2)]
    drawn = [FAMILY.active({**values, "batch_size": 32}) for values in drawn]
    x = np.random.default_rng(1).integers(0, 256, (64, 28, 28)).astype(np.uint8)
    y: Any = np.arange(64) % 10
    tuner = keras_tuner.Tuner(oracle=ListOracle(drawn), hypermodel=PlainSpace(FAMILY), directory=tmp_path)
    tuner.search(x, y, epochs=1, validation_data=(x, y), verbose=0)
    trials = tuner.oracle.trials.values()
    assert [trial.status for trial in trials] == ["COMPLETED"] * 2
    assert [FAMILY.values(trial.hyperparameters) for trial in trials] == drawn


def test_figures_are_drawn_of_what_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plots, "FOLDER", tmp_path / "figures")
    plots.main(tmp_path)
    assert not (tmp_path / "figures").exists()
    plots.main()
    drawn = {path.stem for path in (tmp_path / "figures").iterdir()}
    assert drawn == {name for name in plots.FIGURES if (RESULTS / f"{name}.json").exists()}
    assert "throughput" in drawn


def test_the_band_over_seeds_ends_where_one_is_not_watched_any_more() -> None:
    searches: list[Any] = [
        {"seconds": 20.0, "limit_s": 100.0, "anytime": [[10.0, 0.90], [20.0, 0.98]]},
        {"seconds": None, "limit_s": 40.0, "anytime": [[30.0, 0.95]]},
        {"seconds": None, "limit_s": 100.0, "anytime": [[10.0, 0.94]]},
    ]
    spread = plots.spread_over_seeds(searches, np.array([0.0, 10.0, 30.0, 50.0]))
    assert spread[:, 0].tolist() == [0.0, 0.0, 0.0]
    assert spread[:, 1].tolist() == [0.0, 0.90, 0.94]
    assert spread[:, 2].tolist() == [0.94, 0.95, 0.98]
    assert np.isnan(spread[:, 3]).all()


def test_what_was_found_stays_found() -> None:
    found: list[Any] = [{"seconds": 20.0, "limit_s": 30.0, "anytime": [[20.0, 0.98]]}]
    assert plots.spread_over_seeds(found, np.array([50.0])).tolist() == [[0.98]] * 3


def test_the_first_training_is_that_which_began_first(tmp_path: Path) -> None:
    journal = tmp_path / "trials.jsonl"
    events = [
        {"event": "started", "time": "2026-01-01T00:00:00+00:00"},
        {"event": "finished", "time": "2026-01-01T00:00:20+00:00", "duration_s": 3.0},
        {"event": "finished", "time": "2026-01-01T00:00:30+00:00", "duration_s": 22.0},
    ]
    journal.write_text("\n".join(json.dumps(event) for event in events), encoding="utf-8")
    began = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
    assert footprint.first_training_s(journal, began) == pytest.approx(8.0)
