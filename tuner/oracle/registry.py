"""The search algorithms by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tuner.options.search_options import SearchOptions
from tuner.oracle.base import KerasTunerOracle
from tuner.oracle.hyperband import Hyperband
from tuner.oracle.protocol import Oracle
from tuner.oracle.random_and_bayesian import BayesianSearch, RandomSearch
from tuner.oracle.sampling import ConfigurationSampler, SampledConfiguration, Space
from tuner.oracle.warm_starts import WarmStart

ALGORITHMS: Mapping[str, type[KerasTunerOracle]] = {
    "hyperband": Hyperband,
    "random": RandomSearch,
    "bayesian": BayesianSearch,
}


def make_oracle(
    space: Space,
    options: SearchOptions,
    *,
    warm: Sequence[WarmStart] = (),
    recorded: Mapping[str, SampledConfiguration] | None = None,
) -> Oracle:
    """Return the oracle of a search.

    Args:
        space: the search space.
        options: algorithm, epochs, factor, iterations, number of trials, seed.
        warm: good configurations, which take the first places of the first rung; Hyperband also samples near them.
        recorded: trial → configuration and origin of a journal, reused instead of sampled.
    """
    sampler = ConfigurationSampler(space, options.seed, warm, recorded or {})
    return ALGORITHMS[options.algorithm](space, options, sampler)
