"""`data`: what the run was trained and measured on."""

from __future__ import annotations

from reports import formatting as text
from reports import pictures
from reports.figures.measures import pixel_figure
from reports.run_data import DataSet, RunData
from reports.sections.banners import DIGITS
from reports.sections.section import Cell, Column, Picture, Row, Section, Table, figure


def build(run: RunData) -> Section:
    """Sizes, classes, samples, pixels."""
    data = run.info.data
    pixels = "Grey values of the training images" + (
        f": mean {data.mean:.4f}, standard deviation {data.sd:.4f} in [0, 1]"
        if data.mean is not None and data.sd is not None
        else ""
    )
    return Section(
        id="data",
        name="Data",
        title=_title(data),
        how="The validation images were split off the training set, as many of each class as its share; the test images took no part in any choice.",
        body={
            "facts": _facts(data),
            "classes": _class_table(data),
            "pixels": figure(pixel_figure(data.pixel_histogram, pixels), pixels) if any(data.pixel_histogram) else None,
            "samples": _samples(run, "images/samples"),
            "augmented": _samples(run, "images/augmented"),
            "why_none": "" if "images/samples" in run.arrays else "The run has kept no sample images yet.",
        },
    )


def _title(data: DataSet) -> str:
    name = DIGITS if data.is_digits else data.name
    sizes = f"{text.count(data.train)} images to train, {text.count(data.validation)} to choose, {text.count(data.test)} to test"
    return f"{name}: {sizes}"


def _facts(data: DataSet) -> list[tuple[str, str]]:
    return [("Classes", text.count(data.classes)), ("sha256", data.sha256 or text.MISSING)]


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


def _samples(run: RunData, key: str) -> list[Picture]:
    images, labels = run.arrays.get(key), run.arrays.get("images/sample_labels")
    if images is None or labels is None:
        return []
    name = run.info.data.class_name
    kind = "augmented" if key.endswith("augmented") else "as it is"
    return [
        Picture(pictures.grey(image), f"training image of class {name(int(label))}, {kind}", (name(int(label)),))
        for image, label in zip(images, labels, strict=True)
    ]
