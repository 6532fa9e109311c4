"""`data`: what the run was trained and measured on."""

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
from tuner.storage.schema.run import DataSet

_MANY = 20
"""Classes: a longer table scrolls."""

_AUGMENTATION = ("augmentation", "rotation", "shift", "scale")


@dataclass(frozen=True)
class Couple:
    """A training image and the same as training saw it."""

    plain: Picture
    augmented: Picture | None


@dataclass(frozen=True)
class ClassRow:
    """The sample images of a class."""

    name: str
    couples: tuple[Couple, ...]


def build(run: RunData) -> Section:
    """Sizes, classes, samples, pixels."""
    data = run.info.data
    pixels = _format_pixel(data)
    return Section(
        id="data",
        name="Data",
        title=_title(data),
        how="The validation images were split off the training set, as many of each class as its share; the test images took no part "
        f"in any choice.{format_held_out(run)}{_format_refit(run)} The pixels are those of the training images before any augmentation, on a logarithmic scale.",
        body={
            "sha256": data.sha256 or text.MISSING,
            "balance": _format_balance(data),
            "many": data.classes > _MANY,
            "classes": _class_table(data),
            "pixels": Figure(pixel_figure(data.pixel_histogram, pixels), pixels) if any(data.pixel_histogram) else None,
            "no_pixels": "" if any(data.pixel_histogram) else "The run has counted no pixels.",
            "samples": _samples(run),
            "sample_head": _sample_head(run),
            "augmentation": _format_augmentation(run),
            "why_none": "" if "images/samples" in run.arrays else "The run has kept no sample images yet.",
        },
    )


def _format_refit(run: RunData) -> str:
    if run.result is None or run.result.refit is None:
        return ""
    return " Once everything was chosen, the winner was trained again on training and validation images together."


def _format_pixel(data: DataSet) -> str:
    moments = ""
    if data.mean is not None and data.sd is not None:
        moments = f"mean {data.mean:.4f}, standard deviation {data.sd:.4f} in [0, 1]"
    total = sum(data.pixel_histogram)
    black = f"{text.percent(data.pixel_histogram[0] / total, 1)}% of the training pixels are 0" if total else ""
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
        plain = Picture(pictures.grey(images[place]), f"training image of class {name}, as it is")
        other = changed[place] if changed is not None else None
        augmented = Picture(pictures.grey(other), f"the same of class {name}, augmented") if other is not None else None
        rows.setdefault(int(label), []).append(Couple(plain, augmented))
    return [ClassRow(run.info.data.class_name(label), tuple(couples)) for label, couples in sorted(rows.items())]


def _augmented(run: RunData) -> Array | None:
    """The samples as training saw them; None where it saw them as they are."""
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
    differ = int((images != changed).any(axis=(1, 2)).sum())
    return f"Left as it is, right augmented as the winner was trained: {differ} of {text.plural(len(images), 'image')} differ.{_settings(run)}"


def _settings(run: RunData) -> str:
    """The winner's own settings of augmentation, where its space names them so."""
    configuration = run.result.configuration if run.result is not None else {}
    shown = [f"{name} {text.setting(configuration[name])}" for name in _AUGMENTATION if name in configuration]
    return f" Its settings: {', '.join(shown)}." if shown else ""
