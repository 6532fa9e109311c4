"""Tables of a search space's hyperparameters and references, as wide as the terminal; words stay whole from 80 columns on."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from mnist_tune.terminal.encoding import encodable
from search_spaces.families.describe import SpaceDescription
from search_spaces.families.references import Reference
from search_spaces.hyperparameters.hyperparameter import Condition, Hyperparameter, Value

_GAP = 2
"""Columns between two cells."""
_INDENT = 4
"""Columns before a description."""
_LEAST_VALUES = 16
"""The width of the values on the narrowest terminal."""
_WIDEST = 22
"""The width to which a column of short texts is wrapped, unless a word is longer."""
_ASCII_HEAD = box.Box("    \n    \n -- \n    \n    \n    \n    \n    \n", ascii=True)
"""The rule below the headings, for terminals whose encoding is not UTF-8."""
_NUMBER = re.compile(r"\d+(?!.*\d)")
"""The last number in a text."""


def fitted_table(
    headings: Sequence[str], rows: Sequence[Sequence[str]], console: Console, *, right: Sequence[int] = ()
) -> Table:
    """Return a table as wide as a console: the last column takes what the others leave, and no column is narrower than its longest word.

    Args:
        headings: of the columns.
        rows: their cells.
        console: on which it is printed.
        right: the places of the columns of numbers, which are aligned at the right.
    """
    head = _ASCII_HEAD if console.options.ascii_only else box.SIMPLE_HEAD
    table = Table(box=head, show_edge=False, pad_edge=False, padding=(0, _GAP - 1, 0, 0), header_style="bold")
    headings = [encodable(heading, console.encoding) for heading in headings]
    rows = [[encodable(cell, console.encoding) for cell in row] for row in rows]
    left = console.width
    for place, heading in enumerate(headings):
        cells = [heading, *(row[place] for row in rows)]
        word = max(cell_len(part) for cell in cells for part in cell.split() or [""])
        line = max(cell_len(part) for cell in cells for part in cell.split("\n"))
        last = place == len(headings) - 1
        taken = max(word, min(line, left if last else _WIDEST))
        table.add_column(heading, width=taken, justify="right" if place in right else "left")
        left -= taken + _GAP
    for row in rows:
        table.add_row(*row)
    return table


def hyperparameter_table(hyperparameters: Sequence[Hyperparameter], console: Console) -> Text:
    """Return a space's hyperparameters that vary, each with its description below.

    Those that follow each other and differ by their number only share a row.
    """
    rows = [
        [encodable(cell, console.encoding) for cell in _hyperparameter_row(group)]
        for group in numbered_groups(hyperparameters)
    ]
    headings = ("hyperparameter", "values", "default")
    name_width, default_width = (
        max(cell_len(cells[place]) for cells in (headings, *(row[:3] for row in rows))) for place in (0, 2)
    )
    values_width = max(console.width - name_width - default_width - 2 * _GAP, _LEAST_VALUES)
    table = Text()
    for style, row in (("bold", (*headings, "")), *(("", row) for row in rows)):
        for number, values in enumerate(_wrapped(row[1], values_width)):
            name, default = (row[0], row[2]) if number == 0 else ("", "")
            line = f"{name:<{name_width + _GAP}}{values:<{values_width + _GAP}}{default}"
            table.append(line.rstrip() + "\n", style=style)
        for line in _wrapped(row[3], console.width - _INDENT) if row[3] else ():
            table.append(" " * _INDENT + line + "\n", style="dim")
    table.rstrip()
    return table


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)


def numbered_groups(hyperparameters: Sequence[Hyperparameter]) -> list[list[Hyperparameter]]:
    """Return the hyperparameters that vary, those that follow each other and differ by their number only in one group.

    filters_1_1, filters_1_2, … with the same range are a group; so are units_1, units_2.
    """
    groups: list[list[Hyperparameter]] = []
    for hyperparameter in hyperparameters:
        if hyperparameter.kind == "fixed":
            continue
        if groups and _follows(groups[-1][-1], hyperparameter):
            groups[-1].append(hyperparameter)
        else:
            groups.append([hyperparameter])
    return groups


def _follows(before: Hyperparameter, after: Hyperparameter) -> bool:
    one, other = _NUMBER.search(before.name), _NUMBER.search(after.name)
    if one is None or other is None or int(other.group()) != int(one.group()) + 1:
        return False
    names = (_NUMBER.sub("#", before.name), _NUMBER.sub("#", after.name))
    return names[0] == names[1] and _range(before) == _range(after) and _template(before) == _template(after)


def _range(hyperparameter: Hyperparameter) -> tuple[object, ...]:
    one = hyperparameter
    return one.kind, one.values, one.minimum, one.maximum, one.step, one.sampling


def _template(hyperparameter: Hyperparameter) -> str:
    """Return the description with a sign in place of its last number, where that is the name's."""
    number, described = _NUMBER.search(hyperparameter.name), _NUMBER.search(hyperparameter.description)
    if number is None or described is None or number.group() != described.group():
        return hyperparameter.description
    return _NUMBER.sub("#", hyperparameter.description)


def _hyperparameter_row(group: Sequence[Hyperparameter]) -> tuple[str, str, str, str]:
    first = group[0]
    defaults = list(dict.fromkeys(f"{one.default}" for one in group))
    default = defaults[0] if len(defaults) == 1 else ", ".join(f"{one.default}" for one in group)
    described = _numbers(group, first.description) if "#" in _template(first) else first.description
    condition = format_group_condition(group)
    return _numbers(group, first.name), format_value(first), default, "; ".join(filter(None, (described, condition)))


def _numbers(group: Sequence[Hyperparameter], text: str) -> str:
    """Return a text of the first of a group with all of their numbers: "filters_1_1…4"."""
    last = _NUMBER.search(group[-1].name)
    return (
        text if len(group) == 1 or last is None else _NUMBER.sub(lambda first: f"{first.group()}…{last.group()}", text)
    )


def format_group_condition(group: Sequence[Hyperparameter]) -> str:
    """Return when the members of a group are active: "if optimizer is adam", "as many as layers"; empty for always."""
    if len(group) == 1:
        condition = format_condition(group[0])
        return f"if {condition}" if condition else ""
    conditions = [_shown(one) for one in group]
    shared = [one for one in conditions[0] if all(one in others for others in conditions)]
    others = [[one for one in each if one not in shared] for each in conditions]
    names = {one.name for each in others for one in each}
    parts = [_condition(one) for one in shared]
    parts += [f"as many as {name}" if len(names) == 1 else f"depending on {name}" for name in sorted(names)]
    return ("if " if shared else "") + " and ".join(parts)


def _shown(hyperparameter: Hyperparameter) -> list[Condition]:
    return [one for one in hyperparameter.conditions if one.name != "network"]


def format_condition(hyperparameter: Hyperparameter) -> str:
    """Return the condition under which it is active: "optimizer is adam or adamw"; empty for always."""
    return " and ".join(_condition(one) for one in _shown(hyperparameter))


def _condition(condition: Condition) -> str:
    return f"{condition.name} is {_either(condition.values)}"


def _either(values: tuple[Value, ...]) -> str:
    words = [f"{value}" for value in values]
    if len(words) > 2 and all(isinstance(value, int) for value in values):
        return f"{words[0]} to {words[-1]}"
    return " or ".join(words)


def format_value(hyperparameter: Hyperparameter) -> str:
    """Return a hyperparameter's values or range: "0 to 0.2, in steps of 0.005"."""
    if hyperparameter.values is not None:
        return ", ".join(f"{value}" for value in hyperparameter.values)
    step = f", in steps of {hyperparameter.step}" if hyperparameter.step not in (None, 1) else ""
    scale = ", log" if hyperparameter.sampling == "log" else ""
    return f"{hyperparameter.minimum} to {hyperparameter.maximum}{step}{scale}"


def reference_table(space: SpaceDescription, console: Console) -> Table:
    """Return the table of a space's references: size, published score, network, and what is known of its training."""
    rows = [
        (
            reference.name,
            f"{reference.parameters:,}",
            format_published(reference),
            "" if reference.published_epochs is None else f"{reference.published_epochs}",
            "\n".join(filter(None, (reference.network, _remarks(reference, space)))),
        )
        for reference in space.references
    ]
    return fitted_table(("reference", "parameters", "published", "epochs", "network"), rows, console, right=(1, 2, 3))


def _remarks(reference: Reference, space: SpaceDescription) -> str:
    over = "" if reference.name in space.fitting else "over the cap"
    assumed = f"assumed: {reference.assumed}" if reference.assumed else ""
    return "; ".join(filter(None, (over, assumed)))


def format_published(reference: Reference) -> str:
    """Return a reference's published accuracy, else its other published scores; empty where there are none."""
    if reference.published_accuracy is not None:
        return f"{reference.published_accuracy:.2%}"
    return ", ".join(f"{name} {score}" for name, score in reference.published_scores.items())
