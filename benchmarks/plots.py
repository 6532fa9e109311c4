"""`python -m benchmarks.plots`: draw docs/benchmarks.md's and docs/accuracy.md's figures from `benchmarks/results/`."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from benchmarks.measuring import RESULTS, ROOT
from benchmarks.time_to_quality import METHODS
from search_spaces.families.references import Reference
from search_spaces.families.registry import SPACES, load_family
from tuner.core.records import Json

FOLDER = ROOT / "docs" / "benchmarks"
OURS, OTHERS = "#0072b2", ("#d55e00", "#009e73", "#cc79a7")
"""Colours by Okabe and Ito (2008)."""
_FEWEST, _MOST = 500, 20_000
"""The range of parameters in the front."""
_INK, _HAIRLINE = "#6e7781", "#d0d7de"
"""Colours that are readable on white and on black."""


def draw(name: str, size: tuple[float, float], paint: Callable[[Axes], None]) -> None:
    """Write a figure as docs/benchmarks/NAME.svg, with a transparent background."""
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.add_subplot()
    paint(axes)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(_HAIRLINE)
    axes.tick_params(colors=_INK)
    for label in (axes.xaxis.label, axes.yaxis.label, axes.title):
        label.set_color(_INK)
    if (legend := axes.get_legend()) is not None:
        for text in legend.get_texts():
            text.set_color(_INK)
    FOLDER.mkdir(exist_ok=True)
    with mpl.rc_context({"svg.hashsalt": name, "svg.fonttype": "none"}):
        figure.savefig(FOLDER / f"{name}.svg", transparent=True, metadata={"Date": None})


def throughput(kept: Json) -> None:
    """Draw the trial-epochs a second of both sides, one dot a pair."""
    sides = {"keras-tuner": ("Keras Tuner", OTHERS[0]), "mnist-tune": ("mnist-tune", OURS)}

    def paint(axes: Axes) -> None:
        for place, row in enumerate(kept["rows"]):
            for side, (label, colour) in sides.items():
                rates = row["trial_epochs_a_second"][side]
                axes.plot(rates, [place] * len(rates), "o", color=colour, alpha=0.8, label=None if place else label)
        axes.set_yticks(range(len(kept["rows"])), [row["name"] for row in kept["rows"]])
        axes.set_ylim(len(kept["rows"]) - 0.5, -0.5)
        axes.set_xlim(left=0)
        axes.set_xlabel("trial-epochs a second")
        axes.legend(frameon=False)

    draw("throughput", (6.4, 2.2), paint)


def anytime(kept: Json) -> None:
    """Draw the best validation accuracy over time: each method's median over seeds, and a band from worst to best.

    A dot marks the confirmation of a search's configuration.
    """
    searches: dict[str, list[Json]] = {}
    for search in kept["searches"]:
        if search["method"] in METHODS:  # the file also has abandoned methods
            searches.setdefault(search["method"], []).append(search)
    colours = _colours(list(searches))
    seconds = np.arange(0.0, max(search["limit_s"] for search in kept["searches"]) + 1.0)

    def paint(axes: Axes) -> None:
        axes.axhline(100 * kept["target"], color=_INK, linewidth=0.8, linestyle=":")
        for method, repeats in searches.items():
            worst, median, best = 100 * spread_over_seeds(repeats, seconds)
            colour = colours[method]
            axes.fill_between(seconds, worst, best, step="post", color=colour, alpha=0.15, linewidth=0)
            axes.step(seconds, median, where="post", color=colour, linewidth=1.4, label=method)
            ends = [(one["seconds"], 100 * one["anytime"][-1][1]) for one in repeats if one["seconds"] is not None]
            for second, accuracy in ends:
                axes.plot([second], [accuracy], "o", color=colour)
        axes.set_ylim(95, 99.2)
        axes.set_xlim(left=0)
        axes.set_xlabel("seconds of search")
        axes.set_ylabel("best validation accuracy so far, %")
        axes.legend(frameon=False, loc="lower right")

    draw("time-to-quality", (6.4, 3.6), paint)


def spread_over_seeds(searches: Sequence[Json], seconds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return worst, median and best (3, t) of the searches' best accuracies so far; NaN after a search's time limit.

    A search that has reached its target keeps its last value; before its first result the value is 0.
    """
    curves = np.zeros((len(searches), len(seconds)))
    for row, search in zip(curves, searches, strict=True):
        for began, accuracy in search["anytime"]:
            row[seconds >= began] = accuracy
        if search["seconds"] is None:
            row[seconds > search["limit_s"]] = np.nan
    return np.array([curves.min(axis=0), np.median(curves, axis=0), curves.max(axis=0)])


def _colours(methods: Sequence[str]) -> Mapping[str, str]:
    distinct = list(dict.fromkeys(methods))
    ours = [method for method in distinct if method.startswith("mnist-tune")]
    others = [method for method in distinct if method not in ours]
    shades = (OURS, "#56b4e9")
    return {**dict(zip(ours, shades, strict=False)), **dict(zip(others, OTHERS, strict=False))}


def fidelity(kept: Json) -> None:
    """Draw the rank correlation of short trainings with the long one, by epochs."""
    ways = {
        "fitted": ("schedule fitted to the trial", OURS),
        "first epochs": ("first epochs of the long one", OTHERS[0]),
    }

    def paint(axes: Axes) -> None:
        for shift, (way, (label, colour)) in zip((-0.06, 0.06), ways.items(), strict=True):
            rows = [row for row in kept["rows"] if row["way"] == way]
            places = [row["epochs"] + shift for row in rows]
            correlations = [row["spearman"] for row in rows]
            spread: Any = list(
                zip(
                    *((row["spearman"] - row["ci95"][0], row["ci95"][1] - row["spearman"]) for row in rows), strict=True
                )
            )
            axes.errorbar(
                places, correlations, yerr=spread, fmt="o-", color=colour, label=label, linewidth=1.2, elinewidth=0.8
            )
        axes.set_xlabel("epochs trained before the look")
        axes.set_ylabel("Spearman's correlation with 15 epochs")
        axes.set_ylim(top=1.02)
        axes.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)

    draw("fidelity", (6.4, 3.2), paint)


def scale(kept: Json) -> None:
    """Draw the duration of a search over the number of workers, with the lower bound."""
    rows = kept["simulated"]
    sizes = sorted({row["iterations"] for row in rows})

    def paint(axes: Axes) -> None:
        for iterations, colour in zip(sizes, (OURS, *OTHERS), strict=False):
            runs = [row for row in rows if row["iterations"] == iterations]
            workers = [row["workers"] for row in runs]
            label = f"{runs[0]['trials']:,} trials"
            axes.plot(workers, [row["makespan_s"] / 60 for row in runs], "o-", color=colour, label=label, linewidth=1.2)
            axes.plot(workers, [row["ideal_s"] / 60 for row in runs], ":", color=colour, linewidth=1.2)
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.xaxis.set_major_formatter("{x:,.0f}")
        axes.yaxis.set_major_formatter("{x:,.0f}")
        axes.set_xlabel("workers")
        axes.set_ylabel("minutes (dotted: the least possible)")
        axes.legend(frameon=False)

    draw("scale", (6.4, 3.2), paint)


def front(kept: Json) -> None:
    """Draw test accuracy against parameters: winners of searches, references trained by us, and published figures."""
    sides = {
        "search": ("found by a search, mean and range of its seeds", OURS),
        "train": ("reference, trained by us, mean and range of its seeds", "#56b4e9"),
    }
    winners = [winner for winner in kept["winners"] if winner["test"] and _FEWEST <= winner["parameters"] <= _MOST]

    def paint(axes: Axes) -> None:
        known = [reference for reference in published() if _FEWEST <= reference.parameters <= _MOST]
        sizes, accuracies = (
            [reference.parameters for reference in known],
            [100 * (reference.published_accuracy or 0) for reference in known],
        )
        axes.plot(
            sizes,
            accuracies,
            "D",
            color=OTHERS[0],
            markerfacecolor="none",
            markersize=5,
            label="published, best epoch by the test set, one seed",
        )
        for kind, (label, colour) in sides.items():
            group = [winner for winner in winners if winner["kind"] == kind]
            if not group:
                continue
            scores = [100 * np.array(winner["test"]) for winner in group]
            means = np.array([np.mean(each) for each in scores])
            spread = np.array(
                [[mean - each.min(), each.max() - mean] for mean, each in zip(means, scores, strict=True)]
            ).T
            axes.errorbar(
                [winner["parameters"] for winner in group],
                means,
                yerr=spread,
                fmt="o",
                color=colour,
                elinewidth=0.8,
                label=label,
            )
        axes.set_xscale("log")
        axes.set_xticks([500, 1000, 2000, 4000, 8000, 20000])
        axes.minorticks_off()
        axes.xaxis.set_major_formatter("{x:,.0f}")
        # By error rate, as in the report: equal distances are equal ratios of errors.
        axes.set_yscale("function", functions=(_error_steps, lambda steps: 100 - 10.0**-steps))
        axes.set_yticks([97, 98, 99, 99.2, 99.4, 99.5, 99.6])
        axes.set_xlabel("trainable parameters")
        axes.set_ylabel("accuracy on the test set, %")
        axes.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1.0))

    draw("front", (6.4, 4.2), paint)


def _error_steps(accuracies: NDArray[np.float64]) -> NDArray[np.float64]:
    """Map percent to the axis; the scale ends a hundredth below 100."""
    return -np.log10(np.maximum(100 - accuracies, 0.01))


def published() -> tuple[Reference, ...]:
    """Return all published networks with an accuracy of one seed, each once; means of several seeds are ours."""
    known = {
        reference.name: reference
        for name in SPACES
        for reference in load_family(name).references()
        if reference.published_accuracy is not None and reference.published_seeds == 1
    }
    return tuple(known.values())


FIGURES: Mapping[str, Callable[[Json], None]] = {
    "throughput": throughput,
    "time-to-quality": anytime,
    "fidelity": fidelity,
    "scale": scale,
    "front": front,
}


def main(results: Path = RESULTS) -> None:
    """Draw every figure with a result file."""
    for name, paint in FIGURES.items():
        kept = results / f"{name}.json"
        if kept.exists():
            paint(json.loads(kept.read_text(encoding="utf-8")))


if __name__ == "__main__":
    main()
