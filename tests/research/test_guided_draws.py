"""The simulation of guided draws: what is encoded, looks good, is drawn and counted. What trainings measure is not tested."""

from __future__ import annotations

import json
import math
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from research import draw_weights, drawn_trainings, guided_draws, near_draws
from research.drawn_trainings import Measured
from research.guidance import LEAST_GOOD, RANKERS, Encoded, Floats, Ranker, encode, split, unit
from research.guided_draws import BRACKETS, Pairs, Pool
from search_spaces.families.registry import load_family
from search_spaces.hyperparameters.hyperparameter import (
    Condition,
    Hyperparameter,
    Value,
    active,
    boolean,
    choice,
    integer,
    log_real,
    real,
)
from search_spaces.sampling.values import sample_value
from tuner.core.errors import RunFailed
from tuner.options.search_options import SearchOptions
from tuner.oracle.registry import make_oracle
from tuner.workers.local import LocalWorkers

KIND = choice("kind", "", ("a", "b", "c"), "a")
RATE = log_real("rate", "", (0.01, 1.0), 0.1)
DEPTH = integer("depth", "", (1, 5), 2)
BATCH = choice("batch", "", (32, 64, 128), 64)
SHIFT = real("shift", "", (0.0, 0.1, 0.01), 0.0, Condition("kind", ("b", "c")))
NORM = boolean("norm", "", True)
MADE_UP = (KIND, RATE, DEPTH, BATCH, SHIFT, NORM)
EVERY_RANKER = pytest.mark.parametrize("ranker", RANKERS.values(), ids=RANKERS)


def configurations(count: int, seed: int = 0) -> list[dict[str, Value]]:
    rng = np.random.default_rng(seed)
    return [active(MADE_UP, {own.name: sample_value(rng, own) for own in MADE_UP}) for _ in range(count)]


def make_pool(scores: Floats, seed: int = 0) -> Pool:
    return Pool(encode(MADE_UP, configurations(len(scores), seed)), scores, scores)


def deciding_pool(count: int = 80, seed: int = 0) -> Pool:
    """The rate decides, and the kind a little."""
    encoded = encode(MADE_UP, configurations(count, seed))
    noise = 0.02 * np.random.default_rng(seed).standard_normal(count)
    scores = -np.abs(encoded.units[:, 1] - 0.8) + 0.1 * (encoded.units[:, 0] == 2) + noise
    return Pool(encoded, scores, scores)


def noise_pool(seed: int, count: int = 80) -> Pool:
    return make_pool(np.random.default_rng([5, seed]).random(count), seed)


@pytest.mark.parametrize(
    ("hyperparameter", "value", "expected"),
    [
        (KIND, "a", 0.0),
        (KIND, "c", 2.0),
        (NORM, True, 1.0),
        (BATCH, 32, 0.0),
        (BATCH, 64, 0.5),
        (RATE, 0.01, 0.0),
        (RATE, 0.1, 0.5),
        (RATE, 1.0, 1.0),
        (DEPTH, 5, 1.0),
        (SHIFT, 0.03, 0.3),
        (SHIFT, None, math.nan),
        (choice("one", "", (7,), 7), 7, 0.0),
    ],
)
def test_unit_values(hyperparameter: Hyperparameter, value: Value | None, expected: float) -> None:
    assert unit(hyperparameter, value) == pytest.approx(expected, nan_ok=True)


def test_configurations_as_numbers() -> None:
    encoded = encode(MADE_UP, [{"kind": "a", "rate": 0.1, "depth": 1, "batch": 128, "norm": False}])
    assert encoded.categories == (3, 0, 0, 0, 0, 2)
    assert encoded.units[0] == pytest.approx([0, 0.5, 0, 1, math.nan, 0], nan_ok=True)
    assert encode(MADE_UP, []).units.shape == (0, 6)
    assert encoded.some(np.array([0, 0])).units.shape == (2, 6)


def test_every_value_that_the_space_draws_has_a_place() -> None:
    family = load_family(drawn_trainings.SPACE)
    drawn = [drawn_trainings.drawn(number) for number in range(20)]
    assert drawn == [drawn_trainings.drawn(number) for number in range(20)]
    encoded = encode(family.hyperparameters, drawn)
    top = np.maximum(1, np.array(encoded.categories) - 1)
    assert np.nanmin(encoded.units) >= 0
    assert np.nanmax(encoded.units - top) <= 1e-9
    inactive = [[own.name not in values for own in family.hyperparameters] for values in drawn]
    assert np.array_equal(np.isnan(encoded.units), inactive)


@pytest.mark.parametrize(
    ("scores", "good"),
    [
        ([0.1, 0.9, 0.5, 0.8], [1, 3, 2]),
        ([0.5, 0.5, 0.5, 0.5], [0, 1, 2]),
        ([0.3, 0.7], [1, 0]),
        ([float(n) for n in range(20)], [19, 18, 17, 16, 15]),
    ],
)
def test_the_good_share(scores: list[float], good: list[int]) -> None:
    rows = np.arange(len(scores)) + 100
    found, rest = split(rows, np.array(scores))
    assert list(found - 100) == good
    assert sorted([*found, *rest]) == list(rows)
    assert len(found) >= min(LEAST_GOOD, len(scores))


@EVERY_RANKER
def test_what_decides_is_learnt(ranker: Ranker) -> None:
    pool = deciding_pool(120)
    seen, others = np.arange(60), np.arange(60, 120)
    looks = ranker(pool.encoded, seen, pool.seen[seen])
    assert np.corrcoef(looks[others], pool.seen[others])[0, 1] > 0.5


@EVERY_RANKER
@pytest.mark.parametrize("count", [1, 2, 3, 4, 12])
def test_few_equal_scores_are_no_trouble(ranker: Ranker, count: int) -> None:
    pool = make_pool(np.full(30, 0.5))
    looks = ranker(pool.encoded, np.arange(count), pool.seen[:count])
    assert looks.shape == (30,)
    assert np.isfinite(looks).all()


@EVERY_RANKER
def test_a_hyperparameter_that_only_others_have_says_nothing(ranker: Ranker) -> None:
    encoded = Encoded(np.array([[0.1], [0.9], [0.2], [0.8], [math.nan], [math.nan]]), (0,))
    looks = ranker(encoded, np.arange(4), np.array([0.9, 0.1, 0.9, 0.1]))
    assert np.isfinite(looks).all()
    assert looks[4] == looks[5]


@pytest.mark.parametrize("count", [1, 5, 12, 13, 80])
@pytest.mark.parametrize("ranker", [None, RANKERS["parzen"]], ids=["random", "guided"])
def test_a_search_draws_nothing_twice(ranker: Ranker | None, count: int) -> None:
    pool = deciding_pool(80).some(np.arange(count))
    order = guided_draws.search(pool, ranker, 1, 100)
    assert sorted(order) == list(range(count))
    assert list(order) == list(guided_draws.search(pool, ranker, 1, 100))
    assert list(order[:9]) == list(guided_draws.search(pool, ranker, 1, 9))


def test_the_first_bracket_is_the_same_for_both() -> None:
    pool = deciding_pool()
    random, guided = (guided_draws.search(pool, own, 4, 60) for own in (None, RANKERS["parzen"]))
    assert list(random[: BRACKETS[0]]) == list(guided[: BRACKETS[0]])
    assert list(random) != list(guided)


def test_candidates_are_others_each_time() -> None:
    """Those that were passed over would else be the next random draws."""
    rng, left = np.random.default_rng(1), list(range(60))
    assert {guided_draws._choice(rng, left, np.zeros(60)) for _ in range(1000)} == set(left)
    best = np.arange(60.0)
    chosen = [guided_draws._choice(rng, left, best) for _ in range(1000)]
    # The best of 24 of 60 is that of all with 24 / 60, a random one with 1 / 60.
    assert np.mean([place == 59 for place in chosen]) == pytest.approx(2 / 3 * 0.4 + 1 / 3 / 60, abs=0.05)
    assert guided_draws._choice(rng, [7], best) == 0
    assert guided_draws._choice(rng, left, None) == 0


def test_a_bracket_learns_from_those_before_it_alone() -> None:
    asked: list[list[int]] = []

    def listening(encoded: Encoded, seen: np.ndarray[tuple[int], np.dtype[np.int64]], scores: Floats) -> Floats:
        asked.append([int(row) for row in seen])
        assert list(scores) == list(pool.seen[seen])
        return np.zeros(len(encoded.units))

    pool = deciding_pool()
    order = guided_draws.search(pool, listening, 2, 30)
    ends = [sum(BRACKETS[:n]) for n in (1, 2, 3)]
    assert asked == [list(order[:end]) for end in ends]


def test_outcomes_are_counted() -> None:
    scores = np.array([n / 200 for n in range(120)])
    judged = 1 - scores
    order = np.arange(120)
    order[[3, 119]] = order[[119, 3]]
    found = guided_draws.outcome(Pool(Encoded(np.zeros((120, 1)), (0,)), scores, judged), order)
    assert found["seen after 12"] == pytest.approx(59.5)
    assert found["judged after 12"] == pytest.approx(40.5)
    assert found["draws to the best 2%"] == 4
    assert found["draws to the best 2%, judged"] == 1
    assert found["draws to the best 5%"] == 4


@pytest.mark.parametrize(
    ("scores", "share", "expected"),
    [
        ([0.1, 0.9, 0.9, 0.9], 0.25, 2),
        ([0.9, 0.1, 0.2], 0.02, 1),
        ([0.5], 0.02, 1),
        ([0.5, 0.5], 0.5, 1),
        ([0.1, 0.2, 0.3, 0.4], 0.5, 3),
    ],
)
def test_draws_until_among_the_best(scores: list[float], share: float, expected: int) -> None:
    assert guided_draws._draws_to(np.arange(len(scores)), np.array(scores), share) == expected


def test_a_search_that_found_none_has_one_draw_more_than_it_made() -> None:
    assert guided_draws._draws_to(np.array([0, 1]), np.array([0.1, 0.2, 0.9]), 0.1) == 3


def test_without_a_second_seed_nothing_is_judged() -> None:
    pool = deciding_pool(30)
    found = guided_draws.outcome(Pool(pool.encoded, pool.seen, np.full(30, math.nan)), np.arange(30))
    assert not any("judged" in name for name in found)


def test_a_guide_that_knows_the_answer_wins() -> None:
    pool = noise_pool(1)
    (row,) = [
        own
        for own in guided_draws.simulate(pool, guided_draws.KNOWS, 100)["rows"]
        if own["what"] == "draws to the best 2%"
    ]
    assert row["searches95"][1] < -5
    assert row["guided"] < row["random"]


@pytest.mark.parametrize("name", ["parzen", "parzen, together"])
def test_a_guide_that_learns_what_decides_wins(name: str) -> None:
    pairs = guided_draws.paired(deciding_pool(200), RANKERS[name], 30)["draws to the best 2%"]
    assert pairs.difference < -2 * pairs.variance**0.5


def test_a_guide_to_noise_wins_nothing() -> None:
    """Over pools: within one it may be lucky."""
    found = []
    for seed in range(30):
        pairs = guided_draws.paired(noise_pool(seed), RANKERS["parzen"], 4)["draws to the best 10%"]
        found.append(pairs.difference)
    error = float(np.std(found, ddof=1)) / len(found) ** 0.5
    assert abs(float(np.mean(found))) < 2.5 * error
    assert error < 3


def test_guides_that_are_told_of_a_part() -> None:
    pool = guided_draws.pool_of(drawn_trainings.read_table(drawn_trainings.TABLE)[:40])
    names = [own.name for own in load_family(drawn_trainings.SPACE).hyperparameters]
    of_steps = np.isin(names, guided_draws.STEPS)
    assert of_steps.sum() == len(guided_draws.STEPS)
    seen = np.arange(20)
    for way, hidden in ((guided_draws.OF_STEPS, ~of_steps), (guided_draws.OF_THE_REST, of_steps)):
        looks = guided_draws.guide(way)(pool.encoded, seen, pool.seen[seen])
        without = Encoded(np.where(hidden, math.nan, pool.encoded.units), pool.encoded.categories)
        assert looks == pytest.approx(guided_draws.guide(way)(without, seen, pool.seen[seen]))
        assert looks == pytest.approx(RANKERS["parzen"](without, seen, pool.seen[seen]))
    assert guided_draws.guide("forest") is RANKERS["forest"]


def test_foresight_of_all_and_of_the_better_half() -> None:
    pool = deciding_pool()
    perfect = guided_draws.foresight(pool, guided_draws.knows(pool.seen))
    assert [row["seen"] for row in perfect] == [12, 22, 36, 60]
    assert all(row["spearman"] == row["better_half"] == 1.0 for row in perfect)
    # It knows the worse half alone: of the better one it says the opposite.
    middle = float(np.median(pool.seen))
    folded = guided_draws.foresight(pool, guided_draws.knows(-np.abs(pool.seen - middle)))
    assert all(row["better_half"] < -0.9 for row in folded)


def test_a_row_has_what_both_ways_found() -> None:
    whole = Pairs(np.array([10.0, 20.0, 30.0]), np.array([9.0, 17.0, 28.0]))
    row = guided_draws._row("x", whole, [whole, whole])
    assert (row["random"], row["guided"], row["difference"]) == (20.0, 18.0, -2.0)
    # The differences −1, −3, −2 have a standard deviation of 1, their mean an error of 1 / √3.
    assert row["searches95"] == pytest.approx([-2 - 1.96 / 3**0.5, -2 + 1.96 / 3**0.5], abs=1e-3)
    # Equal halves say that no other pool would differ.
    assert row["pool95"] == row["searches95"]
    other = Pairs(whole.random, whole.random + 4 + np.array([-0.1, 0.0, 0.1]))
    wider = guided_draws._row("x", whole, [whole, other])["pool95"]
    assert wider[0] < row["pool95"][0]
    assert guided_draws._row("x", whole, [])["pool95"] is None


def test_other_pools_are_foretold_where_halves_leave_something_to_draw() -> None:
    rows = {row["what"]: row["pool95"] for row in guided_draws.differences(deciding_pool(90), RANKERS["parzen"], 2)}
    assert [name for name, pool95 in rows.items() if pool95 is None] == [
        f"{score} after {budget}" for score in ("seen", "judged") for budget in (36, 60, 100)
    ]


def test_the_table_is_added_to(tmp_path: Path) -> None:
    table = tmp_path / "table.jsonl"
    assert drawn_trainings.read_table(table) == []
    line = {"number": 1, "seed": 11, "val_accuracy": 0.9, "seconds": 8.0, "configuration": {"a": 1}}
    table.write_text(json.dumps(line) + "\n" + json.dumps({**line, "number": 3, "seed": 12}) + "\n", encoding="utf-8")
    kept = drawn_trainings.read_table(table)
    assert kept[0] == Measured(1, 11, 0.9, 8.0, {"a": 1})
    assert drawn_trainings.missing(kept, 4, 11) == [0, 2, 3]
    assert drawn_trainings.missing(kept, 4, 12) == [0, 1, 2]


def test_what_is_trained_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = tmp_path / "table.jsonl"
    monkeypatch.setattr(drawn_trainings, "load_dataset", lambda *_, **__: None)
    monkeypatch.setattr(drawn_trainings, "save_arrays", lambda _, folder: folder.mkdir())
    monkeypatch.setattr(drawn_trainings, "cpu_cores", lambda: 1)
    monkeypatch.setattr(
        drawn_trainings, "LocalWorkers", partial(LocalWorkers, module="tests.kit.processes.fake_worker")
    )
    drawn_trainings.train(table, 3, 11, 60.0)
    drawn_trainings.train(table, 4, 11, 60.0)
    kept = drawn_trainings.read_table(table)
    assert [own.number for own in kept] == [0, 1, 2, 3]
    assert all(own.configuration == drawn_trainings.drawn(own.number) for own in kept)
    assert all(own.val_accuracy > 0 for own in kept)


def test_a_training_that_failed_is_no_measurement(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = tmp_path / "table.jsonl"
    monkeypatch.setattr(drawn_trainings, "load_dataset", lambda *_, **__: None)
    # Without the data's folder the workers' trainings fail.
    monkeypatch.setattr(drawn_trainings, "save_arrays", lambda *_: None)
    monkeypatch.setattr(drawn_trainings, "cpu_cores", lambda: 1)
    monkeypatch.setattr(
        drawn_trainings, "LocalWorkers", partial(LocalWorkers, module="tests.kit.processes.fake_worker")
    )
    with pytest.raises(RunFailed, match="could not be trained"):
        drawn_trainings.train(table, 2, 11, 60.0)
    assert drawn_trainings.read_table(table) == []


def test_a_pool_is_of_what_the_first_seed_trained() -> None:
    rows = [Measured(n, 11, n / 10, 8.0, drawn_trainings.drawn(n)) for n in (2, 0, 1)]
    pool = guided_draws.pool_of([*rows, Measured(1, 12, 0.7, 8.0, drawn_trainings.drawn(1))])
    assert list(pool.seen) == [0.0, 0.1, 0.2]
    assert list(pool.judged) == pytest.approx([math.nan, 0.7, math.nan], nan_ok=True)
    assert guided_draws.described(pool)["judged"] == 1


def test_a_way_takes_the_place_of_its_earlier_result(tmp_path: Path) -> None:
    kept = tmp_path / "kept.json"
    for way, searches in (("parzen", 10), ("forest", 10), ("parzen", 20)):
        guided_draws.keep(kept, {}, deciding_pool(30), {"way": way, "searches": searches, "rows": []})
    ways = json.loads(kept.read_text(encoding="utf-8"))["ways"]
    assert [(own["way"], own["searches"]) for own in ways] == [("forest", 10), ("parzen", 20)]


def test_what_is_kept_is_of_the_table_that_is_kept() -> None:
    table = drawn_trainings.read_table(drawn_trainings.TABLE)
    kept = json.loads(guided_draws.RESULT.read_text(encoding="utf-8"))
    assert kept["pool"] == guided_draws.described(guided_draws.pool_of(table))
    ways = [own["way"] for own in kept["ways"]]
    assert {"parzen", guided_draws.OF_STEPS, guided_draws.KNOWS} <= set(ways) <= set(guided_draws.WAYS)
    assert len(ways) == len(set(ways))
    assert all(load_family(drawn_trainings.SPACE).fits(own.configuration) for own in table)


def test_brackets_are_those_of_a_default_search() -> None:
    rungs = make_oracle(load_family(drawn_trainings.SPACE), SearchOptions(space=drawn_trainings.SPACE)).rungs
    assert [rung.size for rung in rungs if rung.rung == 0] == list(BRACKETS)
    assert sum(BRACKETS) in guided_draws.BUDGETS


def test_a_configuration_counts_as_often_as_other_weights_draw_it() -> None:
    shipped: dict[str, dict[Value, float]] = {"a": {1: 0.5, 2: 0.5}, "b": {1: 0.2, 2: 0.8}}
    tried: dict[str, dict[Value, float]] = {"a": {1: 0.9, 2: 0.1}, "b": {1: 0.2, 2: 0.8}}
    assert draw_weights.ratios([{"a": 1, "b": 1}, {"a": 2, "b": 2}, {"b": 1}], shipped, tried).tolist() == [
        1.8,
        0.2,
        1.0,
    ]


def test_draws_of_the_good_half_alone_are_good() -> None:
    scores, weights = np.array([0.6, 0.6, 0.96, 0.98]), np.array([0.0, 0.0, 1.0, 1.0])
    found = draw_weights.row(scores, weights, np.random.default_rng(1))
    assert found["share_above"] == {"0.9": 1.0, "0.95": 1.0, "0.965": 0.5, "0.97": 0.5}
    assert found["effective_n"] == 2.0
    even = draw_weights.row(scores, np.ones(4), np.random.default_rng(1))
    assert even["share_above"]["0.9"] == 0.5
    assert even["best_of"]["12"] < found["best_of"]["12"]


def test_weights_that_are_tried_are_of_values_that_the_space_has() -> None:
    shipped, tried = draw_weights.shipped(), draw_weights.TRIED
    assert all(set(own) <= set(shipped[name]) for name, own in tried.items())
    for weights in (*shipped.values(), *tried.values()):
        assert sum(weights.values()) == pytest.approx(1.0)
        assert min(weights.values()) > 0


def test_near_draws_beside_random_ones(tmp_path: Path) -> None:
    found = near_draws.compare(np.linspace(0.5, 0.96, 60), np.linspace(0.9, 0.99, 40))
    assert found["configurations"] == {"random": 60, "near": 40}
    rows = {row["what"]: row for row in found["rows"]}
    assert rows["share_above 0.95"]["near"] == pytest.approx(18 / 40)
    assert rows["share_above 0.95"]["difference_ci95"][0] > 0.2
    assert rows["best_of 12"]["near"] > rows["best_of 12"]["random"]
    out = tmp_path / "near.json"
    assert near_draws.main(out=out) == 0
    assert json.loads(out.read_text(encoding="utf-8")) == json.loads(near_draws.RESULT.read_text(encoding="utf-8"))


def test_near_draws_that_were_trained_fit_the_space() -> None:
    """They were sampled before compact8k could crop the image: the same numbers sample others now."""
    family = load_family(drawn_trainings.SPACE)
    table = drawn_trainings.read_table(drawn_trainings.NEAR_TABLE)
    assert len(table) >= 60
    assert all(family.fits(own.configuration) for own in table)
    assert not any("image_side" in own.configuration for own in table)
