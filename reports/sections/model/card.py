"""The model card: a description of a run's model, its data, metrics, limits and use (Mitchell et al. 2019).

It appears twice: as Markdown beside exported files (`card_text`), and as a section of the report.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import templates
from reports import formatting as text
from reports.analysis.model.device import memory_plan
from reports.analysis.model.network import network
from reports.analysis.model.robustness import Degradation, degradations
from reports.run.run_data import Exports, RunData
from reports.sections.banners import DIGITS
from reports.sections.folds import has_folds
from reports.sections.model.model_files import Call, calls_of, exported_files, exports_table, format_verified
from reports.sections.model.refit import format_refit, format_seeds
from reports.sections.scores import score_metrics
from reports.sections.search.target import format_chosen
from reports.sections.section import Table
from tuner.storage.schema.data_set import DataSet
from tuner.storage.schema.export import ExportDocument
from tuner.storage.schema.result import ExportedModel, ResultDocument, TestScores

_CLASSES_NAMED = 30
_LICENCES = {
    "mnist": "MNIST: copyright Yann LeCun and Corinna Cortes, made available under CC BY-SA 3.0",
    "fashion_mnist": "Fashion-MNIST: Zalando SE, MIT licence",
    "digits": "Optical Recognition of Handwritten Digits: E. Alpaydin and C. Kaynak, UCI Machine Learning Repository, CC BY 4.0",
}
"""The licences of the data sets that the program knows by name."""


@dataclass(frozen=True)
class Facts:
    """Facts, as names and values, under a heading."""

    head: str
    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Card:
    """A model card."""

    title: str
    warning: str
    """The warning that a reader must see first; "" without one."""
    facts: tuple[Facts, ...]
    limits: tuple[str, ...]
    exported: tuple[Table, ...]
    verified: tuple[str, ...]
    """Sentences on how the exported files were verified."""
    signature: Facts
    calls: tuple[Call, ...]
    licences: tuple[str, ...]
    command: str
    """The command that made the model."""


def card_of(run: RunData, result: ResultDocument, exports: tuple[Exports, ...]) -> Card:
    """Return the card of a run's model and of the files exported from it."""
    files = [file for one in exports for _, file in exported_files(one)]
    return Card(
        title=_title(run, result),
        warning=f"{DIGITS}. Its figures say nothing about MNIST." if run.info.data.is_digits else "",
        facts=(_model(run, result), _data(run.info.data, result.exported), _metrics(run, result)),
        limits=tuple(_limits(run, result)),
        exported=tuple(exports_table(one) for one in exports if one.document.formats),
        verified=tuple(dict.fromkeys(format_verified(file, result) for file in files)),
        signature=_signature(run.info.data),
        calls=calls_of(run, exports),
        licences=_licences(run.info.data),
        command=text.command(run.info.command),
    )


def card_text(run: RunData, document: ExportDocument, command: str) -> str:
    """Return the card as Markdown, for the files of an export.json.

    Args:
        run: the run.
        document: the contents of export.json.
        command: the command that exported the files; "" if it was not a command.

    Raises:
        ValueError: where the run has no result.
    """
    if run.result is None:
        raise ValueError("The card of a model needs a run's result. Expected result.json. Received: none")
    context = {
        "c": card_of(run, run.result, (Exports("", document),)),
        "version": run.info.program.version,
        "export_command": command,
    }
    return templates.render_markdown("model-card.md.j2", context)


def _title(run: RunData, result: ResultDocument) -> str:
    return f"{run.info.space.name} on {run.info.data.name}: {text.count(result.parameters)} parameters"


def _model(run: RunData, result: ResultDocument) -> Facts:
    net = network(result.network)
    rows = [("Kind", f"image classifier, {text.plural(run.info.data.classes, 'class', 'classes')}")]
    rows.append(("Trainable parameters", text.count(result.parameters)))
    if net is not None:
        rows += [
            ("Moving statistics", text.count(net.non_trainable)),
            ("Multiply-adds an image", text.count(net.multiply_adds)),
            ("Largest activation", f"{text.count(net.largest_activation)} values"),
            ("Layers", ", ".join(_block(block.kind, block.shape) for block in net.blocks)),
        ]
    if result.flash is not None:
        rows += [
            ("RAM of the int8 network (bytes, computed)", text.count(result.ram)),
            ("Flash of the int8 network (bytes, computed)", text.count(result.flash)),
        ]
    if plan := memory_plan(run):
        fullest = (
            f"{text.count(plan.live_bytes(plan.fullest))} bytes of activations at {plan.operations[plan.fullest - 1]}"
        )
        rows.append(("RAM is fullest", fullest))
    rows.append(("Trained", f"{text.plural(result.epochs, 'epoch')}, from scratch (trial {result.exported.trial})"))
    if refitted := format_refit(run):
        rows.append(("Refitted", refitted))
    if chosen := format_chosen(run):
        rows.append(("Chosen", chosen))
    return Facts("What it is", tuple(rows))


def _block(kind: str, shape: tuple[int, ...]) -> str:
    return f"{kind.replace('_', ' ')} {text.shape(shape)}"


def _data(data: DataSet, exported: ExportedModel) -> Facts:
    return Facts(
        "Data",
        (
            ("Name", data.name),
            ("sha256", data.sha256 or text.MISSING),
            ("Training images", text.count(data.train)),
            (
                "Validation images",
                f"{text.count(data.validation)}, split off the training set: what was chosen was chosen on them"
                + (", and then this model was trained on them too" if exported.refitted else ""),
            ),
            ("Test images", text.count(data.test)),
            ("Classes", _classes(data)),
        ),
    )


def _classes(data: DataSet) -> str:
    names = [data.class_name(index) for index in range(data.classes)]
    more = f" and {len(names) - _CLASSES_NAMED} more" if len(names) > _CLASSES_NAMED else ""
    return ", ".join(names[:_CLASSES_NAMED]) + more


def _metrics(run: RunData, result: ResultDocument) -> Facts:
    test = _test(result, result.test) if result.test is not None else [("Test", "the test set was not used")]
    validation = result.validation
    return Facts(
        "Metrics",
        (
            *test,
            *score_metrics(run, result),
            (
                f"Validation accuracy (%), {'one seed' if validation.n == 1 else f'mean of {validation.n} seeds'}"
                + (", each with other images to validate" if has_folds(run) else "")
                + (" before the refit" if result.exported.refitted else ""),
                text.spread(validation.mean, validation.sd),
            ),
        ),
    )


def _test(result: ResultDocument, test: TestScores) -> list[tuple[str, str]]:
    named = {"f1": "F1 (macro)", "log_loss": "Log loss", "calibration_error": "Calibration error"}
    return [
        (
            f"Test accuracy (%) of this model on {text.count(test.n)} images [95% interval, Wilson]",
            text.interval(test.exported_accuracy, test.interval),
        ),
        *_seeds_test(result, test),
        *((words, text.loss(getattr(test, name))) for name, words in named.items()),
    ]


def _seeds_test(result: ResultDocument, test: TestScores) -> list[tuple[str, str]]:
    """Return the row of the mean over seeds; none for one seed, whose accuracy is the row above."""
    if len(test.per_seed) == 1:
        return []
    words = f"Test accuracy (%), mean of {format_seeds(result, len(test.per_seed))} of the recipe"
    return [(words, text.spread(test.accuracy, test.sd))]


def _limits(run: RunData, result: ResultDocument) -> Iterator[str]:
    data = run.info.data
    yield _format_taken(data)
    written = data.is_mnist or data.is_digits
    untried = "writers, pens, cameras, languages" if written else "sources, such as other cameras, light or places"
    yield f"It was tried on images of the set that it was trained on. Other {untried}: not tried here."
    yield f"It knows {text.plural(data.classes, 'class', 'classes')} and answers with one of them whatever it sees."
    yield from _seeds(result)
    if result.test is None and not result.exported.refitted:
        chosen = (
            ""
            if run.info.kind == "train"
            else ": the validation accuracy is of images that it was chosen on, so it flatters"
        )
        yield f"It was never evaluated on the test set{chosen}."
    if result.test is None and result.exported.refitted:
        yield (
            "It was never evaluated on the test set, and no figure here is its own: the validation accuracy is of models that were trained "
            "without the validation images and chosen on them, so it flatters."
        )
    worse = degradations(run)
    if worse:
        yield _harms(worse)
    if not worse:
        yield f"Its accuracy under noise, blur, {'brightness' if data.in_colour else 'rotation'} and the like was not measured."


def _has_marks(data: DataSet) -> bool:
    """Return whether the images are bright marks on black, as far as their name tells."""
    return data.is_digits or data.name in _LICENCES


def _format_taken(data: DataSet) -> str:
    images = f"{'×'.join(map(str, data.input_shape[:2]))} {'colour' if data.in_colour else 'grey'} images"
    if _has_marks(data):
        return (
            f"It takes {images} as its data set has them: a mark that is bright on black, centred, of the same size. Anything "
            "else has to be prepared first (mnist-tune predict does that for digits)."
        )
    return (
        f"It takes {images} as its data set has them. Pictures of another size have to be resized as the training images were "
        "(mnist-tune predict does that)."
    )


def _seeds(result: ResultDocument) -> Iterator[str]:
    scores = result.validation.per_seed
    if len(scores) > 1 and text.percent(min(scores)) != text.percent(max(scores)):
        yield (
            f"Another training of the same recipe comes out a little different: {text.percent(min(scores))} to "
            f"{text.percent(max(scores))}% of validation images over {len(scores)} seeds."
        )


def _harms(worse: tuple[Degradation, ...]) -> str:
    left = [
        f"{text.percent(item.accuracy[-1])}% ({item.kind}, {item.levels[-1]:.3g} {item.unit})"
        for item in sorted(worse, key=lambda item: item.accuracy[-1])
    ]
    return f"On corrupted test images its accuracy falls from {text.percent(worse[0].accuracy[0])}%: {'; '.join(left)}."


def _signature(data: DataSet) -> Facts:
    sides = ", ".join(map(str, data.input_shape))
    values = "red, green, blue, each 0 to 255" if data.in_colour else "0 (black) to 255 (white)"
    return Facts(
        "Signature",
        (
            ("Input", f"uint8 (n, {sides}), {values}; the preprocessing is inside"),
            (
                "Output",
                f"float32 (n, {data.classes}), probabilities from 0 to 1 that add up to 1, in the order of the classes",
            ),
        ),
    )


def _licences(data: DataSet) -> tuple[str, ...]:
    key = "digits" if data.is_digits else data.name
    named = _LICENCES.get(key)
    doubt = "" if data.is_digits else ", if the data are what their name says"
    return (
        f"Data: {named}{doubt}." if named else "Data: as their owner says; the program does not know.",
        "Program: mnist-tune, Apache License 2.0.",
        "Weights: whoever trained them decides, within what the licence of the data allows.",
    )
