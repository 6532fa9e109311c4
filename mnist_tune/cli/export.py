"""`mnist-tune export RUN`: a run's model in the formats that people deploy, with its card."""

from __future__ import annotations

import json
import os
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from mnist_tune.api.export import Request, export, make_request
from mnist_tune.api.export_folder import CARD
from mnist_tune.cli.parser import Parser, make_parser
from mnist_tune.terminal.lines import aligned, write_line
from reports import formatting as text
from tuner.core.text import escape_unprintable
from tuner.export.formats import FORMATS
from tuner.storage.schema.documents import as_json
from tuner.storage.schema.export import ExportDocument


def make_command_parser() -> Parser:
    """Return the command's parser."""
    parser = make_parser(
        "mnist-tune export",
        "Write a run's model in the formats that other programs load, each verified on 1,000 images against the Keras model, "
        "and a model card beside them.",
        argument_default=None,
        epilog="exit codes: 0 done, 1 a file disagreed or could not be made, 2 wrong usage, 130 interrupted",
    )
    parser.add_argument("run", metavar="RUN", help="the run's folder")
    parser.add_argument(
        "--format",
        dest="formats",
        action="append",
        metavar="NAME",
        help="savedmodel, keras, litert, litert-int8 or onnx; several times, or a list with commas (default: savedmodel)",
    )
    parser.add_argument("-o", "--out", metavar="DIR", help="where to (default: export in the run's folder)")
    parser.add_argument(
        "--space",
        metavar="MODULE:CLASS",
        help="the run's own space, where its model has code of yours: naming it runs that module",
    )
    parser.add_argument("--data", metavar="SOURCE", help="where the run's data are now (default: where they were)")
    parser.add_argument("--force", action="store_true", help="write over files that are there")
    parser.add_argument("--json", action="store_true", help="print export.json")
    return parser


def run(given: Namespace, words: Sequence[str]) -> None:
    """Export, and print what came of it.

    Raises:
        UsageError: where the run, a format, the folder or the data can't be used; before Keras is imported where it can be.
        ExportError: where a file can't be written or disagrees; then nothing is left.
    """
    # A GPU's kernels add up in another order, and single images are slower there.
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
    request = make_request(
        Path(given.run),
        given.formats or [],
        out=given.out,
        force=given.force,
        data=given.data,
        space=given.space,
        command=["mnist-tune", "export", *words],
    )
    document = export(request)
    write_line(json.dumps(as_json(document), indent=1) if given.json else format_exports(request, document))


def format_exports(request: Request, document: ExportDocument) -> str:
    """Return a line a format, and how the files were verified."""
    rows = [("format", "file", "size", "difference", "equal classes (%)", "accuracy (%)", "one image (ms)")]
    entries = {one.name: document.formats[one.name] for one in request.formats}
    for name, entry in entries.items():
        rows.append(
            (
                FORMATS[name].title,
                entry.file,
                text.size(entry.size_bytes),
                text.short(entry.difference),
                text.percent(entry.equal_classes),
                text.percent(entry.accuracy),
                text.milliseconds(entry.latency_s),
            )
        )
    first = next(iter(entries.values()))
    images = f"{first.images.n:,} {first.images.split} images"
    checked = f"Verified on {images} against the Keras model, whose accuracy on them is {text.percent(first.keras_accuracy)}%."
    result = request.run.read_result()
    if first.images.split == "validation" and result is not None and result.refit:
        checked += " It was trained on them (--refit), so that is no measure of it."
    return f"{aligned(rows)}\n{checked}\nWrote {escape_unprintable(str(request.folder.path))}, with {CARD}"
