"""Importances: the exact decomposition of a forest, against brute force and against functions whose parts are known."""

from __future__ import annotations

import itertools

import numpy as np
import numpy.typing as npt
import pytest

from reports.analysis.search import importance as module
from reports.analysis.search.factors import factors, min_trials, sampled_trials
from reports.analysis.search.importance import Factor, Importance, importance
from tests.kit.run_builder import make_record
from tuner.storage.schema.run import Hyperparameter

Array = npt.NDArray[np.float64]
N = 400


def numbers(seed: int, count: int, n: int = N) -> Array:
    return np.random.default_rng(seed).uniform(-1, 1, (n, count))


def parts(found: Importance | None) -> dict[tuple[str, ...], float]:
    assert found is not None
    return {share.names: share.share for share in (*found.main, *found.pairs)}


def as_factors(x: Array, categories: tuple[int, ...] = ()) -> list[Factor]:
    kinds = categories or (0,) * x.shape[1]
    return [Factor(f"x{k}", x[:, k], kinds[k]) for k in range(x.shape[1])]


def brute_force(given: list[Factor], scores: Array) -> dict[tuple[str, ...], float]:
    """The same decomposition of the same forest, by predicting the whole product of the observed values."""
    columns = [module._columns(factor) for factor in given]
    forest = module._fit_forest(np.column_stack(columns), scores - scores.mean())
    n = len(scores)
    grid = np.array(list(itertools.product(range(n), repeat=len(given))))
    table = forest.predict(np.column_stack([c[grid[:, k]] for k, c in enumerate(columns)])).reshape((n,) * len(given))
    table = table - table.mean()
    axes = range(len(given))
    main = [table.mean(axis=tuple(a for a in axes if a != h)) for h in axes]
    found: dict[tuple[str, ...], float] = {(given[h].name,): float((main[h] ** 2).mean()) for h in axes}
    for h, g in itertools.combinations(axes, 2):
        both = table.mean(axis=tuple(a for a in axes if a not in (h, g)))
        found[given[h].name, given[g].name] = float(((both - main[h][:, None] - main[g]) ** 2).mean())
    return {names: value / float((table**2).mean()) for names, value in found.items()}


def test_marginals_are_those_of_the_forest_on_the_whole_grid() -> None:
    rng = np.random.default_rng(5)
    x = np.column_stack([rng.uniform(0, 1, 24), rng.integers(0, 4, 24), rng.integers(0, 2, 24)])
    given = as_factors(x, (0, 4, 2))
    scores = x[:, 0] * (x[:, 1] == 2) + 0.3 * x[:, 2] + 0.2 * (x[:, 1] == 3) + rng.normal(0, 0.05, 24)
    expected = brute_force(given, scores)
    found = parts(importance(given, scores))
    assert found.keys() == expected.keys()
    for names, share in found.items():
        assert share == pytest.approx(expected[names], abs=1e-9), names


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        pytest.param(lambda x: x[:, 0] + 2 * x[:, 1], {("x0",): 0.2, ("x1",): 0.8}, id="additive"),
        pytest.param(lambda x: x[:, 0] * x[:, 1], {("x0", "x1"): 1.0}, id="pure interaction"),
        pytest.param(lambda x: x[:, 0] ** 3, {("x0",): 1.0}, id="the others are irrelevant"),
        pytest.param(
            lambda x: x[:, 0] + x[:, 1] + 3 * x[:, 0] * x[:, 1],
            {("x0",): 0.2, ("x1",): 0.2, ("x0", "x1"): 0.6},
            id="both",
        ),
    ],
)
def test_known_functions_of_numbers(formula: object, expected: dict[tuple[str, ...], float]) -> None:
    # A grid, so that the parts of the sample itself are those of the function.
    side = np.linspace(-1, 1, 30)
    grid = np.array(list(itertools.product(side, side)))
    x = np.column_stack([grid, numbers(1, 2, len(grid))])
    found = parts(importance(as_factors(x), formula(x)))  # type: ignore[operator]
    for names, share in found.items():
        assert share == pytest.approx(expected.get(names, 0.0), abs=0.05), names


def test_known_function_of_categories() -> None:
    codes = np.repeat(np.arange(4.0), 100)
    x = np.column_stack([codes, numbers(2, 2)])
    # The order of the codes says nothing of their effects: 0, 3, 0, 1 have variance 1.5, the uniform number a third.
    scores = np.array([0.0, 3.0, 0.0, 1.0])[codes.astype(int)] + x[:, 1]
    found = parts(importance(as_factors(x, (4, 0, 0)), scores))
    assert found["x0",] == pytest.approx(1.5 / (1.5 + 1 / 3), abs=0.05)
    assert found["x1",] == pytest.approx((1 / 3) / (1.5 + 1 / 3), abs=0.05)
    assert found["x2",] < 0.01


def test_two_categories_that_act_only_together() -> None:
    pairs = np.array(list(itertools.product((0.0, 1.0), (0.0, 1.0), (0.0, 1.0, 2.0))) * 10)
    found = parts(importance(as_factors(pairs, (2, 2, 3)), np.where(pairs[:, 0] == pairs[:, 1], 1.0, 0.0)))
    assert found["x0", "x1"] == pytest.approx(1.0, abs=0.05)
    assert max(share for names, share in found.items() if names != ("x0", "x1")) < 0.05


def test_a_rare_category_weighs_as_often_as_it_was_drawn() -> None:
    codes = np.array([0.0] * 90 + [1.0] * 10)
    other = np.tile([0.0, 1.0], 50)
    found = parts(importance(as_factors(np.column_stack([codes, other]), (2, 2)), codes + other))
    variance = 0.09 / (0.09 + 0.25)
    assert found["x0",] == pytest.approx(variance, abs=0.05)


def test_parts_add_up_and_the_strongest_comes_first() -> None:
    x = numbers(3, 4)
    found = importance(as_factors(x), x[:, 2] + 2 * x[:, 0] * x[:, 3])
    assert found is not None
    assert sum(parts(found).values()) + found.rest == pytest.approx(1.0, abs=0.01)
    assert found.main[0].names == ("x2",)
    assert found.pairs[0].names == ("x0", "x3")
    assert found.trials == N
    assert found.explained > 0.5
    assert [s.share for s in found.main] == sorted((s.share for s in found.main), reverse=True)
    assert found == importance(as_factors(x), x[:, 2] + 2 * x[:, 0] * x[:, 3])


def test_noise_is_not_explained() -> None:
    found = importance(as_factors(numbers(4, 5, 100)), np.random.default_rng(9).normal(size=100))
    assert found is not None
    assert found.explained < 0.1


@pytest.mark.parametrize(
    ("given", "scores"),
    [([], [1.0, 2.0]), ([Factor("a", np.array([1.0, 2.0]))], [1.0, 1.0]), ([Factor("a", np.array([1.0]))], [1.0])],
)
def test_nothing_to_explain(given: list[Factor], scores: list[float]) -> None:
    assert importance(given, scores) is None


# --- factors --------------------------------------------------------------------------------------------------------


def test_factors_of_trials() -> None:
    settings = [
        {"rate": 0.1, "act": "relu", "same": 3, "deep": True, "shift": 0.2},
        {"rate": 0.01, "act": "tanh", "same": 3, "deep": False},
        {"rate": 0.5, "act": "relu", "same": 3, "deep": True, "shift": 0.4},
        {"rate": 0.2, "same": 3, "deep": True, "shift": 0.6, "only": 1},
    ]
    records = [make_record(f"{k:04d}", configuration=values) for k, values in enumerate(settings)]
    found = {factor.name: factor for factor in factors(records, [])}
    assert list(found) == ["act", "deep", "rate", "shift"]
    assert (found["act"].categories, list(found["act"].values)) == (2, [0, 1, 0, 0])
    assert (found["deep"].categories, list(found["deep"].values)) == (2, [1, 0, 1, 1])
    assert (found["shift"].categories, list(found["shift"].values)) == (0, [0.2, 0.4, 0.4, 0.6])
    assert factors([], []) == ()
    assert min_trials(tuple(found.values())) == 30
    assert min_trials(tuple(found.values()) * 5) == 40


def test_published_networks_are_not_drawn() -> None:
    space = [Hyperparameter("network", "fixed", ("drawn",))]
    records = [
        make_record("0001", configuration={"network": "drawn"}),
        make_record("0002", configuration={"network": "C8 P GAP"}),
        make_record("0003", configuration={"filters": 3}),
    ]
    assert [record.trial for record in sampled_trials(records, space)] == ["0001", "0003"]
    assert len(sampled_trials(records, [])) == 3
