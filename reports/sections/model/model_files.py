"""A model's exported files as its card shows them: what each is, how it was verified, how it is called."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import templates
from reports import formatting as text
from reports.run.run_data import Exports, RunData
from reports.sections.section import Cell, Column, Row, Table, number
from tuner.storage.schema.export import ExportedFile, Tensor
from tuner.storage.schema.result import ModelFiles, ResultDocument

TITLES = {
    "savedmodel": "SavedModel",
    "keras": "Keras file",
    "litert": "LiteRT",
    "litert-int8": "LiteRT, int8",
    "onnx": "ONNX",
}


@dataclass(frozen=True)
class Call:
    """A use of a file: a program that runs where the file is."""

    title: str
    where: str
    """The folder to run it in."""
    code: str


def exports_table(exports: Exports) -> Table:
    """Return what was exported into one folder, a row a format."""
    return Table(
        caption=f"Exported files in {exports.place}/" if exports.place else "Exported files",
        columns=(
            Column("Format", number=False),
            Column("Size"),
            Column("Largest difference", note="of probabilities, from the Keras model's"),
            Column("Equal classes", "%"),
            Column("Accuracy", "%"),
            Column("One image", "ms"),
            Column("Input", number=False),
            Column("Output", number=False),
        ),
        rows=[_row(name, file) for name, file in exported_files(exports)],
    )


def exported_files(exports: Exports) -> list[tuple[str, ExportedFile]]:
    """Return the name of each format with its file: the known formats first, in their order."""
    known = list(TITLES)
    files = sorted(exports.document.formats.items())
    return sorted(files, key=lambda item: known.index(item[0]) if item[0] in known else len(known))


def _row(name: str, file: ExportedFile) -> Row:
    return Row(
        (
            Cell(TITLES.get(name, name), detail=file.file),
            number(file.size_bytes, text.size(file.size_bytes)),
            number(file.difference, text.short(file.difference)),
            number(file.equal_classes, text.percent(file.equal_classes)),
            number(file.accuracy, text.percent(file.accuracy)),
            number(file.latency_s, text.milliseconds(file.latency_s)),
            Cell(file.signature.input.name, detail=_format_tensor(file.signature.input)),
            Cell(file.signature.output.name, detail=_format_tensor(file.signature.output)),
        )
    )


def _format_tensor(tensor: Tensor) -> str:
    """Type, shape and range of an input or an output."""
    shape = ", ".join("n" if side is None else str(side) for side in tensor.shape)
    step = f", steps of {text.short(tensor.scale)}" if tensor.scale is not None else ""
    return f"{tensor.dtype} ({shape}), {text.short(tensor.range[0])} to {text.short(tensor.range[1])}{step}"


def format_verified(file: ExportedFile, result: ResultDocument) -> str:
    """On what a file was compared with the Keras model."""
    seen = result.refit is not None and file.images.split == "validation"
    beside = "it was trained on them, so that is no measure of it" if seen else "nothing was chosen by them"
    return (
        f"Verified on {text.count(file.images.n)} {file.images.split} images, on which the Keras model's accuracy is "
        f"{text.percent(file.keras_accuracy)}%; {beside}. Time: {file.latency_method}."
    )


def calls_of(run: RunData, exports: tuple[Exports, ...]) -> tuple[Call, ...]:
    """Return how each exported file is called; where there is none, those that the run itself left."""
    exported = [_call_of(name, file, one.place) for one in exports for name, file in exported_files(one)]
    return tuple(exported) if exported else tuple(_own_calls(run))


def _own_calls(run: RunData) -> Iterator[Call]:
    model = run.result.model if run.result is not None else ModelFiles()
    for key, there, file in (("savedmodel", model.savedmodel, "best"), ("keras", model.keras, "best.keras")):
        if there:
            yield Call(TITLES[key], "the run's folder", _code(key, file, None))


def _call_of(name: str, file: ExportedFile, place: str) -> Call:
    code = _code(name, file.file, file.signature.output)
    return Call(TITLES.get(name, name), place or "the folder of the file", code)


def _code(kind: str, file: str, output: Tensor | None) -> str:
    context = {
        "file": file,
        "output": output.name if output is not None else "",
        "scale": output.scale if output is not None else None,
    }
    return templates.render_code(f"call-{kind}.py.j2", context).strip()
