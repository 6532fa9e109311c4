"""`mnist-tune export RUN`: a run's model in other formats, with its model card."""

from __future__ import annotations

import json
import os
from argparse import Namespace
from collections.abc import Iterator, Sequence
from pathlib import Path

from mnist_tune.api.export import Request, export, make_request
from mnist_tune.api.export_folder import CARD
from mnist_tune.cli.parser import Parser, make_parser
from mnist_tune.terminal.encoding import printable_path
from mnist_tune.terminal.lines import aligned, write_line
from reports import formatting as text
from tuner.export.formats import FORMATS, FormatName
from tuner.storage.schema.documents import as_json
from tuner.storage.schema.export import ExportDocument, ExportedFile


def make_command_parser() -> Parser:
    """Return the command's parser."""
    *names, last = FORMATS
    parser = make_parser(
        "mnist-tune export",
        "Write a run's model in the formats that other programs load, with a model card. Each file is verified on 1,000 images "
        "against the Keras model.",
        argument_default=None,
        epilog="exit codes: 0 done, 1 a file disagreed or could not be made, 2 wrong usage, 130 interrupted",
    )
    parser.add_argument("run", metavar="RUN", help="the run's folder")
    parser.add_argument(
        "--format",
        dest="formats",
        action="append",
        metavar="NAME",
        help=f"{', '.join(names)} or {last}; repeatable, or a list with commas (default: savedmodel)",
    )
    parser.add_argument("-o", "--out", metavar="DIR", help="the folder (default: export in the run's folder)")
    parser.add_argument(
        "--space",
        metavar="MODULE:CLASS",
        help="the run's space, if its model has custom code: that module is executed",
    )
    parser.add_argument(
        "--data", metavar="SOURCE", help="the run's data, where they have moved (default: the source in run.json)"
    )
    parser.add_argument("--force", action="store_true", help="write over existing files")
    parser.add_argument("--json", action="store_true", help="print export.json")
    return parser


def run(given: Namespace, words: Sequence[str]) -> None:
    """Export, and print a table or export.json.

    Raises:
        UsageError: where the run, a format, the folder or the data can't be used.
        ExportError: where a file can't be written or disagrees with the Keras model; then no file is left.
    """
    # A GPU sums in another order, and is slower for single images.
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
    """Return a table of the formats, and a line on their verification."""
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
    accuracy = text.percent(first.keras_accuracy)
    checked = f"Verified on {images} against the Keras model, whose accuracy on them is {accuracy}%."
    result = request.run.read_result()
    if first.images.split == "validation" and result is not None and result.exported.refitted:
        checked += " It was trained on them (--refit), so that is no measure of it."
    notes = "".join(f"\n{line}" for name, entry in entries.items() for line in _format_notes(name, entry))
    return f"{aligned(rows)}\n{checked}{notes}\nWrote {printable_path(request.folder.path)}, with {CARD}"


def _format_notes(name: FormatName, entry: ExportedFile) -> Iterator[str]:
    """Yield what is known of a C program: the memory of its builds, and whether it equals the int8 file."""
    if entry.c is None:
        return
    if entry.c.equal_reference is None:
        yield f"{FORMATS[name].title} was not compiled: no C compiler (cc, gcc or clang, or the one in CC). The figures are LiteRT's."
    else:
        yield f"{FORMATS[name].title} equals LiteRT's reference kernels bit for bit on {text.percent(entry.c.equal_reference)}% of them."
    for build in entry.c.builds:
        stack = "" if build.stack is None else f", {text.count(build.stack)} of stack"
        yield (
            f"{FORMATS[name].title} for {build.target}: {text.count(build.text + build.data)} bytes of flash, "
            f"{text.count(build.data + build.bss)} of RAM{stack} ({build.compiler}, -Os)."
        )
