"""A model's exported files on its card: format, verification and use of each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import templates
from reports import formatting as text
from reports.run.run_data import Exports, RunData
from reports.sections.section import Cell, Column, Row, Table, number
from tuner.storage.schema.data_set import DataSet
from tuner.storage.schema.export import ExportedFile, Tensor
from tuner.storage.schema.result import ModelFiles, ResultDocument

TITLES = {
    "savedmodel": "SavedModel",
    "keras": "Keras file",
    "litert": "LiteRT",
    "litert-int8": "LiteRT, int8",
    "c": "C",
    "onnx": "ONNX",
}
"""The titles of the formats that have an example program, `call-….j2`. Another one, of another version, goes by its name."""


@dataclass(frozen=True)
class Call:
    """An example program that uses a file, run in the file's folder."""

    title: str
    where: str
    """The folder to run it in."""
    code: str
    language: str = "python"


def exports_table(exports: Exports) -> Table:
    """Return a table of the files exported into one folder, one row for each format."""
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
    """Return type, shape and range of an input or an output."""
    shape = ", ".join("n" if side is None else str(side) for side in tensor.shape)
    step = f", steps of {text.short(tensor.scale)}" if tensor.scale is not None else ""
    return f"{tensor.dtype} ({shape}), {text.short(tensor.range[0])} to {text.short(tensor.range[1])}{step}"


def format_verified(file: ExportedFile, result: ResultDocument) -> str:
    """Return the comparison of a file with the Keras model."""
    seen = result.exported.refitted and file.images.split == "validation"
    beside = "it was trained on them, so that is no measure of it" if seen else "nothing was chosen by them"
    return (
        f"Verified on {text.count(file.images.n)} {file.images.split} images, on which the Keras model's accuracy is "
        f"{text.percent(file.keras_accuracy)}%; {beside}. Time: {file.latency_method}."
    )


def calls_of(run: RunData, exports: tuple[Exports, ...]) -> tuple[Call, ...]:
    """Return example programs for the exported files; without any, for the files that the run itself wrote."""
    files = [(name, file, one.place) for one in exports for name, file in exported_files(one)]
    exported = [_call_of(run.info.data, *file) for file in files if file[0] in TITLES]
    return tuple(exported) if files else tuple(_calls_of_run_files(run))


def _calls_of_run_files(run: RunData) -> Iterator[Call]:
    model = run.result.model if run.result is not None else ModelFiles()
    for key, there, file in (("savedmodel", model.savedmodel, "best"), ("keras", model.keras, "best.keras")):
        if there:
            yield Call(TITLES[key], "the run's folder", _code(run.info.data, key, file, None))


def _call_of(data: DataSet, name: str, file: ExportedFile, place: str) -> Call:
    code = _code(data, name, file.file, file.signature.output)
    where = place or "the folder of the file"
    if name == "c":
        return Call(TITLES[name], f"{where}/{file.file}", code, language="c")
    return Call(TITLES[name], where, code)


def _code(data: DataSet, kind: str, file: str, output: Tensor | None) -> str:
    context = {
        "sides": ", ".join(map(str, data.input_shape)),
        "values": _format_values(data),
        "file": file,
        "output": output.name if output is not None else "",
        "scale": output.scale if output is not None else None,
    }
    return templates.render_code(f"call-{kind}.{'c' if kind == 'c' else 'py'}.j2", context).strip()


def _format_values(data: DataSet) -> str:
    if data.in_colour:
        return "red, green, blue from 0 to 255"
    ink = ", ink bright on black" if data.is_mnist or data.is_digits else ""
    return f"0 (black) to 255 (white){ink}"
