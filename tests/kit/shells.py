"""Completion in real shells: the words that bash, zsh and fish offer after a typed line and Tab."""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import subprocess
import time
from pathlib import Path

import pytest

_BASH = """
source "$1"
read -r -a COMP_WORDS <<< "$2"
[[ "$2" == *" " ]] && COMP_WORDS+=("")
COMP_CWORD=$(( ${#COMP_WORDS[@]} - 1 ))
_shtab_mnist_tune
printf '%s\\n' "${COMPREPLY[@]}"
"""
_FISH = 'source $argv[1]; complete -C "$argv[2]"'
_ESCAPE = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]|\x1b[=>]|[\r\x07\x08]")
_QUIET_S = 0.7
"""zsh has answered if it writes nothing for this time."""


def completions(shell: str, script: Path, line: str) -> set[str]:
    """Return the words that a shell offers for the last word of a line.

    Args:
        shell: bash, zsh or fish; the test is skipped where it isn't installed.
        script: the file with the completion's script.
        line: what was typed, such as "mnist-tune spaces com".
    """
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} is not installed")
    folder = script.parent
    if shell == "bash":
        return set(_output([program, "-c", _BASH, "bash", str(script), line], folder).split())
    if shell == "fish":
        said = _output([program, "--no-config", "-c", _FISH, str(script), line], folder)
        return {row.partition("\t")[0] for row in said.splitlines()}
    return _zsh(program, script, line)


def _output(command: list[str], folder: Path) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=folder, timeout=60)
    assert done.stderr == ""
    return done.stdout


def _zsh(program: str, script: Path, line: str) -> set[str]:
    """Type a line into an interactive zsh and press Tab twice: zsh has no command that returns completions."""
    terminal, slave = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "PS1": "> ", "ZDOTDIR": str(script.parent)}
    shell = subprocess.Popen(
        [program, "-f", "-i"],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        cwd=script.parent,
        env=environment,
        start_new_session=True,
    )
    os.close(slave)
    try:
        _type(terminal, "stty rows 200 cols 200; autoload -Uz compinit; compinit -u -D\n")
        _type(terminal, f'eval "$(cat {script})"\n')
        said = _type(terminal, f"{line}\t\t")
    finally:
        shell.kill()
        shell.wait()
        os.close(terminal)
    return set(_ESCAPE.sub(" ", said).split())


def _type(terminal: int, words: str) -> str:
    os.write(terminal, words.encode())
    said, last = b"", time.monotonic()
    while time.monotonic() - last < _QUIET_S:
        if select.select([terminal], [], [], 0.1)[0]:
            said += os.read(terminal, 65536)
            last = time.monotonic()
    return said.decode("utf-8", "replace")
