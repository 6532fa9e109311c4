"""A training: one configuration with several seeds, evaluated and exported as a search's winner is."""

from __future__ import annotations

from dataclasses import dataclass

from tuner.core.errors import RunFailed
from tuner.options.train_options import TrainOptions
from tuner.run.confirmation import Confirmed
from tuner.run.sessions.evaluating_session import EvaluatingSession
from tuner.run.trial_sources import ListSource, Networks, repeated
from tuner.storage.schema.result import ResultDocument


@dataclass
class Training(EvaluatingSession[TrainOptions]):
    """One invocation of a training."""

    def phases(self) -> ResultDocument:
        """Run training and evaluation."""
        options, networks = self.options, Networks(self.space, self.ref())
        parameters = networks.parameters(options.configuration)
        trials = [
            repeated(
                n,
                phase="train",
                repetition=n,
                configuration=dict(options.configuration),
                epochs=options.epochs,
                parameters=parameters,
                run_seed=options.seed,
                fold=n if self.data.has_folds else 0,
                objective=options.objective,
            )
            for n in range(1, options.seeds + 1)
        ]
        self.set_plan("train", trials)
        source = ListSource(trials, networks, self.folder, stop_early=False)
        with self.phase("train", len(trials)):
            self.engine.run(source)
        records = tuple(sorted(source.records, key=lambda record: record.repetition))
        completed = tuple(record for record in records if record.completed)
        if not completed:
            raise RunFailed(f"None of {len(records)} trials completed. The last one: {records[-1].error}")
        with self.phase("evaluate", 0):
            ranked = [Confirmed(None, completed, len(records) - len(completed))]
            return self.evaluate(ranked, test=options.test)
