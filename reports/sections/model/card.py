"""The model card: a description of a run's model, its data, metrics, limits and use (Mitchell et al. 2019). Words only.

It appears twice: as Markdown beside exported files (`card_text`), and as a section of the report.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import templates
from reports import formatting as text
from reports.analysis.model.network import network
from reports.analysis.model.robustness import Degradation, degradations
from reports.run.run_data import Exports, RunData
from reports.sections.banners import DIGITS
from reports.sections.folds import has_folds
from reports.sections.model.model_files import Call, calls_of, exported_files, exports_table, format_verified
from reports.sections.model.refit import format_refit, format_seeds
from reports.sections.search.target import format_chosen
from reports.sections.section import Table
from tuner.storage.schema.export import ExportDocument
from tuner.storage.schema.result import Refit, ResultDocument, TestScores
from tuner.storage.schema.run import DataSet

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
        facts=(_model(run, result), _data(run.info.data, result.refit), _metrics(run, result)),
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
    rows.append(("Trained", f"{text.plural(result.epochs, 'epoch')}, from scratch (trial {result.exported})"))
    if refitted := format_refit(run):
        rows.append(("Refitted", refitted))
    if chosen := format_chosen(run):
        rows.append(("Chosen", chosen))
    return Facts("What it is", tuple(rows))


def _block(kind: str, shape: tuple[int, ...]) -> str:
    return f"{kind.replace('_', ' ')} {text.shape(shape)}"


def _data(data: DataSet, refit: Refit | None) -> Facts:
    return Facts(
        "Data",
        (
            ("Name", data.name),
            ("sha256", data.sha256 or text.MISSING),
            ("Training images", text.count(data.train)),
            (
                "Validation images",
                f"{text.count(data.validation)}, split off the training set: what was chosen was chosen on them"
                + (", and then this model was trained on them too" if refit is not None else ""),
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
    test = _test(result, result.test) if result.test is not None else [("Test", "the test set was left alone")]
    validation = result.validation
    return Facts(
        "Metrics",
        (
            *test,
            (
                f"Validation accuracy (%), mean of {text.plural(validation.n, 'seed')}"
                + (", each with other images to validate" if has_folds(run) else "")
                + (" before the refit" if result.refit is not None else ""),
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
        (
            f"Test accuracy (%), mean of {format_seeds(result, len(test.per_seed))} of the recipe",
            text.spread(test.accuracy, test.sd),
        ),
        *((words, text.loss(getattr(test, name))) for name, words in named.items()),
    ]


def _limits(run: RunData, result: ResultDocument) -> Iterator[str]:
    data = run.info.data
    yield (
        "It takes 28×28 grey images as its data set has them: a mark that is bright on black, centred, of the same size. Anything "
        "else has to be prepared first (mnist-tune predict does that for digits)."
    )
    yield (
        "It was tried on images of the set that it was trained on. Other writers, pens, cameras, languages: not tried here."
    )
    yield f"It knows {text.plural(data.classes, 'class', 'classes')} and answers with one of them whatever it sees."
    yield from _seeds(result)
    if result.test is None and result.refit is None:
        chosen = (
            ""
            if run.info.kind == "train"
            else ": the validation accuracy is of images that it was chosen on, so it flatters"
        )
        yield f"It never met the test set{chosen}."
    if result.test is None and result.refit is not None:
        yield (
            "It never met the test set, and no figure here is its own: the validation accuracy is of models that were trained "
            "without the validation images and chosen on them, so it flatters."
        )
    worse = degradations(run)
    if worse:
        yield _harms(worse)
    if not worse:
        yield "How it bears noise, blur, rotation and the like was not measured."


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
    return f"Test images made worse leave of {text.percent(worse[0].accuracy[0])}%: {'; '.join(left)}."


def _signature(data: DataSet) -> Facts:
    return Facts(
        "Signature",
        (
            ("Input", "uint8 (n, 28, 28), 0 (black) to 255 (white); the preprocessing is inside"),
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
