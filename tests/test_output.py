"""Standard output that can't be written: one line or silence, exit code 1, never a traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mnist_tune import cli
from mnist_tune.output import OutputError, watched_output
from tests.report_builders import FakeRun, build_run

ROOT = Path(__file__).resolve().parent.parent
FULL = Path("/dev/full")
TINY = FakeRun(brackets=((0, ((2, 2),)),), failed=0, confirm=False)

needs_full = pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full here")


def run(words: list[str], redirection: str, python: str = "") -> subprocess.CompletedProcess[str]:
    """The command in a shell, its standard output redirected."""
    command = f'"$0" {python} -m mnist_tune "$@" {redirection}'
    return subprocess.run(
        ["bash", "-c", command, sys.executable, *words], capture_output=True, text=True, check=False, cwd=ROOT
    )


COMMANDS: tuple[list[str], ...] = (["--version"], ["--help"], ["predict", "--help"], ["spaces"], [])


@needs_full
@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("python", ["", "-u"], ids=["buffered", "unbuffered"])
def test_a_full_disk_is_one_line(words: list[str], python: str) -> None:
    done = run(words, "> /dev/full", python)
    assert done.returncode == 1
    assert done.stderr == "mnist-tune: Standard output can't be written: No space left on device.\n"


@needs_full
def test_a_report_is_written_though_nobody_can_be_told(tmp_path: Path) -> None:
    path = build_run(tmp_path / "run", TINY)
    done = run(["report", str(path)], "> /dev/full")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert (path / "report.html").is_file()


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_reader_that_has_gone_is_met_with_silence(words: list[str]) -> None:
    done = run(words, "| true; exit ${PIPESTATUS[0]}")
    # The reader may have read it all before it went.
    assert done.returncode in (0, 1)
    assert done.stderr == ""


def test_a_reader_that_went_before_is_exit_code_one(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "mnist_tune", "spaces"]
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, check=False, cwd=ROOT)
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, "")


def test_a_closed_output_is_one_line() -> None:
    done = run(["--version"], ">&-")
    assert (done.returncode, done.stderr) == (1, "mnist-tune: Standard output can't be written: it is closed.\n")


@needs_full
def test_an_error_that_can_t_be_told_keeps_its_exit_code() -> None:
    assert run(["serach"], "2> /dev/full").returncode == 2
    assert run(["serach"], "2>&-").returncode == 2


def test_a_file_that_can_t_be_written_is_not_taken_for_the_output(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(words: list[str]) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setitem(cli._COMMANDS, "report", full)
    assert cli.main(["report"]) == 1
    said = capsys.readouterr().err
    assert "The disk is full" in said
    assert "output" not in said


def test_output_is_the_stream_but_for_its_failures(capsys: pytest.CaptureFixture[str]) -> None:
    before = sys.stdout
    with watched_output():
        sys.stdout.write("words")
        assert sys.stdout.encoding == before.encoding
    assert sys.stdout is before
    assert capsys.readouterr().out == "words"
    with pytest.raises(OutputError, match="closed"), watched_output():
        raise OutputError(ValueError("it is closed"))
