"""A run that has been made, from Python: its winner, its trials, its model, its page."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inference.models import find_model
from tuner.core.errors import MnistTuneError
from tuner.core.machine import validate_environment
from tuner.core.records import Json
from tuner.spaces.named_code import uses_named_code
from tuner.storage.run_folder import RunFolder
from tuner.storage.schema.documents import as_json

if TYPE_CHECKING:
    import pandas as pd

    from tuner.verification.check import Check


class Run:
    """A run that has been made: its winner, its trials, its model, its page.

    In a notebook it shows its headline and its best configurations.
    """

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder

    @property
    def path(self) -> Path:
        """The run's folder."""
        return self._folder.path

    @property
    def best(self) -> Json:
        """The winner, as in result.json: configuration, parameters, validation, test.

        Raises:
            MnistTuneError: where the run has no winner yet.
        """
        result = self._folder.read_result()
        if result is None:
            raise MnistTuneError(f"This run has no winner yet. Go on with it: mnist-tune --out {self.path} --resume")
        return as_json(result)

    @property
    def info(self) -> Json:
        """Return what was asked for, of whom and with what, as in run.json."""
        return as_json(self._folder.read_run())

    def trials(self) -> pd.DataFrame:
        """One row a trial that has ended, best first within a phase; hyperparameters are columns `hp.<name>`."""
        from reports.pages.trials_csv import trials_frame

        return trials_frame(self.path)

    def model(self, space: str | None = None) -> Any:
        """Load the exported model as a Keras model (untyped): uint8 images (n, 28, 28) to probabilities (n, classes).

        Args:
            space: the run's own space, `module:Class`, where its model has code of yours: naming it runs that module.

        Raises:
            UsageError: where it can't be loaded without that.
        """
        self.best  # noqa: B018 - says what is missing where there is no winner
        validate_environment()
        if uses_named_code(self._folder, space):
            from tuner.export.run_model import load_named_model

            return load_named_model(self._folder)
        find_model(self._folder.keras_model)
        import keras

        return keras.models.load_model(self._folder.keras_model, safe_mode=True)

    def report(self) -> Path:
        """Render report.html again and returns its path."""
        from reports.pages.page import write_report
        from reports.pages.trials_csv import write_trials_csv

        write_trials_csv(self.path)
        return write_report(self.path)

    def export(
        self,
        format: str = "savedmodel",
        out: str | os.PathLike[str] | None = None,
        *,
        force: bool = False,
        space: str | None = None,
    ) -> Path:
        """Write the model in a format, verified, with its card; returns the file's path (a SavedModel's folder).

        Args:
            format: "savedmodel", "keras", "litert", "litert-int8" or "onnx".
            out: the folder; by default `export` in the run's own.
            force: write over what is there.
            space: as in `model`.

        Raises:
            UsageError: where the format, the folder or the run's data can't be used, or a library is missing.
            ExportError: where the file disagrees with the Keras model; then it is gone.
        """
        from mnist_tune.api.export import export, make_request

        request = make_request(self.path, [format], out=out, force=force, space=space)
        export(request)
        (wanted,) = request.formats
        return request.folder.path / wanted.file

    def verify(
        self, retrain: int = 0, *, data: str | None = None, space: str | None = None, run_savedmodel: bool = False
    ) -> list[Check]:
        """Check the run against itself, the rules of the program and its data; return a `Check` for each line of the table.

        Args:
            retrain: how many trials are trained again and compared.
            data: where the run's data are now; by default where its options say.
            space: "package.module:Class", where the run's space is somebody's own code that you trust.
            run_savedmodel: compare the answers of the SavedModel too, which is a program that TensorFlow runs.
        """
        from mnist_tune.api.verification import verify_run

        return verify_run(self.path, retrain=retrain, data=data, space=space, run_savedmodel=run_savedmodel)

    def figures(self) -> dict[str, str]:
        """The report's figures: name → SVG."""
        from reports.pages.page import figures

        return figures(self.path)

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r})"

    def _repr_html_(self) -> str:
        from reports.pages.notebook import run_card

        return run_card(self.path)


def load_run(path: str | os.PathLike[str]) -> Run:
    """A run from its folder.

    Raises:
        UsageError: where the folder is not a run's.
    """
    folder = RunFolder(Path(path))
    folder.read_run()
    return Run(folder)
