"""`data`: the run's training, validation and test data."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from reports import formatting as text
from reports.figures import pictures
from reports.figures.model.measures import pixel_figure
from reports.run.run_data import Array, RunData
from reports.sections.banners import DIGITS
from reports.sections.folds import format_held_out
from reports.sections.section import Cell, Column, Figure, Picture, Row, Section, Table
from tuner.storage.schema.data_set import DataSet

_MANY = 20
"""The number of classes above which the table scrolls."""

_AUGMENTATION = ("augmentation", "rotation", "shift", "scale", "flip", "brightness", "contrast", "saturation", "colour")
_LEAST_SHOWN = 36
"""The least longer side of a sample in CSS pixels."""


@dataclass(frozen=True)
class Couple:
    """A training image and its augmented form."""

    plain: Picture
    augmented: Picture | None


@dataclass(frozen=True)
class ClassRow:
    """The sample images of a class."""

    name: str
    couples: tuple[Couple, ...]


def build(run: RunData) -> Section:
    """Return the section: sizes, classes, samples, pixels."""
    data = run.info.data
    pixels = _format_pixel(data)
    return Section(
        id="data",
        name="Data",
        part="Record",
        title=_title(data),
        how="The validation images were split off the training set, as many of each class as its share; the test images took no part "
        f"in any choice.{format_held_out(run)}{_format_refit(run)} The pixels are those of the training images before any augmentation, on a logarithmic scale.",
        body={
            "sha256": data.sha256 or text.MISSING,
            "balance": _format_balance(data),
            "many": data.classes > _MANY,
            "classes": _class_table(data),
            "pixels": Figure(pixel_figure(data.pixel_histogram, pixels, in_colour=data.in_colour), pixels)
            if any(data.pixel_histogram)
            else None,
            "no_pixels": "" if any(data.pixel_histogram) else "The run has counted no pixels.",
            "samples": _samples(run),
            "sample_head": _sample_head(run),
            "augmentation": _format_augmentation(run),
            "why_none": "" if "images/samples" in run.arrays else "The run has kept no sample images yet.",
        },
    )


def _format_refit(run: RunData) -> str:
    if run.result is None or not run.result.exported.refitted:
        return ""
    return " Once everything was chosen, the winner was trained again on training and validation images together."


def _format_pixel(data: DataSet) -> str:
    moments = ""
    if data.mean is not None and data.sd is not None:
        moments = f"mean {data.mean:.4f}, standard deviation {data.sd:.4f} in [0, 1]"
    total = sum(data.pixel_histogram)
    values = "values of the training images" if data.in_colour else "training pixels"
    black = f"{text.percent(data.pixel_histogram[0] / total, 1)}% of the {values} are 0" if total else ""
    return "; ".join(words for words in (black, moments) if words) or "Pixels"


def _title(data: DataSet) -> str:
    name = DIGITS if data.is_digits else data.name
    sizes = f"{text.count(data.train)} images to train, {text.count(data.validation)} to choose, {text.count(data.test)} to test"
    return f"{name}: {sizes}"


def _format_balance(data: DataSet) -> str:
    counts = [number for number in data.class_counts.get("train", ()) if number]
    if not counts:
        return ""
    empty = data.classes - len(counts)
    missing = f" {text.plural(empty, 'class has', 'classes have')} no training image." if empty > 0 else ""
    if max(counts) == min(counts):
        return f"{text.plural(data.classes, 'class', 'classes')}, as many training images of each.{missing}"
    ratio = max(counts) / min(counts)
    words = f"{text.plural(data.classes, 'class', 'classes')}; the largest has {ratio:.2f} times the training images of the smallest"
    return f"{words}.{missing}"


def _class_table(data: DataSet) -> Table | None:
    splits = [split for split in ("train", "validation", "test") if data.class_counts.get(split)]
    if not splits:
        return None
    largest = {split: max(data.class_counts[split]) or 1 for split in splits}
    return Table(
        caption="Images of each class.",
        columns=(Column("Class", number=False), *(Column(split.capitalize(), "images") for split in splits)),
        rows=[
            Row(
                (
                    Cell(data.class_name(index), sort=index),
                    *(_count(data.class_counts[split], index, largest[split]) for split in splits),
                )
            )
            for index in range(data.classes)
        ],
    )


def _count(counts: tuple[int, ...], index: int, largest: int) -> Cell:
    value = counts[index] if index < len(counts) else 0
    return Cell(text.count(value), sort=value, bar=round(100 * value / largest, 1))


def _samples(run: RunData) -> list[ClassRow]:
    images, labels = run.arrays.get("images/samples"), run.arrays.get("images/sample_labels")
    if images is None or labels is None:
        return []
    changed = _augmented(run)
    rows: dict[int, list[Couple]] = {}
    for place, label in enumerate(labels):
        name = run.info.data.class_name(int(label))
        size = pictures.small_size(images.shape[1:], _LEAST_SHOWN)
        plain = Picture(pictures.photograph(images[place]), f"training image of class {name}, as it is", (), *size)
        other = changed[place] if changed is not None else None
        augmented = None
        if other is not None:
            augmented = Picture(pictures.photograph(other), f"the same of class {name}, augmented", (), *size)
        rows.setdefault(int(label), []).append(Couple(plain, augmented))
    return [ClassRow(run.info.data.class_name(label), tuple(couples)) for label, couples in sorted(rows.items())]


def _augmented(run: RunData) -> Array | None:
    """Return the augmented samples; None without augmentation."""
    images, changed = run.arrays.get("images/samples"), run.arrays.get("images/augmented")
    if images is None or changed is None or images.shape != changed.shape or np.array_equal(images, changed):
        return None
    return changed


def _sample_head(run: RunData) -> str:
    if _augmented(run) is None:
        return "Training images"
    return "Training images, each beside itself as training saw it"


def _format_augmentation(run: RunData) -> str:
    if "images/samples" not in run.arrays:
        return ""
    if "images/augmented" not in run.arrays:
        return "The run kept no augmented images."
    changed = _augmented(run)
    if changed is None:
        return "The winner was trained without augmentation: on the images as they are."
    images = run.arrays["images/samples"]
    differ = int((images != changed).reshape(len(images), -1).any(axis=1).sum())
    return f"Left as it is, right augmented as the winner was trained: {differ} of {text.plural(len(images), 'image')} differ.{_settings(run)}"


def _settings(run: RunData) -> str:
    """Return the winner's augmentation settings, if its space has hyperparameters of these names."""
    configuration = run.result.configuration if run.result is not None else {}
    shown = [f"{name} {text.setting(configuration[name])}" for name in _AUGMENTATION if name in configuration]
    return f" Its settings: {', '.join(shown)}." if shown else ""
