"""The numbers behind the report's figures and tables."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from reports.analysis.model.classification import Scored, confused_pairs, reliability, row_shares, scored_winner
from reports.analysis.model.comparison import (
    best_reference_trial,
    likeness_trial,
    nearest_rows,
    reference_rows,
    reference_trial,
    winning_reference,
)
from reports.analysis.model.consistency import accuracy_threshold, consistency
from reports.analysis.model.curves import background, band, curve, early_stops, gap_curve, generalisation_gap, thinned
from reports.analysis.model.errors import mistakes, right_samples
from reports.analysis.model.network import kernel_side, network
from reports.analysis.model.robustness import degradations
from reports.analysis.model.weights import layer_weights
from reports.analysis.search.failures import UNKNOWN, failure_groups
from reports.analysis.search.leaderboard import (
    SeedSummary,
    first_epoch_at,
    last_value,
    seed_summary,
    setting_names,
    trial_rows,
)
from reports.analysis.search.pareto import size_front
from reports.analysis.search.search import history, paths, rung_outcomes
from reports.analysis.search.slices import slices
from reports.analysis.search.trials import best, explored, groups_by_epochs, scored
from reports.formatting import percent
from reports.pages.page_data import MOST_NUMBERS, page_data
from reports.run.reading import read_run
from reports.run.run_data import RunData
from reports.sections.search.published import format_ratio, format_reference, reference_tables
from search_spaces.networks.costs import LayerSummary
from tests.kit.replacing import replace
from tests.kit.run_builder import FakeRun, build_run, make_record, make_run
from tuner.core.records import TrialRecord
from tuner.stats.metrics import calibration_error, class_scores, log_loss
from tuner.storage.schema.run import Hyperparameter, PlannedRung, Reference


def predictions(labels: list[int], rows: list[list[float]]) -> Scored:
    return Scored("test", np.array(labels, dtype=np.int64), np.array(rows, dtype=np.float64))


# --- trials and search ----------------------------------------------------------------------------------------------


def test_groups_keep_lengths_apart_and_leave_out_what_has_no_score() -> None:
    records = [
        make_record("0001", 0.9),
        make_record("0002", None),
        make_record("0003", math.nan),
        make_record("0004", 0.8, epochs=5),
    ]
    groups = groups_by_epochs(records)
    assert [(group.epochs, [r.trial for r in group.records]) for group in groups] == [(5, ["0004"]), (2, ["0001"])]
    assert [record.trial for record in scored(records)] == ["0001", "0004"]


def test_best_is_of_the_longest_trials() -> None:
    records = [make_record("0001", 0.99), make_record("0002", 0.98, epochs=5), make_record("0003", 0.97, epochs=5)]
    found = best(records)
    assert found is not None
    assert found.trial == "0002"
    assert best([make_record("0001", None)]) is None


def test_history_counts_failures_and_never_falls() -> None:
    found = history(
        [
            make_record("0001", 0.90),
            make_record("0002", None),
            make_record("0003", 0.95),
            make_record("0004", 0.93),
            make_record("0005", 0.99, phase="confirm"),
        ]
    )
    assert [(p.number, p.best, p.spent_epochs) for p in found.points] == [(1, 0.90, 2), (3, 0.95, 6), (4, 0.95, 8)]
    assert (found.trials, found.failed) == (4, 1)
    assert found.late_gain == pytest.approx(0.05)


@pytest.mark.parametrize("records", [[], [make_record("0001", None)], [make_record("0001", 0.9)]])
def test_history_without_a_past_has_no_late_gain(records: list[object]) -> None:
    assert history(records).late_gain is None  # type: ignore[arg-type]


def test_rungs_say_who_was_promoted() -> None:
    records = [
        make_record("0001", 0.90, configuration={"a": 1}),
        make_record("0002", 0.95, configuration={"a": 2}),
        make_record("0003", None, configuration={"a": 3}),
        make_record("0004", 0.97, configuration={"a": 2}, rung=1, epochs=5),
        make_record("0005", 0.97, configuration={"a": 1}, bracket=1, epochs=5),
    ]
    planned = [PlannedRung(0, 0, 3, 2), PlannedRung(0, 1, 1, 5), PlannedRung(0, 2, 1, 15)]
    first, second, third, other = rung_outcomes(records, planned)
    assert (first.planned, first.finished, first.failed, first.promoted) == (3, 3, 1, ("0002",))
    assert (first.best, first.best_trial) == (0.95, "0002")
    assert (second.finished, second.promoted) == (1, ())
    assert (third.finished, third.best, third.epochs) == (0, None, 15)
    assert (other.bracket, other.planned, other.epochs) == (1, None, 5)
    assert [path.trials for path in paths(records)] == [("0001",), ("0002", "0004"), ("0005",)]


# --- tables ---------------------------------------------------------------------------------------------------------


def test_trial_rows_are_ranked_and_failures_come_last() -> None:
    rows = trial_rows([make_record("0001", None), make_record("0002", 0.8), make_record("0003", 0.9)])
    assert [(row.place, row.trial) for row in rows] == [(1, "0003"), (2, "0002"), (None, "0001")]


def test_settings_in_the_order_of_the_space() -> None:
    records = [make_record("0001", configuration={"z": 1, "b": 2}), make_record("0002", configuration={"b": 2, "a": 1})]
    names = setting_names(records, ["b", "unused", "a"])
    assert names == ("b", "a", "z")


@pytest.mark.parametrize(
    ("series", "expected"), [((0.9, 0.98, 0.99), 2), ((), None), ((math.nan, 0.99), 2), ((0.97,), None)]
)
def test_first_epoch_above(series: tuple[float, ...], expected: int | None) -> None:
    assert first_epoch_at(series, 0.98) == expected


def test_last_value() -> None:
    assert last_value((0.1, 0.2)) == 0.2
    assert last_value((0.1, math.nan)) is None
    assert last_value(()) is None


def test_summary_over_seeds() -> None:
    def seed(curve: tuple[float, ...], duration_s: float) -> TrialRecord:
        return make_record(history={"val_accuracy": curve, "accuracy": curve}, duration_s=duration_s)

    found = seed_summary([seed((0.9, 0.98, 0.99), 10), seed((0.98, 0.97, 0.985), 20)])
    assert found.milestones == ((1, 2), None)
    assert found.train_accuracy == pytest.approx(0.9875)
    assert found.duration_s == 15
    assert seed_summary([]) == SeedSummary(None, (None, None), None)


@pytest.mark.parametrize(
    ("length", "most", "expected"),
    [(0, 2, []), (1, 2, [1]), (3, 3, [1, 2, 3]), (4, 3, [1, 3, 4]), (5, 3, [1, 3, 5]), (100, 2, [1, 100])],
)
def test_thinned_keeps_both_ends(length: int, most: int, expected: list[float]) -> None:
    assert list(thinned(range(1, length + 1), most)) == expected


def test_page_data_packs_values_settings_and_curves() -> None:
    history = {"val_accuracy": (0.91234, math.nan), "loss": (0.5, math.inf), "learning_rate": (0.0123456, 1e-5)}
    records = [
        make_record("0002", 0.97, configuration={"b": 1.5}, history=history, val_loss=math.nan),
        make_record("0001", None, configuration={"a": True}, error="no <luck>"),
    ]
    data = json.loads(json.dumps(page_data(make_run(records)), allow_nan=False))
    assert data["settings"] == ["a", "b"]
    values, settings, curves = data["trials"]["0002"]
    named = dict(zip(data["fields"], values, strict=True))
    assert (named["val_accuracy"], named["val_loss"], named["status"], named["seed"]) == (0.97, None, "completed", 7)
    assert settings == [None, 1.5]
    assert [name for name, _ in data["curves"]] == ["accuracy", "val_accuracy", "loss", "val_loss", "learning_rate"]
    assert curves == [[], [9123, None], [5000, None], [], [0.0123, 1e-5]]
    failed = dict(zip(data["fields"], data["trials"]["0001"][0], strict=True))
    assert (failed["val_accuracy"], failed["error"]) == (None, "no <luck>")
    assert page_data(make_run())["trials"] == {}


def test_page_data_thins_long_curves_of_many_trials() -> None:
    history = {"loss": tuple(1 / epoch for epoch in range(1, 1001))}
    records = [make_record(f"{n:04d}", epochs_run=1000, history=history) for n in range(1, 301)]
    data = json.loads(json.dumps(page_data(make_run(records))))
    loss = data["trials"]["0001"][2][2]
    assert len(loss) == MOST_NUMBERS // (5 * 300)
    assert (loss[0], loss[-1]) == (10_000, 10)


def test_failures_that_differ_in_numbers_stand_together() -> None:
    groups = failure_groups(
        [
            make_record("0001", None, error="NaN in epoch 1"),
            make_record("0002", None, error=None),
            make_record("0003", None, error="NaN in epoch 12"),
            make_record("0004", 0.9),
        ]
    )
    assert [(group.reason, group.trials) for group in groups] == [
        ("NaN in epoch 1", ("0001", "0003")),
        (UNKNOWN, ("0002",)),
    ]


def test_reference_rows() -> None:
    def reference(name: str, accuracy: float | None) -> Reference:
        return Reference(name=name, parameters=1000, published_accuracy=accuracy, fits=True)

    rows = reference_rows([reference("a", None), reference("b", 0.99)], accuracy=0.995, parameters=500)
    assert [row.reference.name for row in rows] == ["b", "a"]
    assert rows[0].difference == pytest.approx(0.005)
    assert rows[0].parameter_ratio == 0.5
    assert rows[1].difference is None


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [(1000, ["b", "c", "d"]), (9000, ["c", "d", "e"]), (None, ["a", "b", "c"])],
)
def test_the_nearest_references_are_those_of_like_size(parameters: int | None, expected: list[str]) -> None:
    sizes = {"a": 100, "b": 900, "c": 2000, "d": 3000, "e": 8000}
    references = [Reference(name=name, parameters=size, published_accuracy=0.99) for name, size in sizes.items()]
    rows = reference_rows(references, accuracy=0.995, parameters=parameters)
    assert [row.reference.name for row in nearest_rows(rows, 3)] == expected
    assert nearest_rows((), 3) == ()


@pytest.mark.parametrize(
    ("ratio", "words"),
    [
        (None, ""),
        (0.99, ", with 1% fewer parameters"),
        (1.01, ", with 1% more parameters"),
        (1.001, ", with as many parameters"),
        (1.99, ", with 99% more parameters"),
        (9.68, ", with 9.7 times as many parameters"),
    ],
)
def test_a_ratio_of_sizes_in_words(ratio: float | None, words: str) -> None:
    assert format_ratio(ratio) == words


# --- front ----------------------------------------------------------------------------------------------------------


def test_front_is_of_the_longest_trials() -> None:
    found = size_front(make_run([make_record("0001", 0.99), make_record("0002", 0.9, epochs=5, parameters=2000)]))
    assert (found.epochs, [p.trial for p in found.front], len(found.points)) == (5, ["0002"], 2)
    assert found.confirmed == ()
    assert found.cap == 8000


# --- curves ---------------------------------------------------------------------------------------------------------


def test_curve_leaves_out_what_is_not_finite() -> None:
    found = curve(make_record(history={"loss": [1.0, math.nan, 0.5]}), "loss")
    assert (found.epochs, found.values) == ((1, 3), (1.0, 0.5))


def test_band_spans_the_seeds_at_their_common_epochs() -> None:
    records = [
        make_record("0001", history={"loss": [1.0, 2.0, 3.0]}),
        make_record("0002", history={"loss": [3.0, 4.0]}),
        make_record("0003", history={}),
    ]
    found = band(records, "loss")
    assert found is not None
    assert (found.epochs, found.mean, found.low, found.high, found.seeds) == (
        (1, 2),
        (2.0, 3.0),
        (1.0, 2.0),
        (3.0, 4.0),
        2,
    )
    assert band([], "loss") is None
    assert band([make_record(history={"loss": [math.nan]})], "loss") is None


def test_gap_and_early_stops() -> None:
    record = make_record(history={"accuracy": [0.9, 0.99], "val_accuracy": [0.9, 0.97]}, epochs=15)
    assert generalisation_gap([record, make_record()]) == pytest.approx(0.02)
    assert generalisation_gap([]) is None
    assert [(stop.epoch, stop.planned) for stop in early_stops([record, make_record("0002", None, epochs=15)])] == [
        (2, 15)
    ]


def test_consistency_counts_seeds_and_their_last_five_epochs() -> None:
    first = make_record("0001", history={"val_accuracy": [0.999, 0.99, 0.994, 0.995, 0.993, 0.995]})
    second = make_record("0002", history={"val_accuracy": [0.99, math.nan]})
    found = consistency([first, second], 0.994)
    assert found is not None
    assert (found.seeds, found.seeds_above, found.epochs, found.epochs_above) == (2, 1, 6, 3)
    assert consistency([make_record()], 0.994) is None


# --- slices ---------------------------------------------------------------------------------------------------------


def test_slices_never_mix_lengths() -> None:
    records = [
        make_record("0001", 0.90, configuration={"rate": 0.1, "act": "relu", "same": 1}),
        make_record("0002", 0.92, configuration={"rate": 0.2, "act": "relu", "same": 1}),
        make_record("0003", 0.99, configuration={"rate": 0.2, "act": "tanh", "same": 1}, epochs=5),
    ]
    space = [
        Hyperparameter("rate", "float", low=0.01, high=1.0, sampling="log"),
        Hyperparameter("act", "choice", ("tanh", "relu", "gelu")),
    ]
    rate, act = slices(groups_by_epochs(records), ["rate", "act", "same"], space)
    assert rate.categories is None
    assert rate.log
    assert [(group.epochs, [p.x for p in group.points]) for group in rate.groups] == [(5, [0.2]), (2, [0.1, 0.2])]
    assert act.categories == ("tanh", "relu")
    assert act.groups[0].medians == ()
    assert np.allclose(act.groups[1].medians, [(1.0, 0.91)])


def test_slices_of_true_and_one_differ_and_mixed_kinds_sort() -> None:
    records = [make_record(f"000{k}", 0.9, configuration={"x": value}) for k, value in enumerate((True, "a", 2))]
    (found,) = slices(groups_by_epochs(records), ["x"], [])
    assert found.categories is not None
    assert set(found.categories) == {True, "a", 2}
    assert slices([], ["x"], []) == ()


# --- classes --------------------------------------------------------------------------------------------------------


def test_confusion_pairs_and_classes() -> None:
    found = predictions([0, 0, 1, 1, 1], [[0.9, 0.1], [0.2, 0.8], [0.3, 0.7], [0.6, 0.4], [0.9, 0.1]])
    counts = found.confusion
    assert counts.tolist() == [[1, 1], [2, 1]]
    assert row_shares(counts).tolist() == [[0.5, 0.5], [pytest.approx(2 / 3), pytest.approx(1 / 3)]]
    assert [(p.true, p.predicted, p.count, p.indices) for p in confused_pairs(found)] == [
        (1, 0, 2, (4, 3)),
        (0, 1, 1, (1,)),
    ]
    first, second = class_scores(counts)
    assert first.precision == pytest.approx(1 / 3)
    assert (first.recall, first.support) == (0.5, 2)
    assert second.f1 == pytest.approx(0.4)


def test_a_class_without_images_has_no_ratio() -> None:
    counts = np.array([[2, 0, 0], [0, 0, 0], [1, 0, 0]], dtype=np.int64)
    middle = class_scores(counts)[1]
    assert (middle.precision, middle.recall, middle.f1, middle.support) == (None, None, None, 0)
    assert np.isnan(row_shares(counts)[1]).all()


def test_calibration_of_known_bins() -> None:
    found = predictions([0, 0, 0, 1], [[0.95, 0.05], [0.95, 0.05], [0.65, 0.35], [0.65, 0.35]])
    bins = reliability(found, bins=10)
    assert [(b.count, round(b.confidence, 6), b.accuracy) for b in bins] == [(2, 0.65, 0.5), (2, 0.95, 1.0)]
    assert calibration_error(found.probabilities, found.labels, 10) == pytest.approx(0.5 * 0.15 + 0.5 * 0.05)
    assert log_loss(found.probabilities, found.labels) == pytest.approx(
        -(2 * math.log(0.95) + math.log(0.65) + math.log(0.35)) / 4
    )


def test_confidence_of_one_stands_in_the_last_bin() -> None:
    (only,) = reliability(predictions([0], [[1.0, 0.0]]))
    assert only.high == 1.0


# --- network and arrays ---------------------------------------------------------------------------------------------


def test_network_joins_what_only_follows() -> None:
    layers = [
        LayerSummary("in", "rescaling", (28, 28, 1), 0, 0),
        LayerSummary("c", "conv", (26, 26, 8), 72, 48672),
        LayerSummary("n", "batch_norm", (26, 26, 8), 16, 0, 16),
        LayerSummary("a", "activation", (26, 26, 8), 0, 0),
        LayerSummary("d", "dense", (10,), 90, 80),
    ]
    found = network(layers)
    assert found is not None
    assert [block.name for block in found.blocks] == ["in", "c", "d"]
    assert found.blocks[1].followers == ("batch_norm", "activation")
    assert found.blocks[1].parameters == 88
    assert (found.parameters, found.non_trainable, found.largest_activation) == (178, 16, 26 * 26 * 8)
    assert [block.kernel for block in found.blocks] == [None, 3, None]
    assert network([]) is None


@pytest.mark.parametrize(
    ("parameters", "expected"), [(72, 3), (80, 3), (8, 1), (16, 1), (200, 5), (73, None), (0, None)]
)
def test_kernel_side_from_the_parameters_with_a_bias_or_without(parameters: int, expected: int | None) -> None:
    assert kernel_side(LayerSummary("c", "conv", (26, 26, 8), parameters, 1), 1) == expected
    assert kernel_side(LayerSummary("d", "dense", (8,), parameters, 1), 1) is None


def test_arrays_of_a_run(tmp_path: Path) -> None:
    run = read_run(build_run(tmp_path / "run", FakeRun(validation=300, test=400)))
    found = scored_winner(run)
    assert found is not None
    assert found.split == "test"
    wrong = mistakes(run, found)
    assert len(wrong) == int((found.predictions != found.labels).sum())
    assert [v.label_probability for v in wrong] == sorted(v.label_probability for v in wrong)
    assert all(v.seeds == 3 and v.place is not None for v in wrong)
    assert all(found.labels[v.index] == v.label and v.same_error <= v.seeds_wrong for v in wrong)
    assert all(len(v.ranked) == 3 and v.label in dict(v.ranked) and v.ranked[0][0] == v.prediction for v in wrong)
    for sample in right_samples(run, found):
        assert {v.label for v in (*sample.surest, *sample.least_sure)} == {sample.label}
        assert all(v.label == v.prediction for v in sample.surest)
        scores = [v.probability for v in (*sample.surest, *reversed(sample.least_sure))]
        assert scores == sorted(scores, reverse=True)
        assert 0 <= len(sample.least_sure) <= len(sample.surest) <= 6
    assert [item.kind for item in degradations(run)][:2] == ["noise", "blur"]
    assert degradations(run)[0].loss == pytest.approx(0.12)
    assert run.result is not None
    layers = layer_weights(run, run.result.trial)
    assert layers[0].name == "conv_1"
    assert sum(layers[0].counts) == layers[0].count
    assert layer_weights(run, "9999") == ()


def test_without_a_test_the_validation_images_are_scored(tmp_path: Path) -> None:
    run = read_run(build_run(tmp_path / "run", FakeRun(validation=300, meet_test=False)))
    found = scored_winner(run)
    assert found is not None
    assert (found.split, len(found.labels)) == ("validation", 300)
    assert scored_winner(make_run()) is None


# --- references in this run -----------------------------------------------------------------------------------------


def reference_run(trials: list[TrialRecord], *, data: str = "mnist", **changes: object) -> RunData:
    """A run whose references "a" and "b" have the filters 1 and 2."""
    run = make_run(trials, **changes)
    known = [
        Reference(name=name, parameters=1000, published_accuracy=0.99, fits=True, included=True, trial=trial)
        for name, trial in (("a", "0001"), ("b", "0002"), ("never", None))
    ]
    info = replace(run.info, references=tuple(known), data=replace(run.info.data, name=data))
    return replace(run, info=info)


def test_a_references_score_is_of_its_longest_trial() -> None:
    run = reference_run(
        [
            make_record("0001", 0.99, configuration={"filters": 1}),
            make_record("0002", None, configuration={"filters": 2}),
            make_record("0003", 0.98, configuration={"filters": 1}, epochs=5),
            make_record("0004", 0.97, configuration={"filters": 3}, epochs=15),
            make_record("0005", 0.999, configuration={"filters": 1}, epochs=15, phase="confirm"),
        ]
    )
    a, b, never = run.info.references
    found = reference_trial(run, a)
    assert found is not None
    assert found.trial == "0003"
    assert reference_trial(run, b) is None
    assert reference_trial(run, never) is None
    best = best_reference_trial(run)
    assert best is not None
    assert (best[0].name, best[1].trial) == ("a", "0003")
    assert best_reference_trial(reference_run([])) is None
    assert winning_reference(run) is None


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("default", "The winner's configuration is the space's default one. "),
        ("scaled", "The winner's configuration is the reference wide-9994 with its filters scaled to fit the caps. "),
        ("reference", "The winner's configuration is the reference wide-9994 itself"),
        ("drawn", ""),
    ],
)
def test_where_the_winner_was_known_from(kind: str, words: str, tmp_path: Path) -> None:
    folder = build_run(tmp_path / "run", FakeRun())
    document, result = (json.loads((folder / name).read_text()) for name in ("run.json", "result.json"))
    if kind == "default":
        values = result["configuration"]
        declared = [own for own in document["space"]["hyperparameters"] if own["name"] in values]
        inactive = {**declared[0], "name": "other", "conditions": [{"name": declared[0]["name"], "values": ["none"]}]}
        document["space"]["hyperparameters"] = [
            *({**own, "default": values[own["name"]]} for own in declared),
            {**inactive, "default": 1},
        ]
    elif kind != "drawn":
        place = {"scaled": "scaled", "reference": "trial"}[kind]
        document["references"][-1][place] = result["trial"]
    (folder / "run.json").write_text(json.dumps(document))
    found = format_reference(read_run(folder))
    assert found.startswith(words)
    if kind == "reference":
        # Not with itself: with the best of the others.
        assert "the best other published figure" in found
        assert "% of wide-9994" not in found
    assert ("The winner's configuration is" in found) is (kind != "drawn")


@pytest.mark.parametrize("won", [True, False])
def test_a_reference_that_was_scaled_to_fit_shows_its_likeness(won: bool, tmp_path: Path) -> None:
    run = read_run(build_run(tmp_path / "run", FakeRun()))
    assert run.result is not None
    own = next(own for own in scored(explored(run.records)) if (own.configuration == run.result.configuration) is won)
    larger = replace(run.info.references[-1], included=False, fits=False, trial=None, scaled=own.trial)
    tables = reference_tables(replace(run, info=replace(run.info, references=(larger,))))
    assert tables is not None
    assert tables.others is None
    (row,) = tables.nearest.rows
    longest = likeness_trial(run, larger)
    assert longest is not None
    assert longest.configuration == own.configuration
    assert row.cells[3].text == percent(longest.val_accuracy)
    assert row.cells[7].text == f"scaled, trial {own.trial}"
    assert row.cells[7].detail == f"to {own.parameters:,}{', the winner' if won else ' parameters'}"
    assert row.trial == longest.trial


@pytest.mark.parametrize(
    ("origin", "words"),
    [
        ("near reference gap-6664", "was sampled near the reference gap-6664. "),
        ("near default", "was sampled near the space's default one. "),
        ("near scaled c12-8172", "was sampled near the reference c12-8172, its filters scaled to fit the caps. "),
        ("random", "was sampled at random. "),
        ("model", "looked best among many random ones, by the trials before it. "),
        ("", ""),
        ("what a later version says", ""),
        ("near", ""),
        ("near <b>nobody</b>", "was sampled near <b>nobody</b>. "),
    ],
)
def test_how_the_winner_was_drawn(origin: str, words: str, tmp_path: Path) -> None:
    run = read_run(build_run(tmp_path / "run", FakeRun()))
    run = replace(run, records=tuple(replace(own, origin=origin) for own in run.records))
    found = format_reference(run)
    assert found.startswith(f"The winner's configuration {words}" if words else "")
    assert ("The winner's configuration" in found) is bool(words)


@pytest.mark.parametrize(
    ("data", "trials", "expected"),
    [
        ("mnist", [], (0.994, None)),
        ("fashion_mnist", [], None),
        ("fashion_mnist", [make_record("0001", None)], None),
        ("fashion_mnist", [make_record("0001", 0.9), make_record("0002", 0.91, configuration={"x": 1})], (0.91, "b")),
    ],
)
def test_the_accuracy_thresholdf_mnist_is_the_best_reference_trained_here(
    data: str, trials: list[TrialRecord], expected: tuple[float, str | None] | None
) -> None:
    found = accuracy_threshold(reference_run(trials, data=data))
    assert (None if found is None else (found.accuracy, found.reference)) == expected


# --- curves behind the winner ---------------------------------------------------------------------------------------


def test_gap_has_the_epochs_that_both_have() -> None:
    record = make_record(history={"accuracy": [0.8, 0.9, math.nan], "val_accuracy": [math.nan, 0.95, 0.96]})
    assert gap_curve(record).epochs == (2,)
    assert gap_curve(record).values == pytest.approx((-0.05,))
    assert gap_curve(make_record()).epochs == ()


def test_of_many_trials_an_even_sample_stands_behind() -> None:
    many = [make_record(f"{n:04d}", history={"val_accuracy": [n / 1000]}) for n in range(1, 1000)]
    found = background([*many, make_record("9999", None)], 10)
    assert len(found) == 10
    assert (found[0].trial, found[-1].trial) == ("0001", "0999")
    assert {round(int(record.trial) / 111) for record in found} == set(range(10))
    assert background(many[:3], 10) == tuple(many[:3])
    assert background([], 10) == ()
