"""Standard output that can't be written: one line or silence, exit code 1, never a traceback."""

from __future__ import annotations

import ast
import contextlib
import io
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import pytest

from mnist_tune import cli
from mnist_tune.cli.entry import COMMANDS as COMMANDS_OF_THE_PROGRAM
from mnist_tune.terminal.colour import bold
from mnist_tune.terminal.encoding import ASCII
from mnist_tune.terminal.stdout import OutputError, watched_output, write_error
from tests.kit.paths import ROOT
from tests.kit.run_builder import FakeRun, build_run
from tuner.core.quiet_imports import quiet_imports

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
@pytest.mark.parametrize(
    ("words", "python"),
    [(["--version"], ""), (["spaces"], ""), ([], ""), (["predict", "--help"], "-u"), (["spaces"], "-u")],
    ids=str,
)
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


@pytest.mark.parametrize("words", [["--help"], ["spaces"]], ids=" ".join)
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


@pytest.mark.parametrize("words", [*COMMANDS, ["spaces", "compact8k"], ["report", "RUN"]], ids=" ".join)
@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_an_encoding_that_lacks_characters_has_them_in_plain_letters(
    words: list[str], encoding: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    monkeypatch.setattr(sys, "stdout", stream)
    path = build_run(tmp_path / "×", TINY) if "RUN" in words else tmp_path
    with contextlib.suppress(SystemExit):
        assert cli.main([str(path) if word == "RUN" else word for word in words]) == 0
    stream.seek(0)
    said = stream.read()
    assert said
    assert "?" not in said
    if words == ["spaces"]:
        assert "<= 8,000" in said
    if encoding == "ascii" and "RUN" in words:
        assert f"{tmp_path}/\\xd7/report.html" in said  # a path stays what it is


@pytest.mark.parametrize("command", ["", *COMMANDS_OF_THE_PROGRAM])
def test_every_help_is_ascii_where_the_terminal_is(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="ascii"))
    with contextlib.suppress(SystemExit):
        assert cli.main([*([command] if command else []), "--help"]) == 0
    sys.stdout.flush()
    check_ascii(written.getvalue())


@pytest.mark.parametrize("environment", [{"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C"}], ids=str)
def test_help_is_ascii_where_the_environment_says_so(environment: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mnist_tune", "--help"],
        capture_output=True,
        check=False,
        cwd=ROOT,
        env={**{name: value for name, value in os.environ.items() if not name.startswith("PYTHONUTF8")}, **environment},
    )
    assert (done.returncode, done.stderr) == (0, b"")
    check_ascii(done.stdout)


def check_ascii(said: bytes) -> None:
    assert b"usage" in said.lower()
    assert said.isascii()
    assert b"\\x" not in said
    assert b"\\u" not in said


def test_an_error_is_ascii_where_the_terminal_is() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mnist_tune", "--space", "3×3"],
        capture_output=True,
        check=False,
        cwd=ROOT,
        env={**os.environ, "LC_ALL": "C"},
    )
    assert done.returncode == 2
    assert b"Received: '3x3'" in done.stderr


def test_other_locales_keep_their_letters() -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8", "LC_ALL": "C"}
    command = [sys.executable, "-m", "mnist_tune", "--help"]
    said = subprocess.run(command, capture_output=True, check=True, cwd=ROOT, env=environment).stdout
    assert "8×8" in said.decode("utf-8")


def test_every_special_character_of_the_program_has_ascii() -> None:
    """The texts that reach a terminal: those of the commands, the options, the spaces, and the formatting of numbers."""
    paths = [
        *(path for room in ("mnist_tune", "tuner/options", "search_spaces") for path in (ROOT / room).rglob("*.py")),
        ROOT / "reports" / "formatting.py",
    ]
    texts = {node.value for path in paths for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
             if isinstance(node, ast.Constant) and isinstance(node.value, str)}  # fmt: skip
    special = {character for text in texts for character in text if not character.isascii()}
    # Words in docstrings, such as names of people.
    assert {character for character in special if not character.isalpha()} - {chr(place) for place in ASCII} == set()


@pytest.mark.parametrize(
    ("environment", "terminal", "coloured"),
    [({}, True, True), ({"NO_COLOR": "1"}, True, False), ({"NO_COLOR": ""}, True, True), ({"TERM": "dumb"}, True, False),
     ({}, False, False)],
)  # fmt: skip
def test_colour_is_for_terminals_that_want_it(
    environment: dict[str, str], terminal: bool, coloured: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    stream = io.StringIO()
    monkeypatch.setattr(stream, "isatty", lambda: terminal)
    assert (bold("a", stream) != "a") == coloured
    monkeypatch.setattr(sys, "stderr", stream)
    write_error("mnist-tune: wrong")
    assert stream.getvalue() == ("\x1b[1;31mmnist-tune:\x1b[0m wrong\n" if coloured else "mnist-tune: wrong\n")


def test_a_closed_stream_has_no_colour() -> None:
    stream = io.StringIO()
    stream.close()
    assert (bold("a", stream), bold("a", None)) == ("a", "a")


@pytest.mark.parametrize(
    ("words", "width"),
    [(["--help"], 80), (["spaces", "compact8k"], 80), (["spaces", "compact8k"], 120), ([], 80)],
    ids=str,
)
def test_a_new_user_s_terminal_shows_it_whole(words: list[str], width: int) -> None:
    """In a real terminal: nothing is wider than it, and there is no error."""
    script = shutil.which("script")
    if script is None:
        pytest.skip("script is not installed")
    command = shlex.join([sys.executable, "-m", "mnist_tune", *words])
    environment = {**os.environ, "COLUMNS": f"{width}", "TERM": "xterm", "NO_COLOR": ""}
    done = subprocess.run(
        [script, "-qec", command, "/dev/null"], capture_output=True, check=True, cwd=ROOT, env=environment
    )
    lines = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in done.stdout.decode().splitlines()]
    assert max(map(len, lines)) <= width
    assert (words == ["--help"]) <= (b"\x1b[1mhow it is searched" in done.stdout)


def test_what_has_no_plain_letters_is_an_escape() -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    with contextlib.redirect_stdout(stream), watched_output():
        sys.stdout.write("λ = 3 ± 1\n")
    stream.seek(0)
    assert stream.read() == "\\u03bb = 3 +/- 1\n"


@pytest.mark.parametrize("closed", ["2>&-", "0<&-", "0<&- 2>&-"])
def test_a_closed_stream_is_in_nobody_s_way(closed: str, tmp_path: Path) -> None:
    """The number of a closed stream goes to the next file that is opened: nothing of a library may end in it."""
    program = (
        "import os, sys; from mnist_tune.terminal.stdout import open_standard_streams as opened; opened(); opened(); "
        "file = open(sys.argv[1], 'w'); sys.stderr.write('told'); sys.stderr.flush(); os.write(2, b'told'); "
        "print(file.fileno() > 2)"
    )
    command = f'"$0" -c "{program}" "$1" {closed}'
    done = subprocess.run(
        ["bash", "-c", command, sys.executable, str(tmp_path / "file")],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert (done.stdout, done.returncode) == ("True\n", 0)
    assert (tmp_path / "file").read_text() == ""


def test_an_image_from_a_closed_input_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with zipfile.ZipFile(tmp_path / "model.keras", "w") as archive:
        archive.writestr("config.json", "{}")
    monkeypatch.setattr(sys, "stdin", None)
    assert cli.main(["predict", str(tmp_path / "model.keras"), "-"]) == 2
    err = capsys.readouterr().err
    assert "standard input is closed" in err
    assert err.count("\n") == 1


def test_no_folder_for_temporary_files_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing() -> str:
        raise FileNotFoundError(2, "No usable temporary directory found in ['/tmp']")

    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_get_default_tempdir", missing)
    with quiet_imports():  # has another place for what libraries say
        pass
    words = ["--space", "dense", "--data", "digits", "--out", str(tmp_path / "new")]
    assert cli.main(words) == 2
    assert capsys.readouterr().err == (
        "mnist-tune: No writable folder for temporary files. Set TMPDIR to a writable folder.\n"
    )
    assert not (tmp_path / "new").exists()


def test_an_unwritable_home_is_no_concern_of_who_reads_a_report(tmp_path: Path) -> None:
    path = build_run(tmp_path / "run", TINY)
    environment = {**os.environ, "HOME": "/dev/null/home"}
    for name in ("MPLCONFIGDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
        environment.pop(name, None)
    command = [sys.executable, "-m", "mnist_tune", "report", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, env=environment)
    assert (done.returncode, done.stderr) == (0, "")


@needs_full
def test_an_error_that_can_t_be_told_keeps_its_exit_code() -> None:
    assert run(["serach"], "2> /dev/full").returncode == 2
    assert run(["serach"], "2>&-").returncode == 2


def test_a_file_that_can_t_be_written_is_not_taken_for_the_output(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(given: object, words: list[str]) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("mnist_tune.cli.report.run", full)
    assert cli.main(["report", "run"]) == 1
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
