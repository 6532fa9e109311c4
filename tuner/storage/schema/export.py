"""export.json: what `mnist-tune export` wrote, and how it was verified."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from msgspec import Meta

from tuner.core.records import SCHEMA
from tuner.storage.schema.fields import Count, Fraction, Interval, Part, Positive, Real, Text, Texts, written
from tuner.storage.schema.run import Program

EXPORT_NAME = "export.json"
Split: TypeAlias = Literal["test", "validation"]


class Tensor(Part, frozen=True):
    """An input or an output of a file."""

    name: Text
    dtype: Text
    shape: Annotated[tuple[Count | None, ...], Meta(max_length=8)]
    """None: any number."""
    range: Interval
    """Smallest and largest value that has a meaning."""
    scale: Real | None = written(None)
    """The probability of one step of a quantised output."""


class Signature(Part, frozen=True):
    """The signature of a file."""

    input: Tensor
    output: Tensor


class VerifiedImages(Part, frozen=True, kw_only=True):
    """The images on which a file was verified."""

    split: Split
    n: Count


class Tolerance(Part, frozen=True):
    """The tolerance of a file against the Keras model on the same images."""

    difference: Real | None
    """The largest difference of any probability; None where they are rounded by design."""
    equal_classes: Fraction = written(0.0)
    """Least fraction of images with the same class."""
    accuracy_loss: Fraction | None = written(None)
    """The most that the accuracy may drop."""


class CBuild(Part, frozen=True, kw_only=True):
    """The bytes of the compiled C program, compiled to be small; it has no main."""

    target: Text
    compiler: Text
    text: Count
    """Code, weights and tables."""
    data: Count
    bss: Count
    stack: Count | None
    """At most, of a prediction; None where the compiler doesn't say."""


class CProgram(Part, frozen=True, kw_only=True):
    """Further figures of a C program."""

    builds: Annotated[tuple[CBuild, ...], Meta(max_length=8)]
    """None where no C compiler is there: then the program was not run."""
    equal_reference: Fraction | None = written(None)
    """Fraction of images with the same probabilities, bit for bit, as LiteRT's reference kernels; None: not run."""


class ExportedFile(Part, frozen=True, kw_only=True):
    """One format: where it is, and what was measured of it."""

    file: Text
    """The path within the folder of exports."""
    size_bytes: Count
    difference: Positive
    """Largest, of probabilities, from the Keras model's."""
    equal_classes: Fraction
    accuracy: Fraction
    keras_accuracy: Fraction
    latency_s: Positive
    signature: Signature
    images: VerifiedImages
    tolerance: Tolerance | None = None
    c: CProgram | None = None
    latency_method: Text
    versions: Annotated[dict[Text, Text], Meta(max_length=1000)] | None = None
    written: Text | None = None


class ExportDocument(Part, frozen=True, kw_only=True):
    """export.json."""

    schema: Literal[1] = written(SCHEMA)
    run: Text | None = None
    trial: Text | None = None
    program: Program | None = None
    command: Texts | None = None
    model_sha256: Text | None = None
    formats: Annotated[dict[Text, ExportedFile], Meta(max_length=1000)]
    card_sha256: Text | None = None
