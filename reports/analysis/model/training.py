"""The comparison of a training with the published accuracy of its reference."""

from __future__ import annotations

from dataclasses import dataclass

from reports.run.run_data import RunData


@dataclass(frozen=True)
class PublishedComparison:
    """A reference's published test accuracy and ours, as fractions."""

    name: str
    published: float
    exported: float
    """The test accuracy of the exported model, to which the interval belongs."""
    interval: tuple[float, float] | None
    mean: float
    """The mean over our seeds."""
    sd: float | None
    per_seed: tuple[float, ...]
    trials: tuple[str, ...]
    """A trial for each seed."""
    test: int

    @property
    def inside(self) -> bool:
        """True if the published figure lies in our interval."""
        return self.interval is not None and self.interval[0] <= self.published <= self.interval[1]

    @property
    def difference(self) -> float:
        """Our mean minus the published figure."""
        return self.mean - self.published


def published_comparison(run: RunData) -> PublishedComparison | None:
    """Return the comparison; None without a test, without a published figure, or on data other than MNIST."""
    test = run.result.test if run.result is not None else None
    trained = [r for r in run.info.references if r.included and r.published_accuracy is not None]
    if run.result is None or test is None or not trained or not run.info.data.is_mnist:
        return None
    return PublishedComparison(
        name=trained[0].name,
        published=trained[0].published_accuracy or 0.0,
        exported=test.exported_accuracy if test.exported_accuracy is not None else test.accuracy,
        interval=test.interval,
        mean=test.accuracy,
        sd=test.sd,
        per_seed=test.per_seed,
        trials=run.result.trials,
        test=test.n,
    )
