"""`Run`: a run on disk, from Python."""

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
    """A run on disk: its winner, trials, model and page.

    A notebook displays its headline and its best configurations.
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
            raise MnistTuneError(f"This run has no winner yet. Resume it: mnist-tune --out {self.path} --resume")
        return as_json(result)

    @property
    def info(self) -> Json:
        """The options, the program and the machine of the run, as in run.json."""
        return as_json(self._folder.read_run())

    def trials(self) -> pd.DataFrame:
        """Return the finished trials as rows, best first within a phase; hyperparameters are columns `hp.<name>`."""
        from reports.pages.trials_csv import trials_frame

        return trials_frame(self.path)

    def model(self, space: str | None = None) -> Any:
        """Load the exported model as a Keras model (untyped): uint8 images (n, h, w) or (n, h, w, 3) to probabilities.

        Args:
            space: the run's own space, `module:Class`, where its model has code of yours: naming it runs that module.

        Raises:
            UsageError: where the model has code of yours and `space` is not given.
        """
        self.best  # noqa: B018 - raises where there is no winner
        validate_environment()
        if uses_named_code(self._folder, space):
            from tuner.export.run_model import load_named_model

            return load_named_model(self._folder)
        find_model(self._folder.keras_model)
        import keras

        return keras.models.load_model(self._folder.keras_model, safe_mode=True)

    def report(self) -> Path:
        """Render report.html again and return its path."""
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
        """Write the model in a format, verified, with its card; return the file's path (a SavedModel's folder).

        Args:
            format: one of `tuner.export.formats.FORMATS`, such as "savedmodel" or "onnx".
            out: the folder; by default `export` in the run's folder.
            force: write over what is there.
            space: as in `model`.

        Raises:
            UsageError: where the format, the folder or the run's data can't be used, or a library is missing.
            ExportError: where the file disagrees with the Keras model; the file is removed.
        """
        from mnist_tune.api.export import export, make_request

        request = make_request(self.path, [format], out=out, force=force, space=space)
        export(request)
        (wanted,) = request.formats
        return request.folder.path / wanted.file

    def verify(
        self, retrain: int = 0, *, data: str | None = None, space: str | None = None, run_savedmodel: bool = False
    ) -> list[Check]:
        """Check the run's files against each other, the rules and the data; return the `Check`s.

        Args:
            retrain: how many trials are trained again and compared.
            data: the present source of the run's data; by default the source in its options.
            space: "package.module:Class", where the run's space is code that you trust.
            run_savedmodel: compare the answers of the SavedModel too, which is a program that TensorFlow runs.
        """
        from mnist_tune.api.verification import verify_run

        return verify_run(self.path, retrain=retrain, data=data, space=space, run_savedmodel=run_savedmodel)

    def figures(self) -> dict[str, str]:
        """Return the report's figures: name → SVG."""
        from reports.pages.page import figures

        return figures(self.path)

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r})"

    def _repr_html_(self) -> str:
        from reports.pages.notebook import run_card

        return run_card(self.path)


def load_run(path: str | os.PathLike[str]) -> Run:
    """Load a run from its folder.

    Raises:
        UsageError: where the folder is not a run's.
    """
    folder = RunFolder(Path(path))
    folder.read_run()
    return Run(folder)
