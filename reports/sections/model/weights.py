"""`weights`: the winner's kernels, their statistics and feature maps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from reports import formatting as text
from reports.analysis.model.network import network
from reports.analysis.model.weights import FinalistNorms, LayerWeights, Spread, finalist_norms, layer_weights
from reports.figures import pictures
from reports.figures.model.measures import norm_figure, weight_histogram
from reports.run.run_data import Array, RunData
from reports.sections.model.refit import format_exported
from reports.sections.section import Cell, Column, Figure, Picture, Row, Section, Table, number


@dataclass(frozen=True)
class FeatureStrip:
    """The feature maps of one layer."""

    name: str
    words: str
    picture: Picture


def build(run: RunData) -> Section:
    """Return the section: statistics by layer, kernels and feature maps."""
    layers = layer_weights(run, run.result.exported.trial) if run.result is not None else ()
    norms = finalist_norms(run)
    return Section(
        id="weights",
        name="Weights",
        part="Record",
        title=_title(layers),
        how="Near zero means below 1% of the layer's largest magnitude; a dead filter's norm is below 1% of the layer's median. The vertical "
        "line in a histogram is zero. A layer's norm shrinks with L2 and weight decay and grows with training; it compares where the "
        f"shapes are alike. {_format_colours(run)}",
        body={
            "table": _table(run, layers),
            "parameters": _parameter_table(run),
            "kernels": _kernels(run),
            "kernel_words": _kernel_words(run),
            "example": _example(run),
            "features": _features(run),
            "norms": _norm_figure(norms),
            "norm_table": _norm_table(run, norms),
            "why_none": "" if layers else "The run has kept no weight statistics: they are made of confirmed models.",
            "per_sample": _per_sample(run),
        },
    )


def _title(layers: tuple[LayerWeights, ...]) -> str:
    if not layers:
        return "Weights"
    dead, filters = sum(layer.dead for layer in layers), sum(layer.filters for layer in layers)
    count = text.count(sum(layer.count for layer in layers))
    return (
        f"{dead} of {text.plural(filters, 'filter')} are dead; {count} weights in {text.plural(len(layers), 'kernel')}"
    )


def _table(run: RunData, layers: tuple[LayerWeights, ...]) -> Table | None:
    if not layers:
        return None
    return Table(
        caption=f"Kernels of the exported model{format_exported(run) or ','} first to last.",
        columns=(
            Column("Layer", number=False),
            Column("Shape", number=False),
            Column("Weights"),
            Column("Mean"),
            Column("Standard deviation"),
            Column("L2 norm"),
            Column("Smallest"),
            Column("Largest"),
            Column("Near zero", "%"),
            Column("Dead filters"),
            Column("Histogram", number=False),
        ),
        rows=[_row(place, layer) for place, layer in enumerate(layers)],
    )


def _row(place: int, layer: LayerWeights) -> Row:
    words = f"{layer.name}: weights from {text.signed(layer.smallest)} to {text.signed(layer.largest)}"
    return Row(
        (
            Cell(layer.name, sort=place),
            Cell(layer.shape),
            number(layer.count),
            number(layer.mean, text.signed(layer.mean)),
            number(layer.sd, text.signed(layer.sd)),
            number(layer.norm, text.signed(layer.norm, 2)),
            number(layer.smallest, text.signed(layer.smallest)),
            number(layer.largest, text.signed(layer.largest)),
            number(layer.near_zero, text.percent(layer.near_zero, 1)),
            number(layer.dead, f"{layer.dead} of {layer.filters}"),
            Cell(words, html=weight_histogram(layer, place, words)),
        )
    )


_MOST_FINALISTS = 5
_KERNEL_SIDE = 48
"""The height of a kernel in CSS pixels."""
_WIDEST_MAP = 192
"""The width of a feature map in CSS pixels, at most."""


def _finalist(norms: FinalistNorms) -> str:
    return "winner" if norms.place == 1 else f"finalist {norms.place}"


def _norm_figure(finalists: tuple[FinalistNorms, ...]) -> Figure | None:
    shown = finalists[:_MOST_FINALISTS]
    if not shown or not any(norms.layers for norms in shown):
        return None
    words = "All kernels as one vector: L2 norm " + ", ".join(
        f"{_spread(norms.total, 2)} for {'the ' if norms.place == 1 else ''}{_finalist(norms)}" for norms in shown
    )
    return Figure(norm_figure(shown, [_finalist(norms) for norms in shown], words), words)


def _norm_table(run: RunData, finalists: tuple[FinalistNorms, ...]) -> Table | None:
    """Return the norms by the layer's index, since the networks' layers differ in name."""
    shown = finalists[:_MOST_FINALISTS]
    if not shown:
        return None
    seeds = max(norms.seeds for norms in shown)
    rows = [
        Row((Cell(str(place + 1), sort=place), *(_norm_cell(norms, place) for norms in shown)))
        for place in range(max(len(norms.layers) for norms in shown))
    ]
    return Table(
        caption="L2 norm of each layer's weights"
        + (" in the confirmed models" if format_exported(run) else "")
        + (f", mean ± standard deviation over {text.plural(seeds, 'seed')}." if seeds > 1 else ", one seed."),
        columns=(Column("Layer", number=False), *(Column(_finalist(norms).capitalize()) for norms in shown)),
        rows=[
            *rows,
            Row((Cell("all"), *(number(norms.total.mean, _spread(norms.total, 2)) for norms in shown))),
            Row((Cell("a weight", detail="root mean square"), *(_mean_square(norms) for norms in shown))),
        ],
    )


def _norm_cell(norms: FinalistNorms, place: int) -> Cell:
    if place >= len(norms.layers):
        return Cell(text.MISSING)
    layer = norms.layers[place]
    return Cell(_spread(layer.norm, 2), sort=layer.norm.mean, detail=layer.shape)


def _mean_square(norms: FinalistNorms) -> Cell:
    return number(norms.root_mean_square.mean, _spread(norms.root_mean_square, 4))


def _spread(value: Spread, digits: int) -> str:
    sd = f" ± {text.signed(value.sd, digits)}" if value.sd is not None else ""
    return f"{text.signed(value.mean, digits)}{sd}"


def _parameter_table(run: RunData) -> Table | None:
    net = network(run.result.network) if run.result is not None else None
    if net is None:
        return None
    blocks = [block for block in net.blocks if block.parameters]
    largest = max((block.parameter_share for block in blocks), default=1.0)
    return Table(
        caption="Parameters by layer, with those of the normalisation that follows it.",
        columns=(Column("Layer", number=False), Column("Parameters"), Column("Share", "%"), Column("Multiply-adds")),
        rows=[
            Row(
                (
                    Cell(block.name),
                    number(block.parameters),
                    Cell(
                        text.percent(block.parameter_share, 1),
                        sort=block.parameter_share,
                        bar=round(100 * block.parameter_share / largest, 1),
                    ),
                    number(block.multiply_adds),
                )
            )
            for block in blocks
        ],
    )


def _first_kernels(run: RunData) -> Array | None:
    """Return the kernels (height, width, filters) or (height, width, 3, filters); None where the run kept none."""
    kernels = run.arrays.get("kernels")
    return kernels if kernels is not None and kernels.ndim in (3, 4) else None


def _format_colours(run: RunData) -> str:
    kernels = _first_kernels(run)
    if kernels is not None and kernels.ndim == 4:
        return (
            "A kernel is drawn in the colours that it looks for: mid-grey is zero, lighter is above it, on one scale."
        )
    return "In kernels blue is above zero and orange below, on one scale."


def _kernels(run: RunData) -> list[Picture]:
    kernels = _first_kernels(run)
    if kernels is None:
        return []
    small = pictures.reduced(kernels)
    largest = float(np.nanmax(np.abs(small))) if small.size else 1.0
    draw = pictures.signed if small.ndim == 3 else pictures.colours
    width = round(_KERNEL_SIDE * small.shape[1] / small.shape[0])
    return [
        Picture(draw(small[..., k], largest), f"kernel {k + 1} of the first layer", (str(k + 1),), width)
        for k in range(small.shape[-1])
    ]


def _kernel_words(run: RunData) -> str:
    kernels = _first_kernels(run)
    if kernels is None:
        return ""
    height, width, shown = kernels.shape[0], kernels.shape[1], kernels.shape[-1]
    channels = "×3" if kernels.ndim == 4 else ""
    return f"The first layer: {text.plural(shown, 'kernel')} of {height}×{width}{channels}"


def _example(run: RunData) -> Picture | None:
    image = run.arrays.get("features/example")
    if image is None:
        return None
    size = pictures.shown_size(image.shape)
    return Picture(pictures.photograph(image), "the image behind the feature maps", ("example",), *size)


def _features(run: RunData) -> list[FeatureStrip]:
    names = run.arrays.get("features/names")
    strips = []
    for place, name in enumerate(names if names is not None else ()):
        maps = run.arrays.get(f"features/{place}")
        if maps is None or maps.ndim != 3 or not maps.size:
            continue
        height, width, channels = maps.shape
        words = f"{channels} maps of {height}×{width}"
        each = min(48 * width / height, _WIDEST_MAP)
        picture = Picture(pictures.strip(maps), f"{name}: {words}", (), min(1040, round(channels * each)))
        strips.append(FeatureStrip(str(name), words, picture))
    return strips


def _per_sample(run: RunData) -> str:
    if run.result is None:
        return ""
    images = run.result.exported.images or run.info.data.train
    if not images:
        return ""
    return f"{run.result.parameters / images:.2f} parameters for each of {text.count(images)} training images."
