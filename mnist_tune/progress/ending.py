"""The last lines of a run on the terminal: its result, its page, its model, and the commands that come next."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from mnist_tune.progress.headline import format_headline
from mnist_tune.terminal.encoding import printable_path
from tuner.core.text import escape_unprintable
from tuner.storage.run_folder import RunFolder
from tuner.storage.schema.result import ResultDocument

RESULT = "Result"


def ending_lines(folder: RunFolder, result: ResultDocument) -> Iterator[tuple[str, str]]:
    """Yield a label and its words for each of the last lines; a second command has no label."""
    yield RESULT, escape_unprintable(format_headline(result, folder.read_run()))
    page = folder.path / "report.html"
    if page.exists():
        yield "Page", printable_path(page)
    models = [path for path in (folder.keras_model, folder.saved_model) if path.exists()]
    if models:
        others = "".join(f", and as a SavedModel {printable_path(path)}" for path in models[1:])
        yield "Model", f"{printable_path(models[0])}{others}"
    run = printable_path(shlex.quote(str(folder.path)))
    following = (
        [f"predict {run} IMAGE", f"export {run} --format litert"] if models else [f"report {run} --figures figures"]
    )
    for number, words in enumerate(following):
        yield "" if number else "Next", f"mnist-tune {words}"
