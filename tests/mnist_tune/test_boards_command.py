"""`mnist-tune boards`, and the options of memory on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from mnist_tune.cli import main
from mnist_tune.cli.boards import format_size
from search_spaces.networks.boards import BOARDS


def test_boards_are_listed_with_their_caps_and_sources(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["boards"]) == 0
    printed = capsys.readouterr().out
    assert all(name in printed for name in BOARDS)
    assert "198k" in printed
    assert "too small" in printed
    assert "Nothing of it is measured here" in " ".join(printed.split())


@pytest.mark.parametrize(
    ("size", "text"), [(2**20, "1M"), (1536 * 1024, "1.5M"), (198 * 1024, "198k"), (2048, "2k"), (1000, "1000")]
)
def test_sizes_are_shown_as_they_are_typed(size: int, text: str) -> None:
    assert format_size(size) == text


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--max-ram", "3x"], "Expected bytes such as 32768, 32k or 1M. Received: 3x"),
        (["--max-flash", "1G"], "Received: 1G"),
        (["--board", "rp2041"], "Did you mean 'rp2040'?"),
        (["--board", "ch32v003"], "too small for TFLM's interpreter"),
        (["--max-flash", "4k"], "5,557 bytes of flash"),
        (["--space", "tests.kit.hypermodels.hypermodels:Channels", "--max-ram", "9k"], "need a built-in space"),
    ],
)
def test_a_mistake_is_one_line(
    words: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    assert main(["--space", "compact8k", "--data", "digits", "--out", str(out), *words]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not out.exists()
