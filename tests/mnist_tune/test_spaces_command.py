"""`mnist-tune spaces` as it is read, and what `train` and `study` say of wrong words."""

from __future__ import annotations

from pathlib import Path

import pytest

from mnist_tune.cli import main
from mnist_tune.cli.spaces import format_condition, format_published, format_value
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
    assert all(own.name in out for own in family.hyperparameters if own.kind != "fixed")
    assert all(own.name in out and own.network in out for own in family.references())
    assert f"{family.max_params:,} parameters" in out


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
    assert format_condition(own) == "layers is 2 or 3; optimizer is adam or adamw"


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
