"""`mnist-tune` alone and every `--help`: what comes first, and that it fits the terminal."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import Literal, get_args

import pytest

from mnist_tune import cli
from mnist_tune.cli.entry import COMMANDS, load_command
from mnist_tune.cli.help_page import HelpPage
from mnist_tune.cli.parser import add_run_options, given_options, make_parser
from tuner.core.errors import UsageError
from tuner.core.text import did_you_mean
from tuner.options.option import Group, choices_of, option, unknown_choice
from tuner.options.run_options import RunOptions


def help_of(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as end:
        cli.main([*words, "--help"])
    assert end.value.code == 0
    return capsys.readouterr().out


def test_alone_it_says_what_it_is_with_two_examples_and_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 8
    assert lines[0].startswith("mnist-tune finds the best small image classifier")
    examples = [line.split("   ")[0].split()[1:] for line in lines if line.startswith("  mnist-tune --space")]
    assert len(examples) == 2
    for words in examples:
        given = load_command("search").make_command_parser().parse_words(words)
        assert given_options(given)["space"] == "compact8k"
    assert lines[lines.index("Commands:") + 1].split() == list(COMMANDS)


def test_the_help_begins_with_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    said = help_of([], capsys)
    lines = said.splitlines()
    assert lines[0] == "usage: mnist-tune --space NAME [options]"
    places = [next(place for place, line in enumerate(lines) if line.startswith(f"  {name} ")) for name in COMMANDS]
    assert places == list(range(places[0], places[0] + len(COMMANDS)))
    assert places[-1] < lines.index("what is searched:") < lines.index("how it is searched:")


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_a_help_fits_the_terminal_and_its_usage_is_short(
    command: str, width: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", f"{width}")
    lines = help_of([command] if command else [], capsys).splitlines()
    assert max(map(len, lines)) <= width
    assert lines[0].startswith("usage: mnist-tune")
    assert lines[0].endswith("[options]")
    assert lines[1] == "" or not command


@pytest.mark.parametrize("option_name", ["--time-budget", "--trial-timeout"])
def test_a_duration_says_its_unit(option_name: str, capsys: pytest.CaptureFixture[str]) -> None:
    said = " ".join(help_of([], capsys).split())
    assert "with its unit: " in said[said.index(option_name) :][:120]


@dataclass(frozen=True, kw_only=True)
class NewOptions(RunOptions):
    resize: Literal["crop", "pad", "stretch"] = option("crop", "how pictures are resized", group="task", metavar="HOW")
    drop_duplicates: bool = option(False, "leave duplicates out", group="task")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--resize", "pad"], {"resize": "pad"}),
        (["--drop-duplicates"], {"drop_duplicates": True}),
        (["--resize", "stretched"], "Expected one of crop, pad, stretch. Received: stretched. Did you mean stretch?"),
        (["--resize", ""], "Received: ."),
        (["--reszie", "pad"], "Unknown option --reszie. Did you mean --resize?"),
        (["--drop-duplicate"], "Did you mean --drop-duplicates?"),
    ],
)
def test_a_new_option_is_a_field(words: list[str], expected: dict[str, object] | str) -> None:
    parser = make_parser("mnist-tune", "")
    titles: dict[Group, str] = {group: group for group in get_args(Group)}
    add_run_options(parser, NewOptions, titles)
    if isinstance(expected, dict):
        assert given_options(parser.parse_words(words)) == expected
        return
    with pytest.raises(UsageError) as error:
        parser.parse_words(words)
    assert expected in str(error.value)


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("repord", " Did you mean report?"),
        ("REPORT", " Did you mean report?"),
        ("report", " Did you mean report?"),
        ("rep", " Did you mean report?"),
        ("xyz", ""),
        ("", ""),
        ("verfy", " Did you mean Verify?"),
        ("λ", ""),
        ("r" * 10_000, ""),
    ],
)
def test_what_was_meant(word: str, hint: str) -> None:
    assert did_you_mean(word, ["report", "Verify", "train"]) == hint
    assert did_you_mean(word, []) == ""


@pytest.mark.parametrize(
    ("hint", "choices"),
    [
        (Literal["a", "b"], ("a", "b")),
        (Literal["a"] | None, ("a",)),
        (str, ()),
        (int | None, ()),
        (tuple[str, ...] | None, ()),
    ],
)
def test_choices_come_from_the_type(hint: object, choices: tuple[str, ...]) -> None:
    assert choices_of(hint) == choices


@pytest.mark.parametrize("received", [3, None, True, "x"])
def test_a_choice_of_another_type_is_refused_too(received: object) -> None:
    expected = f"--device is out of range. Expected one of auto, cpu. Received: {received}."
    assert str(unknown_choice("device", ["auto", "cpu"], received)) == expected


def test_a_usage_names_positional_arguments_only() -> None:
    parser = argparse.ArgumentParser("p", formatter_class=HelpPage)
    for name, settings in (("one", {}), ("two", {"nargs": "?", "metavar": "TWO"}), ("three", {"nargs": "*"})):
        parser.add_argument(name, **settings)  # type: ignore[arg-type]
    parser.add_argument("--four", metavar="N")
    assert parser.format_usage() == "usage: p one [TWO] [three ...] [options]\n"


def test_a_description_s_rows_stay_and_its_paragraphs_wrap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    parser = argparse.ArgumentParser(
        "p", description=f"{'word ' * 10}\n\n  a row of a table that is longer", formatter_class=HelpPage
    )
    said = parser.format_help()
    assert "\n  a row of a table that is longer\n" in said
    assert said.count("word") == 10
