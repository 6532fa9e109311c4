"""The run's data: loaded again where they are at hand, and what run.json says of them."""

from __future__ import annotations

from tuner.core.errors import UsageError
from tuner.data.dataset import Dataset, describe
from tuner.run.run_data import load_run_data
from tuner.storage.schema.documents import as_json
from tuner.verification.check import Outcome, Unavailable, disagreements, failed, outcome_of
from tuner.verification.evidence import Evidence

_BUNDLED = "digits"
"""The source that is the same wherever the program is installed."""
_NAMES = ("name", "fallback")
"""Keys of `data` that another place of the same data may change."""


def data(evidence: Evidence) -> Outcome:
    """Check the data by their SHA-256, and what run.json says of them: splits, classes, pixels."""
    loaded, recorded = _loaded(evidence), evidence.run.data
    if loaded.sha256 != recorded.sha256:
        source = evidence.request.data or evidence.options.data
        words = f"the data at {source} are others: sha256 {loaded.sha256[:16]}…, the run's {recorded.sha256[:16]}…"
        if evidence.request.data is None and source != _BUNDLED:
            raise Unavailable(f"{words}. Say where the run's data are (--data)")
        return failed(words)
    known, expected = (
        {k: v for k, v in as_json(one).items() if k not in _NAMES} for one in (recorded, describe(loaded))
    )
    faults = disagreements(known, expected, "data")
    if evidence.older:
        faults = [fault for fault in faults if "is missing" not in fault]
    return outcome_of(faults, f"sha256 {loaded.sha256[:16]}…; splits, classes and pixels as run.json says")


def dataset(evidence: Evidence) -> Dataset:
    """Return the run's data set, split.

    Raises:
        Unavailable: where it is not at hand.
    """
    loaded = _loaded(evidence)
    if loaded.sha256 != evidence.run.data.sha256:
        raise Unavailable("the data are not the run's")
    return loaded


def _loaded(evidence: Evidence) -> Dataset:
    def load() -> Dataset:
        try:
            return load_run_data(evidence.options, evidence.request.data)
        except UsageError as error:
            raise Unavailable(f"the data are not at hand: {error}") from error

    return evidence.once("data", load)
