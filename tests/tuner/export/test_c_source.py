"""The C program of networks made by hand against the same arithmetic in numpy; its plan of buffers; what it refuses."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from markdown_it import MarkdownIt
from numpy.typing import NDArray

from tests.kit.paths import ROOT
from tests.tuner.export.c_programs import answers, needs_compiler
from tuner.export.c_source import compiler, lowering
from tuner.export.c_source.buffers import Plan, plan_buffers
from tuner.export.c_source.c_files import write_network
from tuner.export.c_source.fixed_point import mean_factor, quantise_factor, softmax_factor
from tuner.export.c_source.graph import Graph, Operation, Tensor
from tuner.export.c_source.stages import Kind, Layer, Map, Mean, Network, Stage, Weights
from tuner.export.c_source.tables import compose, is_identity, is_monotone
from tuner.export.formats import ExportError

Bytes = NDArray[np.int64]


# Networks made by hand


def layer(rng: np.random.Generator, kind: Kind, side: int, inputs: int, outputs: int, *, table: int = 0) -> Layer:
    """A layer with random numbers. `table`: 0 none, 1 one, 2 one a channel."""
    shape = (outputs, side, side, inputs) if kind == "conv" else (side, side, outputs)
    weights = None
    if kind in ("conv", "depthwise"):
        weights = Weights(
            rng.integers(-128, 128, shape).astype(np.int8),
            rng.integers(-20000, 20000, outputs).astype(np.int32) if side > 1 else None,
            rng.integers(2**30, 2**31, outputs).astype(np.int32),
            rng.integers(-9, -6, outputs).astype(np.int8),
        )
    zeros = rng.integers(0, 256, 2)
    size = {0: None, 1: 256, 2: (outputs, 256)}[table]
    values = None if size is None else rng.integers(0, 256, size).astype(np.uint8)
    return Layer(
        kind,
        (side, side),
        inputs,
        outputs,
        weights,
        int(zeros[0]),
        int(zeros[1]),
        5,
        250,
        values,
        bool(rng.integers(2)),
    )


def network(stages: list[Stage]) -> Network:
    return Network(tuple(stages), 0.1, 0, None, np.arange(256).astype(np.uint8)[::-1])


def scaled(x: NDArray[Any], multiplier: NDArray[Any], shift: NDArray[Any], once: bool) -> Bytes:
    """x · multiplier / 2^31 · 2^shift in exact numbers: halves up with one rounding, away from zero in the second of two."""
    product = x.astype(object) * multiplier.astype(object)
    down = np.array(-shift.astype(int), object)
    if once:
        return np.asarray((product + 2 ** (30 + down)) // 2 ** (31 + down), np.int64)
    high = (product + 2**30) // 2**31
    return np.asarray((2 * abs(high) + 2**down) // (2 * 2**down) * np.where(high < 0, -1, 1), np.int64)


def apply(part: Layer, window: Bytes, inside: NDArray[np.bool_]) -> Bytes:
    """One position: window (kh, kw, inputs), and which of it lies inside the map."""
    if part.weights is None:
        values = window[inside]
        if part.kind == "max":
            given = values.max(axis=0)
        else:
            mean = (values - 128).sum(axis=0) / len(values)
            given = (np.sign(mean) * np.floor(abs(mean) + 0.5)).astype(np.int64) + 128
    else:
        centred = np.where(inside[..., None], window - part.input_zero, 0)
        kernel = part.weights.kernel.astype(np.int64)
        if part.kind == "conv":
            sums = np.einsum("yxi,oyxi->o", centred, kernel)
        else:
            sums = np.einsum("yxo,yxo->o", np.repeat(centred, part.outputs // part.inputs, axis=2), kernel)
        sums = sums if part.weights.bias is None else sums + part.weights.bias
        given = scaled(sums, part.weights.multipliers, part.weights.shifts, part.rounds_once) + part.output_zero
    return looked_up(part, np.clip(given, part.lowest, part.highest))


def looked_up(part: Layer, given: Bytes) -> Bytes:
    if part.table is None:
        return given
    values = part.table[given] if part.table.ndim == 1 else part.table[np.arange(part.outputs), given]
    return np.asarray(values, np.int64)


def computed(stage: Stage, source: Bytes) -> Bytes:
    """A stage's output, whole."""
    source = source.reshape(stage.input)
    if stage.mean is not None:
        sums = (source - stage.mean.input_zero).sum(axis=(0, 1))
        factor = np.array([stage.mean.multiplier]), np.array([stage.mean.shift])
        given = scaled(sums, *factor, once=False) + stage.mean.output_zero
        return looked_up(stage.layer, np.clip(given, stage.layer.lowest, stage.layer.highest))[None, None]
    rows, columns = (stage.output[axis] * stage.pool[axis] for axis in range(2))
    results = np.zeros((rows, columns, stage.output[2]), np.int64)
    for row, column in np.ndindex(rows, columns):
        ys = np.arange(stage.layer.kernel[0]) + row * stage.stride[0] - stage.padding[0]
        xs = np.arange(stage.layer.kernel[1]) + column * stage.stride[1] - stage.padding[1]
        inside = ((ys >= 0) & (ys < stage.input[0]))[:, None] & ((xs >= 0) & (xs < stage.input[1]))
        window = source[np.clip(ys, 0, stage.input[0] - 1)][:, np.clip(xs, 0, stage.input[1] - 1)]
        value = apply(stage.layer, window, inside)
        for part in stage.pointwise:
            value = apply(part, value[None, None], np.ones((1, 1), bool))
        results[row, column] = value
    height, width = stage.pool
    maxima: Bytes = results.reshape(rows // height, height, columns // width, width, -1).max(axis=(1, 3))
    return maxima


def mean_stage(shape: Map) -> Stage:
    return Stage(
        shape, (1, 1, shape[2]), Layer("average", shape[:2], shape[2], shape[2]),
        mean=Mean(*mean_factor(1.3, shape[0] * shape[1]), 100, 40), whole=False,
    )  # fmt: skip


def convolutional(rng: np.random.Generator) -> list[Stage]:
    """ "Same" padding, a depthwise kernel with a 1×1, a maximum, a stride, two tables, a mean, a dense layer."""
    return [
        Stage((12, 11, 1), (12, 11, 4), layer(rng, "conv", 3, 1, 4, table=1), padding=(1, 1)),
        Stage(
            (12, 11, 4), (5, 4, 6), layer(rng, "depthwise", 3, 4, 8), pointwise=(layer(rng, "conv", 1, 8, 6, table=2),),
            pool=(2, 2),
        ),
        Stage((5, 4, 6), (3, 2, 3), layer(rng, "conv", 3, 6, 3), stride=(2, 2), padding=(1, 1)),
        mean_stage((3, 2, 3)),
        Stage((1, 1, 3), (1, 1, 5), layer(rng, "conv", 1, 3, 5), whole=True),
    ]  # fmt: skip


def pooled(rng: np.random.Generator) -> list[Stage]:
    """A crop of a colour image, means, maxima with overlap, and a dense layer on the whole map."""
    return [
        Stage((9, 9, 3), (7, 7, 3), layer(rng, "max", 1, 3, 3), padding=(-1, -1)),
        Stage((7, 7, 3), (4, 4, 3), layer(rng, "average", 2, 3, 3), stride=(2, 2), padding=(1, 1)),
        Stage((4, 4, 3), (2, 2, 3), layer(rng, "max", 2, 3, 3), stride=(2, 2), pool=(1, 1)),
        Stage(
            (1, 1, 12), (1, 1, 4), layer(rng, "conv", 1, 12, 7), pointwise=(layer(rng, "conv", 1, 7, 4),), whole=True
        ),
    ]


def deep(rng: np.random.Generator) -> list[Stage]:
    """Layers that are best kept whole in the middle."""
    wide = [Stage((8, 8, 1), (8, 8, 2), layer(rng, "conv", 3, 1, 2), padding=(1, 1))]
    wide += [Stage((8, 8, 2), (8, 8, 2), layer(rng, "conv", 5, 2, 2), padding=(2, 2)) for _ in range(4)]
    return [*wide, Stage((8, 8, 2), (1, 1, 3), layer(rng, "conv", 8, 2, 3))]


BUILDERS = {"convolutional": convolutional, "pooled": pooled, "deep": deep}


@needs_compiler
@pytest.mark.parametrize("name", BUILDERS)
def test_the_program_computes_what_numpy_computes(name: str, tmp_path: Path) -> None:
    """Under the sanitizers of addresses and of undefined behaviour."""
    rng = np.random.default_rng(3)
    made = network(BUILDERS[name](rng))
    image = made.stages[0].input
    shape = image if image[2] > 1 else image[:2]
    write_network(made, tmp_path / "c", shape, b"")
    images = rng.integers(0, 256, (6, *shape), dtype=np.uint8)
    classes, scores, probabilities = answers(tmp_path / "c", images)
    expected = []
    for image in images:
        values = image.astype(np.int64)
        for stage in made.stages:
            values = computed(stage, values)
        expected.append(values.ravel())
    np.testing.assert_array_equal(scores + 128, expected)
    np.testing.assert_array_equal(classes, np.argmax(expected, axis=1))
    np.testing.assert_array_equal(probabilities, 255 - np.array(expected))


@needs_compiler
def test_the_guide_s_program_compiles(tmp_path: Path) -> None:
    guide = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
    (program,) = [token.content for token in MarkdownIt().parse(guide) if token.type == "fence" and token.info == "c"]
    write_network(network(deep(np.random.default_rng(1))), tmp_path, (8, 8), b"")
    (tmp_path / "main.c").write_text(program)
    subprocess.run([*(compiler.find_compiler() or ()), *compiler.WARNINGS, "-c", "main.c"], cwd=tmp_path, check=True)


# The plan of buffers


def spans(stages: list[Stage], plan: Plan) -> list[tuple[int, int, int, int]]:
    """Of each buffer its first byte, the byte after its last, and the first and last stage that need it."""
    firsts = [0, *(end + 1 for end in plan.ends)]
    found = []
    for number, (stage, buffer) in enumerate(zip(stages, plan.buffers, strict=True)):
        size = buffer.rows * stage.output[1] * stage.output[2]
        segment = sum(end < number for end in plan.ends)
        last = plan.ends[min(segment + (number == plan.ends[segment]), len(plan.ends) - 1)]
        found.append((buffer.offset, buffer.offset + size, firsts[segment], last))
    return found


@pytest.mark.parametrize("seed", range(40))
def test_buffers_that_are_needed_at_once_do_not_overlap(seed: int) -> None:
    rng = np.random.default_rng(seed)
    shape: Map = (16, 16, 1)
    stages = []
    for _ in range(int(rng.integers(1, 9))):
        side, channels = int(rng.integers(1, min(4, shape[0] + 1))), int(rng.integers(1, 9))
        output = (shape[0] - side + 1, shape[1] - side + 1, channels)
        stages.append(Stage(shape, output, layer(rng, "conv", side, shape[2], channels), whole=rng.random() < 0.1))
        shape = output
    plan = plan_buffers(stages)
    found = spans(stages, plan)
    assert all(0 <= start <= end <= plan.size_bytes for start, end, *_ in found)
    assert any(end == plan.size_bytes for _, end, *_ in found)
    for at, (start, end, first, last) in enumerate(found):
        for other_start, other_end, other_first, other_last in found[:at]:
            alive_together = first <= other_last and other_first <= last
            assert not alive_together or end <= other_start or other_end <= start
    assert plan.size_bytes <= sum(np.prod(stage.output) for stage in stages)


def test_a_chain_is_kept_in_rings_or_whole_whichever_is_less() -> None:
    rng = np.random.default_rng(1)
    stages = convolutional(rng)
    # Three rows of 11×4, three of 4×6, one of 2×3 and the means; the scores lie where the rows were.
    assert plan_buffers(stages).size_bytes == 3 * 11 * 4 + 3 * 4 * 6 + 2 * 3 + 3
    # Rings of five rows for each of five maps are more than two whole maps and what is between.
    plan = plan_buffers(deep(rng))
    assert len(plan.ends) > 1
    assert plan.size_bytes < 4 * 5 * 16 + 8 * 16 + 3


# Numbers


@pytest.mark.parametrize(
    ("factor", "expected"), [(0.5, (2**30, 0)), (1.0, (2**30, 1)), (0.75, (3 * 2**29, 0)), (0.0, (0, 0)), (1e-12, (0, 0)),
                             (1 - 2**-40, (2**30, 1))]
)  # fmt: skip
def test_a_factor_is_a_multiplier_and_a_shift(factor: float, expected: tuple[int, int]) -> None:
    assert quantise_factor(factor) == expected


def test_the_factors_of_means_and_softmax() -> None:
    multiplier, shift = mean_factor(1.0, 49)
    assert multiplier * 2.0**shift / 2**31 == pytest.approx(1 / 49, rel=1e-8)
    multiplier, shift, least = softmax_factor(1.0, 0.1)
    assert multiplier * 2.0 ** (shift - 31) == pytest.approx(0.1 * 2**26)
    assert least == -248


def test_tables_are_composed() -> None:
    once, twice = np.roll(np.arange(256), 1).astype(np.uint8), np.roll(np.arange(256), 2).astype(np.uint8)
    np.testing.assert_array_equal(compose(once, once), twice)
    np.testing.assert_array_equal(compose(None, once), once)
    channels = np.stack([once, twice])
    np.testing.assert_array_equal(compose(channels, once)[0], twice)
    np.testing.assert_array_equal(compose(once, channels), np.stack([once[once], twice[once]]))
    assert is_identity(np.arange(256).astype(np.uint8))
    assert not is_identity(once)
    assert is_monotone(np.sort(once))
    assert not is_monotone(once)


# What is refused


def graph_of(kind: str, *inputs: int) -> Graph:
    activation = Tensor((1, 4, 4, 1), "int8", np.array([1], np.float32), (0,), None)
    return Graph((activation,) * 3, (Operation(kind, inputs or (0,), 1, None),), 0, 1)


def test_an_operation_that_c_lacks_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lowering, "read_graph", lambda content: graph_of("UNIDIRECTIONAL_SEQUENCE_LSTM"))
    with pytest.raises(
        ExportError, match=r"^--format c has no UNIDIRECTIONAL_SEQUENCE_LSTM\. Expected .*CONV_2D.* litert-int8"
    ):
        lowering.lower(b"")


def test_branches_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lowering, "read_graph", lambda content: graph_of("ADD", 0, 2))
    with pytest.raises(ExportError, match=r"layers that follow one another\. Received: branches"):
        lowering.lower(b"")
