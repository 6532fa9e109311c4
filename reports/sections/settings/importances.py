"""The importance of each hyperparameter, from the trials of all lengths together; the epochs are a factor like the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reports import formatting as text
from reports.analysis.search.factors import EPOCHS, TRIALS_A_FACTOR, factors, min_trials, with_epochs
from reports.analysis.search.importance import TREES, Importance, Share, importance
from reports.analysis.search.trials import EpochGroup, accuracy_of
from reports.figures.axes import error_scale
from reports.figures.search.importance import importance_figure
from reports.sections.section import Cell, Column, Figure, Row, Table, number
from tuner.storage.schema.run import Hyperparameter

_MOST_MAIN, _MOST_PAIRS = 8, 4
_MOST_ROWS = 12
_LEAST_SHARE = 0.01
"""The smallest share that is drawn."""
_LEAST_EXPLAINED = 0.1
"""The smallest out-of-bag R² of a forest whose importances are shown."""


@dataclass(frozen=True)
class Verdict:
    """The importances, or the reason why there are none."""

    importances: Importance | None
    why: str

    @property
    def settings(self) -> tuple[Share, ...]:
        """The shares of single hyperparameters, largest first, without that of the epochs."""
        main = self.importances.main if self.importances is not None else ()
        return tuple(share for share in main if share.names != (EPOCHS,))


def verdict_of(groups: Sequence[EpochGroup], space: Sequence[Hyperparameter]) -> Verdict:
    """Return the importances over all trials of these lengths, or the reason why there are none."""
    records = [record for group in groups for record in group.records]
    settings = factors(records, space)
    if len(settings) < 2:
        return Verdict(None, "Importances compare settings, and fewer than two varied among the trials.")
    given = with_epochs(settings, records)
    trials, wanted = len(records), min_trials(given)
    if trials < wanted:
        return Verdict(
            None,
            f"{text.plural(trials, 'trial')}, {len(settings)} settings that varied: too few to say which of them matter. "
            f"{wanted} trials are wanted ({TRIALS_A_FACTOR} a setting{' and as many for the epochs' if len(given) > len(settings) else ''}, 30 at least).",
        )
    importances = importance(given, [error_scale(accuracy_of(record)) for record in records])
    if importances is None:
        return Verdict(None, "All trials have the same score, so there is nothing to explain.")
    if importances.explained < _LEAST_EXPLAINED:
        return Verdict(
            None,
            f"From their settings a forest foretells next to nothing of the scores of trials that it has not seen (R² {text.signed(importances.explained, 2)} "
            f"over {text.plural(trials, 'trial')}): importances would be noise.",
        )
    return Verdict(importances, "")


def figure_of(verdict: Verdict) -> Figure | None:
    """Return the bars of the strongest shares; None without importances."""
    importances = verdict.importances
    if importances is None:
        return None
    title = _title(importances, verdict.settings[0])
    drawn_shares = _strongest(importances)
    rest = max(0.0, 1 - sum(share.share for share in drawn_shares))
    caption = (
        f"The forest ({TREES} trees) foretells {text.percent(importances.explained, 0)}% of the variance of trials that it has not seen (R², out of bag); "
        f"{text.percent(rest, 0)}% of what it predicts is spread over what is not shown. Light bars are pairs, beyond what each of the two explains."
    )
    return Figure(importance_figure(drawn_shares, title), title, caption)


def _title(importances: Importance, first: Share) -> str:
    epochs = next((share for share in importances.main if share.names == (EPOCHS,)), None)
    beside = "" if epochs is None else f", the epochs {text.percent(epochs.share, 0)}%,"
    return (
        f"{first.names[0]} explains {text.percent(first.share, 0)}%{beside} of the spread that a forest foretells "
        f"over {text.plural(importances.trials, 'trial')}"
    )


def _strongest(importances: Importance) -> list[Share]:
    """Return the main parts, then the pairs, that are drawn; the first main part always."""
    main = [share for share in importances.main[:_MOST_MAIN] if share.share >= _LEAST_SHARE] or [importances.main[0]]
    return [*main, *(share for share in importances.pairs[:_MOST_PAIRS] if share.share >= _LEAST_SHARE)]


def table_of(verdict: Verdict, space: Sequence[Hyperparameter]) -> Table | None:
    """Return the shares of single hyperparameters with their descriptions; None without importances."""
    if verdict.importances is None:
        return None
    described = {item.name: item.description for item in space} | {EPOCHS: "how long a trial was trained"}
    return Table(
        caption="What each setting explains alone, and what it is.",
        columns=(Column("Setting", number=False), Column("Share", "%"), Column("Over trees", "±"), Column("What it is", number=False)),
        rows=[
            Row(
                (
                    Cell(share.names[0]),
                    number(share.share, text.percent(share.share, 1)),
                    number(share.spread, text.percent(share.spread, 1)),
                    Cell(described.get(share.names[0]) or text.MISSING),
                )
            )
            for share in verdict.importances.main[:_MOST_ROWS]
        ],
    )  # fmt: skip
