"""Completion of commands, options and values, in bash, zsh and fish themselves."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import get_type_hints

import pytest

from mnist_tune.cli import main
from mnist_tune.cli.completion import SHELLS, format_script, make_program_parser
from mnist_tune.cli.entry import COMMANDS
from search_spaces.families.registry import SPACES
from tests.kit.shells import completions
from tuner.options.option import choices_of, flag, options_of
from tuner.options.run_options import CAPS
from tuner.options.search_options import SearchOptions
from tuner.options.study_options import StudyOptions
from tuner.options.train_options import TrainOptions


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run's folder, a file of data, and each shell's script."""
    folder = tmp_path_factory.mktemp("completion")
    (folder / "runs").mkdir()
    (folder / "data.npz").touch()
    for shell in SHELLS:
        (folder / f"script.{shell}").write_text(format_script(shell))
    return folder


LINES = (
    ("mnist-tune ", set(COMMANDS)),
    ("mnist-tune spaces compact", {"compact2k", "compact4k", "compact8k", "compact20k"}),
    ("mnist-tune --max-", {"--max-epochs", "--max-flash", "--max-macs", "--max-params", "--max-ram", "--max-trials"}),
    ("mnist-tune --space ", set(SPACES)),
    ("mnist-tune --algorithm ", {"hyperband", "random", "bayesian"}),
    ("mnist-tune --data d", {"digits", "data.npz"}),
    ("mnist-tune train --see", {"--seed", "--seeds"}),
    ("mnist-tune train flat", {"flat-7884"}),
    ("mnist-tune study dro", {"dropout"}),
    ("mnist-tune export runs --format l", {"litert", "litert-int8"}),
    ("mnist-tune completion ", set(SHELLS)),
    ("mnist-tune report r", {"runs"}),
)


@pytest.mark.parametrize(("line", "expected"), LINES, ids=[line for line, _ in LINES])
@pytest.mark.parametrize("shell", ["bash", "fish"])
def test_a_shell_completes(shell: str, line: str, expected: set[str], folder: Path) -> None:
    offered = {word.rstrip("/") for word in completions(shell, folder / f"script.{shell}", line)}
    assert offered >= expected
    if line != "mnist-tune ":
        assert offered == expected


@pytest.mark.parametrize(("line", "expected"), LINES[:4], ids=[line for line, _ in LINES[:4]])
def test_zsh_completes(line: str, expected: set[str], folder: Path) -> None:
    assert completions("zsh", folder / "script.zsh", line) >= expected


def test_no_value_is_offered_where_nothing_is_known(folder: Path) -> None:
    assert completions("bash", folder / "script.bash", "mnist-tune --seed ") == set()
    assert completions("bash", folder / "script.bash", "mnist-tune predict --space ") == set()


@pytest.mark.parametrize(
    ("command", "kind"), [("", SearchOptions), ("train", TrainOptions), ("study", StudyOptions)], ids=str
)
def test_every_option_of_a_run_and_its_choices_are_completed(command: str, kind: type) -> None:
    """Each option comes from its field: a new one needs no line of the completion."""
    whole = make_program_parser()
    commands = next(action for action in whole._actions if isinstance(action, argparse._SubParsersAction))
    parser = commands.choices[command] if command else whole
    actions = {name: action for action in parser._actions for name in action.option_strings}
    names = set(options_of(kind)) - (set(CAPS) if command else set())
    assert {flag(name) for name in names} <= set(actions)
    hints = get_type_hints(kind)
    for name in names - {"space"}:
        assert tuple(actions[flag(name)].choices or ()) == choices_of(hints[name])
    assert tuple(actions["--space"].choices or ()) == tuple(SPACES)


@pytest.mark.parametrize("shell", SHELLS)
def test_the_command_prints_the_script(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    out = capsys.readouterr().out
    assert out == format_script(shell)
    assert all(command in out for command in COMMANDS)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["completion"], "The shell is missing. Expected one of bash, zsh, fish. Received: none."),
        (["completion", "bsh"], "Received: bsh. Did you mean bash?"),
        (["completion", "powershell"], "Received: powershell."),
        (["completion", "bash", "zsh"], "Unexpected argument zsh"),
    ],
)
def test_another_shell_is_refused_in_one_line(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    captured = capsys.readouterr()
    assert said in captured.err
    assert (captured.out, captured.err.count("\n")) == ("", 1)
