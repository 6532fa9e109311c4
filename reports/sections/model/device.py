"""`device`: the winner on a microcontroller: what 8 bits cost it and where, and what is where in its memory."""

from __future__ import annotations

from reports import formatting as text
from reports.analysis.model.device import (
    NOTABLE_LOSS,
    LayerError,
    Loss,
    MemoryPlan,
    layer_errors,
    loss_of,
    memory_plan,
)
from reports.figures.model.device import error_figure, memory_figure
from reports.run.run_data import RunData
from reports.sections.section import Cell, Column, Figure, Row, Section, Table, number
from tuner.storage.schema.result import ResultDocument


def build(run: RunData) -> Section | None:
    """Return the section; None where the run has kept nothing about a device."""
    plan, errors, loss = memory_plan(run), layer_errors(run), loss_of(run)
    if run.result is None or (plan is None and loss is None):
        return None
    return Section(
        id="device",
        name="On a device",
        part="Model",
        title=_title(run.result, plan, loss),
        how="In the memory figure each rectangle is an activation: as wide as the operations during which it is needed, as high as its bytes, "
        "at its place in the arena of TFLM's interpreter. Those in the accent colour are needed when the arena is fullest. "
        "Beside them the arena holds the interpreter's own structures. "
        + (
            "An int8 network computes with 256 levels a value. The error after an operation is the root mean square of its differences from "
            "the float network, over that of the float values, on the same images; a layer adds what it grows by."
            if errors
            else ""
        ),
        body={
            "accuracies": _accuracies(run.result, loss),
            "where": _where(loss, errors),
            "errors": error_figure_of(errors),
            "memory": _memory_figure(run.result, plan),
        },
    )


def _title(result: ResultDocument, plan: MemoryPlan | None, loss: Loss | None) -> str:
    if loss is not None:
        means = f"{text.percent(loss.int8_mean)}% in 8 bits, {text.percent(loss.float_mean)}% in floats"
        if text.percent(loss.int8_mean) == text.percent(loss.float_mean):
            return f"In 8 bits the winner is as accurate as in floats: {text.percent(loss.int8_mean)}% of validation images"
        verb = "loses" if loss.points > 0 else "gains"
        return f"In 8 bits the winner {verb} {text.points(abs(loss.points)).lstrip('+')} points: {means}, of validation images"
    return _memory_title(result, plan) if plan is not None else "On a device"


def _memory_title(result: ResultDocument, plan: MemoryPlan) -> str:
    place = plan.fullest
    total = "" if result.ram is None else f" of an arena of {text.count(result.ram)}"
    return f"Memory is fullest at {plan.operations[place - 1]}: {text.count(plan.live_bytes(place))} bytes of activations{total}"


def _accuracies(result: ResultDocument, loss: Loss | None) -> Table | None:
    """Return float and int8 accuracy side by side."""
    if loss is None:
        return None
    rows = [_row(f"Validation, {text.plural(loss.seeds, 'seed')}", loss.float_mean, loss.int8_mean)]
    test = result.test
    if test is not None and test.int8 is not None and test.exported_accuracy is not None:
        rows.append(
            Row(
                (
                    Cell(f"Test, {text.count(test.n)} images, the exported model"),
                    number(test.exported_accuracy, text.interval(test.exported_accuracy, test.interval)),
                    number(test.int8.accuracy, text.interval(test.int8.accuracy, test.int8.interval)),
                    _difference(test.exported_accuracy, test.int8.accuracy),
                )
            )
        )
    return Table(
        caption=f"The same models, in floats and in 8 bits.{_chosen(result)}",
        columns=(
            Column("Images", number=False),
            Column("Float", "%"),
            Column("int8", "%"),
            Column("Difference", "points"),
        ),
        rows=rows,
    )


def _chosen(result: ResultDocument) -> str:
    """Return what int8 accuracies decided; "" where nothing was chosen, as of a training."""
    if len(result.finalists) < 2:
        return ""
    return " The winner was chosen by int8 validation accuracy" + (", as the target asks." if result.target else ".")


def _row(name: str, of_floats: float, of_int8: float) -> Row:
    shown = (number(value, text.percent(value)) for value in (of_floats, of_int8))
    return Row((Cell(name), *shown, _difference(of_floats, of_int8)))


def _difference(of_floats: float, of_int8: float) -> Cell:
    return number(of_int8 - of_floats, text.points(of_int8 - of_floats))


def _where(loss: Loss | None, errors: tuple[LayerError, ...]) -> str:
    """Return where a notable loss comes from; "" of a small one."""
    if loss is None or not loss.notable or not errors:
        return ""
    ranked = sorted(errors, key=lambda error: -error.added)[:3]
    named = [f"{error.name} ({100 * error.added:.0f}%)" for error in ranked if error.added > 0]
    return (
        f"8 bits cost more than {100 * NOTABLE_LOSS:g} points. Most of the error comes in at {', '.join(named)}: shares of what the squared "
        "error grows by from layer to layer."
    )


def error_figure_of(errors: tuple[LayerError, ...]) -> Figure | None:
    """Return the figure of the layers' errors; None where none were measured."""
    if not errors:
        return None
    last = errors[-1]
    title = f"The error of 8 bits grows to {100 * max(error.error for error in errors):.2g}% and is {100 * last.error:.2g}% at the end"
    return Figure(error_figure(errors, title), title)


def _memory_figure(result: ResultDocument, plan: MemoryPlan | None) -> Figure | None:
    if plan is None:
        return None
    title = _memory_title(result, plan)
    return Figure(memory_figure(plan, title), title, "Computed from the layers, as TFLM's planner places them.")
