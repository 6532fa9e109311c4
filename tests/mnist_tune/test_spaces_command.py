"""`mnist-tune spaces` as it is read, and what `train` and `study` say of wrong words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from mnist_tune.cli import main
from mnist_tune.terminal.space_tables import (
    format_condition,
    format_published,
    format_value,
    hyperparameter_table,
    numbered_groups,
)
from search_spaces.families.describe import describe_spaces
from search_spaces.families.references import Reference
from search_spaces.families.registry import SPACES, load_family
from search_spaces.hyperparameters.hyperparameter import Condition, Hyperparameter


def test_every_space_has_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["spaces"]) == 0
    out = capsys.readouterr().out
    for space in describe_spaces():
        (line,) = (line for line in out.splitlines() if line.split()[:1] == [space.name])
        assert f"{space.max_params:,}" in line
        assert f"{space.parameters:,}" in line


@pytest.mark.parametrize("name", SPACES)
def test_a_space_tells_its_hyperparameters_and_references(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "400")
    assert main(["spaces", name]) == 0
    out = capsys.readouterr().out
    family = load_family(name)
    for group in numbered_groups(family.hyperparameters):
        assert group[0].name in out
    assert f"{family.max_params:,} parameters" in out
    references = family.references()
    assert not any(reference.name in out for reference in references)
    assert main(["spaces", name, "--references"]) == 0
    shown = capsys.readouterr().out
    assert all(reference.name in shown and reference.network in shown for reference in references)


@pytest.mark.parametrize("more", [[], ["--references"]], ids=["hyperparameters", "references"])
@pytest.mark.parametrize("name", [*SPACES, None])
@pytest.mark.parametrize("width", [80, 120])
def test_a_table_fits_the_terminal_and_no_word_is_broken(
    width: int, name: str | None, more: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if name is None and more:
        return
    words = ["spaces", *([name] if name else []), *more]
    monkeypatch.setenv("COLUMNS", "4000")
    assert main(words) == 0
    whole = set(capsys.readouterr().out.split())
    monkeypatch.setenv("COLUMNS", f"{width}")
    assert main(words) == 0
    narrow = capsys.readouterr().out
    assert max(len(line) for line in narrow.splitlines()) <= width
    rules = {word for word in whole | set(narrow.split()) if set(word) == {"─"}}
    assert set(narrow.split()) - rules == whole - rules


def test_numbered_hyperparameters_share_a_row(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    main(["spaces", "compact8k"])
    rows = [line.split() for line in capsys.readouterr().out.splitlines() if line.startswith("filters_1")]
    assert rows == [["filters_1_1…4", "4", "to", "48", "8,", "12,", "12,", "12"]]


def numbered(name: str, **changes: Any) -> Hyperparameter:
    settings: dict[str, Any] = {"kind": "int", "description": "", "minimum": 1, "maximum": 9, "step": 1, "default": 1}
    return Hyperparameter(name=name, **{**settings, **changes})


@pytest.mark.parametrize(
    ("hyperparameters", "names"),
    [
        ([], []),
        ([numbered("units_1")], [["units_1"]]),
        ([numbered("units_1"), numbered("units_2")], [["units_1", "units_2"]]),
        ([numbered("units_1"), numbered("units_3")], [["units_1"], ["units_3"]]),
        ([numbered("units_1"), numbered("filters_2")], [["units_1"], ["filters_2"]]),
        ([numbered("units_1"), numbered("units_2", maximum=8)], [["units_1"], ["units_2"]]),
        ([numbered("units_1"), numbered("rate"), numbered("units_2")], [["units_1"], ["rate"], ["units_2"]]),
        ([numbered("units_9"), numbered("units_10")], [["units_9", "units_10"]]),
        ([numbered("a_1", description="of 1"), numbered("a_2", description="of 2")], [["a_1", "a_2"]]),
        ([numbered("a_1", description="of 1"), numbered("a_2", description="of 3")], [["a_1"], ["a_2"]]),
        ([numbered("a_1", description="x"), numbered("a_2", description="y")], [["a_1"], ["a_2"]]),
        ([numbered("a_1", kind="fixed"), numbered("a_2")], [["a_2"]]),
        ([numbered("l2"), numbered("l3")], [["l2", "l3"]]),
    ],
)
def test_groups_of_numbered_hyperparameters(hyperparameters: list[Hyperparameter], names: list[list[str]]) -> None:
    assert [[one.name for one in group] for group in numbered_groups(hyperparameters)] == names


def test_a_group_says_how_many_of_it_are_active() -> None:
    layers = [Condition("layers", values) for values in ((1, 2, 3), (2, 3), (3,))]
    group = [
        numbered(f"units_{place}", description=f"of layer {place}", default=4 * place, conditions=(condition,))
        for place, condition in enumerate(layers, 1)
    ]
    shown = hyperparameter_table(group, Console(width=80)).plain.splitlines()
    assert shown[1].split() == ["units_1…3", "1", "to", "9", "4,", "8,", "12"]
    assert shown[2] == "    of layer 1…3; as many as layers"


def test_references_belong_to_a_space(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["spaces", "--references"]) == 2
    assert "--references belongs to one space" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("own", "words"),
    [
        (Hyperparameter(name="a", kind="choice", description="", values=("x", "y"), default="x"), "x, y"),
        (
            Hyperparameter(name="a", kind="int", description="", minimum=1, maximum=9, step=1, default=1),
            "1 to 9",
        ),
        (
            Hyperparameter(name="a", kind="float", description="", minimum=0.0, maximum=0.5, step=0.05, default=0.0),
            "0.0 to 0.5, in steps of 0.05",
        ),
        (
            Hyperparameter(
                name="a", kind="float", description="", minimum=0.1, maximum=1.0, sampling="log", default=0.1
            ),
            "0.1 to 1.0, log",
        ),
    ],
)
def test_values_in_words(own: Hyperparameter, words: str) -> None:
    assert format_value(own) == words


def test_conditions_in_words() -> None:
    conditions = (
        Condition("network", ("drawn",)),
        Condition("layers", (2, 3)),
        Condition("optimizer", ("adam", "adamw")),
    )
    own = Hyperparameter(name="a", kind="int", description="", default=1, conditions=conditions)
    assert format_condition(own) == "layers is 2 or 3 and optimizer is adam or adamw"


def test_what_was_published_in_words() -> None:
    def reference(accuracy: float | None, **scores: float) -> Reference:
        return Reference("a", "D10", 1, accuracy, None, "", {}, published_scores=scores)

    assert format_published(reference(0.9953)) == "99.53%"
    assert format_published(reference(None, f1=0.9944)) == "f1 0.9944"
    assert format_published(reference(None)) == ""


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["spaces", "dens"], "dense"),
        (["train"], "needs a configuration"),
        (["train", "dense129"], "dense128"),
        (["train", "dense128", "--space", "cnn3"], "another space"),
        (["train", "dense128", "--seeds", "0"], "--seeds is out of range"),
        (["train", "dense128", "--epochs", "none"], "--epochs"),
        (["train", "nowhere.json"], "can't be read"),
        (["study"], "needs a name"),
        (["study", "dropot"], "dropout"),
        (["study", "dropout", "--values", "0.1", "--data", "digits"], "two different ones"),
        (["study", "dropout", "--values", "0,7", "--data", "digits"], "Received: 7"),
        (["study", "dropout", "--space", "densse", "--data", "digits"], "dense"),
        (["study", "dropout", "--seeds", "0"], "--seeds is out of range"),
        (["study", "dropout", "--resume"], "--out"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(
    words: list[str], told: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(words) == 2
    err = capsys.readouterr().err
    assert told in err
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
