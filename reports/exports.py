"""export.json, read into frozen dataclasses: what `mnist-tune export` wrote, and how it was verified."""

from __future__ import annotations

from dataclasses import dataclass

from tuner.records import Json

EXPORT_NAME = "export.json"

TITLES = {
    "savedmodel": "SavedModel",
    "keras": "Keras file",
    "litert": "LiteRT",
    "litert-int8": "LiteRT, int8",
    "onnx": "ONNX",
}


@dataclass(frozen=True)
class Tensor:
    """An input or an output of a file."""

    name: str
    dtype: str
    shape: tuple[int | None, ...]
    low: float
    high: float
    scale: float | None
    """Of a quantised output: the probability of one step."""


@dataclass(frozen=True)
class ExportedFile:
    """One format: where it is, and what was measured of it."""

    format: str
    file: str
    """In the folder of exports."""
    size_bytes: int
    difference: float
    """Largest, of probabilities, from the Keras model's."""
    equal_classes: float
    accuracy: float
    keras_accuracy: float
    latency_s: float
    latency_method: str
    split: str
    n: int
    """Images on which it was verified."""
    input: Tensor
    output: Tensor

    @property
    def title(self) -> str:
        """The format's name as a reader knows it."""
        return TITLES.get(self.format, self.format)


@dataclass(frozen=True)
class Exports:
    """A folder of exports."""

    place: str
    """Its name in the run's folder; "" where it is that folder, or elsewhere."""
    files: tuple[ExportedFile, ...]


def read_exports(document: Json, place: str = "") -> Exports:
    """export.json from its parsed text.

    Raises:
        KeyError, TypeError, ValueError: where it is not one.
    """
    return Exports(place, tuple(_file(name, entry) for name, entry in sorted(document["formats"].items(), key=_order)))


def _order(item: tuple[str, Json]) -> int:
    known = list(TITLES)
    return known.index(item[0]) if item[0] in known else len(known)


def _file(name: str, entry: Json) -> ExportedFile:
    return ExportedFile(
        format=name,
        file=str(entry["file"]),
        size_bytes=int(entry["size_bytes"]),
        difference=float(entry["difference"]),
        equal_classes=float(entry["equal_classes"]),
        accuracy=float(entry["accuracy"]),
        keras_accuracy=float(entry["keras_accuracy"]),
        latency_s=float(entry["latency_s"]),
        latency_method=str(entry["latency_method"]),
        split=str(entry["images"]["split"]),
        n=int(entry["images"]["n"]),
        input=_tensor(entry["signature"]["input"]),
        output=_tensor(entry["signature"]["output"]),
    )


def _tensor(item: Json) -> Tensor:
    low, high = item["range"]
    return Tensor(
        name=str(item["name"]),
        dtype=str(item["dtype"]),
        shape=tuple(None if side is None else int(side) for side in item["shape"]),
        low=float(low),
        high=float(high),
        scale=None if item.get("scale") is None else float(item["scale"]),
    )
