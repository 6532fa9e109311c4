"""What a study showed: each arm over its seeds, paired comparisons with the base, and a conclusion in words.

Pure functions of run.json's `study` and of records; no Keras, no files. Values are fractions; words are in percentage
points. Repetition k has one seed in all arms, so that arms are compared pair by pair.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from tuner.metrics import mean_and_sd
from tuner.records import Json, TrialRecord, Value, configuration_key

Verdict: TypeAlias = Literal["better", "worse", "no difference shown"]

ALPHA = 0.05
"""Family-wise: the chance of calling any difference shown where there is none."""
POWER = 0.8
"""How often a difference that is called showable would have been shown."""
_NO_SPREAD = 1e-9
"""A standard deviation below this is rounding: accuracies are counts over at most some millions of images."""
_GRID = 2000
_MOST_LISTED = 3


@dataclass(frozen=True)
class Arm:
    """One value of what is studied, with the trials that have ended."""

    label: str
    value: Value | None
    parameters: int | None
    epochs: int
    seeds: int
    records: tuple[TrialRecord, ...]
    """By repetition, failed ones too."""

    @property
    def scored(self) -> tuple[TrialRecord, ...]:
        """Those with a finite validation accuracy."""
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
class PairedTest:
    """Student's paired t test of differences; what can't be computed is None."""

    n: int
    difference: float | None
    """Mean of arm − base."""
    sd: float | None
    interval: tuple[float, float] | None
    """Of the mean difference, 95%."""
    t: float | None
    p: float | None
    """Two-sided, without correction."""


@dataclass(frozen=True)
class Comparison:
    """An arm against the base."""

    label: str
    test: PairedTest
    p_holm: float | None
    verdict: Verdict


def study_result(study: Json, records: Sequence[TrialRecord]) -> Json:
    """The `study` part of result.json.

    Args:
        study: the `study` part of run.json.
        records: the trials that have ended, in any order; those of other configurations are passed over.

    Raises:
        ValueError: where no arm has the base's label.
    """
    arms = study_arms(study, records)
    base = _base(arms, str(study["base"]))
    comparisons = compare_arms(base, [arm for arm in arms if arm is not base])
    return {
        "name": study["name"],
        "hyperparameter": study["hyperparameter"],
        "base": study["base"],
        "seeds": study["seeds"],
        "arms": [arm_json(arm) for arm in arms],
        "comparisons": [_comparison_json(comparison) for comparison in comparisons],
        "conclusion": conclusion(base, arms, comparisons),
    }


def study_arms(study: Json, records: Sequence[TrialRecord]) -> tuple[Arm, ...]:
    """The arms in the order of run.json, each with the records of its configuration and epochs."""
    return tuple(
        Arm(
            label=str(item["label"]),
            value=item.get("value"),
            parameters=item.get("parameters"),
            epochs=int(item["epochs"]),
            seeds=int(study["seeds"]),
            records=_records_of(item, records),
        )
        for item in study["arms"]
    )


def compare_arms(base: Arm, others: Sequence[Arm]) -> tuple[Comparison, ...]:
    """Each arm against the base, with Holm's correction over all of them."""
    tests = [paired_test(differences(base, arm)) for arm in others]
    corrected = holm([test.p for test in tests])
    return tuple(
        Comparison(arm.label, test, p, _verdict(test.difference, p))
        for arm, test, p in zip(others, tests, corrected, strict=True)
    )


def differences(base: Arm, arm: Arm) -> tuple[float, ...]:
    """Arm − base of each repetition that both have a score of."""
    scores, others = base.scores, arm.scores
    return tuple(others[number] - scores[number] for number in sorted(set(scores) & set(others)))


def paired_test(values: Sequence[float]) -> PairedTest:
    """Mean, 95% interval and two-sided p of paired differences (Student 1908).

    One pair has no spread, so no test; nor have pairs that differ by exactly the same.
    """
    if not values:
        return PairedTest(0, None, None, None, None, None)
    mean, sd = mean_and_sd(values)
    if sd is None or sd <= _NO_SPREAD:
        return PairedTest(len(values), mean, None if sd is None else 0.0, None, None, None)
    from scipy import stats

    error, freedom = sd / math.sqrt(len(values)), len(values) - 1
    half = float(stats.t.ppf(1 - ALPHA / 2, freedom)) * error
    t = mean / error
    return PairedTest(len(values), mean, sd, (mean - half, mean + half), t, float(2 * stats.t.sf(abs(t), freedom)))


def holm(p_values: Sequence[float | None]) -> tuple[float | None, ...]:
    """Adjusted p values (Holm, Scandinavian Journal of Statistics 6, 1979); None stays None and is not counted."""
    order = sorted((p, place) for place, p in enumerate(p_values) if p is not None)
    adjusted: list[float | None] = [None] * len(p_values)
    largest = 0.0
    for rank, (p, place) in enumerate(order):
        largest = max(largest, min(1.0, (len(order) - rank) * p))
        adjusted[place] = largest
    return tuple(adjusted)


def showable_difference(sd: float, n: int, comparisons: int) -> float:
    """The true mean difference that n pairs show four times in five: where the t test has that power.

    The power is that of the noncentral t, written as the mean of normal tails over the estimate's own spread, which
    is exact but for the grid and holds for two pairs too.

    Args:
        sd: of the differences.
        n: pairs, two or more.
        comparisons: of the study; the level is the first step of Holm's, alpha / comparisons.
    """
    import numpy as np
    from scipy import optimize, stats

    freedom = n - 1
    critical = stats.t.ppf(1 - ALPHA / (2 * max(comparisons, 1)), freedom)
    shares = (np.arange(_GRID) + 0.5) / _GRID
    edges = critical * np.sqrt(stats.chi2.ppf(shares, freedom) / freedom)
    standardised = optimize.brentq(lambda shift: stats.norm.cdf(shift - edges).mean() - POWER, 0, edges[-1] + 10)
    return float(standardised * sd / math.sqrt(n))


def arm_json(arm: Arm) -> Json:
    """An arm as result.json has it."""
    scored = arm.scored
    scores = arm.scores
    mean, sd = _mean_sd(list(scores.values()))
    loss_mean, loss_sd = _mean_sd([record.val_loss for record in scored])
    return {
        "label": arm.label,
        "value": arm.value,
        "trials": [record.trial for record in arm.records],
        "failed": arm.failed,
        "n": len(scored),
        "mean": mean,
        "sd": sd,
        "per_seed": [scores.get(number) for number in range(1, arm.seeds + 1)],
        "loss_mean": loss_mean,
        "loss_sd": loss_sd,
        "train_accuracy_mean": _mean_sd([_last(record, "accuracy") for record in scored])[0],
        "gap_mean": _mean_sd([_gap(record) for record in scored])[0],
        "parameters": arm.parameters,
        "epochs": arm.epochs,
        "epochs_run_mean": _mean_sd([record.epochs_run for record in scored])[0],
        "duration_mean_s": _mean_sd([record.duration_s for record in scored])[0],
    }


# --- words ----------------------------------------------------------------------------------------------------------


def conclusion(base: Arm, arms: Sequence[Arm], comparisons: Sequence[Comparison]) -> str:
    """What the numbers allow to say, in sentences; the first one is the answer."""
    tested = [comparison for comparison in comparisons if comparison.p_holm is not None]
    if not base.scored:
        first = [f"Nothing can be compared: no seed of {base.label}, the base, has a score."]
    elif not comparisons:
        first = [f"Nothing was compared: {base.label} is the only arm."]
    elif not any(comparison.test.n for comparison in comparisons):
        first = [f"Nothing can be compared: no other arm has a score with a seed that {base.label} has one with."]
    elif not tested and all(comparison.test.n < 2 for comparison in comparisons):
        first = _one_seed(base, comparisons)
    else:
        first = _tested_words(base, comparisons)
    return " ".join([*first, *_lost_words(arms)])


def _tested_words(base: Arm, comparisons: Sequence[Comparison]) -> list[str]:
    shown = sorted((c for c in comparisons if c.verdict != "no difference shown"), key=_strongest_first)
    hidden = [c for c in comparisons if c.verdict == "no difference shown" and c.p_holm is not None]
    family = sum(comparison.p_holm is not None for comparison in comparisons)
    sentences = []
    if shown and len(comparisons) > _MOST_LISTED:
        sentences.append(_count_words(base, comparisons))
    sentences += [_shown_words(base, comparison) for comparison in shown]
    if sum(comparison.verdict == "better" for comparison in shown) > 1:
        sentences.append("Those that beat it were not tested against each other.")
    if hidden:
        sentences += _hidden_words(base, hidden, family, alone=not shown)
    if family > 1:
        sentences.append(f"The p values are corrected for {family} comparisons (Holm).")
    return [*sentences, *_untested_words(base, comparisons)]


def _strongest_first(comparison: Comparison) -> tuple[bool, float]:
    return (comparison.verdict != "better", -_size(comparison))


def _count_words(base: Arm, comparisons: Sequence[Comparison]) -> str:
    counts = {v: sum(c.verdict == v for c in comparisons) for v in ("better", "worse", "no difference shown")}
    parts = [f"{counts['better']} beat it"] if counts["better"] else []
    parts += [f"{counts['worse']} {'is' if counts['worse'] == 1 else 'are'} worse"] if counts["worse"] else []
    parts += [f"for {counts['no difference shown']} no difference shows"] if counts["no difference shown"] else []
    return f"Of {len(comparisons)} compared with {base.label}, {_joined(parts)}."


def _shown_words(base: Arm, comparison: Comparison) -> str:
    test = comparison.test
    verb = "beats" if comparison.verdict == "better" else "is worse than"
    return (
        f"{comparison.label} {verb} {base.label} by {_points(abs(test.difference or 0.0))} ± {_points(_half(test))} points over "
        f"{_seeds(test.n)} (95% interval, {_p(comparison.p_holm)})."
    )


def _hidden_words(base: Arm, hidden: Sequence[Comparison], family: int, *, alone: bool) -> list[str]:
    largest = max(hidden, key=_size)
    test = largest.test
    low, high = test.interval or (0.0, 0.0)
    seeds = _seeds_of([comparison.test.n for comparison in hidden])
    interval = f"{_signed(low)} to {_signed(high)}"
    if len(hidden) == 1:
        first = (
            f"No difference between {largest.label} and {base.label} that {seeds} can show: {_signed(test.difference)} points "
            f"(95% interval {interval}, {_p(largest.p_holm)})."
        )
    else:
        names = "" if alone else f" for {_joined([c.label for c in hidden])}" if len(hidden) <= 4 else " for the others"
        first = (
            f"No difference from {base.label} that {seeds} can show{names}: the largest is that of {largest.label}, {_signed(test.difference)} points "
            f"(95% interval {interval}, {_p(largest.p_holm)})."
        )
    return [first, _showable_words([showable_difference(c.test.sd or 0.0, c.test.n, family) for c in hidden])]


def _showable_words(sizes: Sequence[float]) -> str:
    small, large = _points(min(sizes)), _points(max(sizes))
    size = f"{small} points" if small == large else f"{small} to {large} points, by arm,"
    return f"With this spread a true difference of {size} would be shown four times in five; a smaller one may well be there."


def _untested_words(base: Arm, comparisons: Sequence[Comparison]) -> list[str]:
    return [_untested(base, comparison) for comparison in comparisons if comparison.p_holm is None]


def _untested(base: Arm, comparison: Comparison) -> str:
    test, name = comparison.test, comparison.label
    if test.n == 0:
        return f"{name} can't be compared: it has no score with a seed that {base.label} has one with."
    if test.n == 1:
        return (
            f"{name} has one seed in common with {base.label}, {_signed(test.difference)} points: no test is possible."
        )
    if abs(test.difference or 0.0) <= _NO_SPREAD:
        return f"{name} gave the same accuracy as {base.label} with each of {_seeds(test.n)}."
    return (
        f"{name} differs from {base.label} by {_signed(test.difference)} points with each of {_seeds(test.n)}: without "
        "spread there is no test."
    )


def _one_seed(base: Arm, comparisons: Sequence[Comparison]) -> list[str]:
    compared = [comparison for comparison in comparisons if comparison.test.n]
    best = max(compared, key=lambda comparison: comparison.test.difference or 0.0)
    difference = best.test.difference or 0.0
    words = (
        f"{best.label} came out highest, {_points(difference)} points above {base.label}"
        if difference > _NO_SPREAD
        else f"none came out above {base.label}"
    )
    common = "One seed each" if base.seeds == 1 else "One seed in common"
    return [f"{common}, so no test is possible: {words}.", "Another seed may turn that round."]


def _lost_words(arms: Sequence[Arm]) -> list[str]:
    failed = [f"{arm.failed} of {arm.label}" for arm in arms if arm.failed]
    missing = sum(max(arm.seeds - len(arm.records), 0) for arm in arms)
    words = [f"Trials that failed: {_joined(failed)}; their pairs are left out."] if failed else []
    return words + ([f"{missing} planned {'trial was' if missing == 1 else 'trials were'} not run."] if missing else [])


def _points(value: float) -> str:
    text = f"{100 * value:.2f}"
    return text if float(text) else f"{100 * value:.1g}" if value else "0.00"


def _signed(value: float | None) -> str:
    number = value or 0.0
    return ("+" if number > 0 else "−" if number < 0 else "") + _points(abs(number))


def _p(value: float | None) -> str:
    return "p < 0.001" if value is not None and value < 0.001 else f"p = {value:.3f}" if value is not None else "no p"


def _half(test: PairedTest) -> float:
    return (test.interval[1] - test.interval[0]) / 2 if test.interval else 0.0


def _size(comparison: Comparison) -> float:
    return abs(comparison.test.difference or 0.0)


def _seeds(number: int) -> str:
    return f"{number} seed" if number == 1 else f"{number} seeds"


def _seeds_of(numbers: Sequence[int]) -> str:
    return _seeds(max(numbers)) if min(numbers) == max(numbers) else f"{min(numbers)} to {max(numbers)} seeds"


def _joined(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else ""


# --- records and arms -----------------------------------------------------------------------------------------------


def _records_of(item: Mapping[str, object], records: Sequence[TrialRecord]) -> tuple[TrialRecord, ...]:
    key, epochs = configuration_key(item["configuration"]), item["epochs"]  # type: ignore[arg-type]
    own = {r.repetition: r for r in records if r.epochs == epochs and configuration_key(r.configuration) == key}
    return tuple(own[number] for number in sorted(own))


def _base(arms: Sequence[Arm], label: str) -> Arm:
    for arm in arms:
        if arm.label == label:
            return arm
    raise ValueError(
        f"The base of a study must be one of its arms. Expected: one of {[a.label for a in arms]}. Received: {label!r}"
    )


def _verdict(difference: float | None, p_holm: float | None) -> Verdict:
    if difference is None or p_holm is None or p_holm >= ALPHA:
        return "no difference shown"
    return "better" if difference > 0 else "worse"


def _comparison_json(comparison: Comparison) -> Json:
    test = comparison.test
    return {
        "label": comparison.label,
        "n": test.n,
        "difference": test.difference,
        "sd": test.sd,
        "ci95": list(test.interval) if test.interval else None,
        "t": test.t,
        "p": test.p,
        "p_holm": comparison.p_holm,
        "verdict": comparison.verdict,
    }


def _score(record: TrialRecord) -> float | None:
    value = record.val_accuracy
    return value if record.completed and value is not None and math.isfinite(value) else None


def _mean_sd(values: Sequence[float | None]) -> tuple[float | None, float | None]:
    finite = [value for value in values if value is not None and math.isfinite(value)]
    return mean_and_sd(finite) if finite else (None, None)


def _last(record: TrialRecord, metric: str) -> float | None:
    series = record.history.get(metric, ())
    return series[-1] if series and math.isfinite(series[-1]) else None


def _gap(record: TrialRecord) -> float | None:
    training, validation = _last(record, "accuracy"), _last(record, "val_accuracy")
    return training - validation if training is not None and validation is not None else None
