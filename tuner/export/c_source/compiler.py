"""The C program compiled on this machine: as a library to verify it, and to measure its size. Imports no Keras."""

from __future__ import annotations

import ctypes
import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tuner.export.formats import ExportError
from tuner.storage.schema.export import CBuild

WARNINGS = ("-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror")
"""The program compiles without a warning."""
COMPILERS = ("cc", "gcc", "clang")
"""Tried in this order where the environment's CC names none."""
_SMALL = ("-Os", "-ffunction-sections", "-fdata-sections", "-c")
_CORTEX_M = ("arm-none-eabi-gcc", "-mcpu=cortex-m4", "-mthumb", "-ffreestanding")
"""Freestanding: the compiler's own headers are enough where there is no C library for Arm (newlib)."""
_SIZE_HEADING = ["text", "data", "bss"]
_LIMIT_S = 300
_OPTIONAL_FUNCTIONS = frozenset({"mnist_tune_probabilities", "weight", "exponential", "reciprocal"})
"""Functions that a program doesn't call if it asks for classes alone."""

# A library's functions have no types: they are `Any` here.


@dataclass(frozen=True)
class Target:
    """A compiler with the machine that it compiles for."""

    command: tuple[str, ...]
    name: str


def find_compiler() -> tuple[str, ...] | None:
    """Return the command of this machine's C compiler: the environment's CC, cc, gcc or clang; None where there is none."""
    chosen = tuple(shlex.split(os.environ.get("CC", "")))
    candidates = [chosen] if chosen else [(name,) for name in COMPILERS]
    return next((command for command in candidates if shutil.which(command[0])), None)


def load_library(source: Path, compiler: Sequence[str], folder: Path) -> Any:
    """Compile a program into a folder as a library and load it.

    Raises:
        ExportError: where it can't be compiled.
    """
    library = folder / "model.so"
    _compile([*compiler, *WARNINGS, "-O2", "-shared", "-fPIC", "-o", str(library), str(source)])
    return ctypes.CDLL(str(library))


def measure_builds(source: Path) -> tuple[CBuild, ...]:
    """Return what the program needs when it is compiled to be small: here, and for a Cortex-M4 where GCC for Arm is there."""
    return tuple(build for target in _targets() if (build := _measure(source, target)) is not None)


def _targets() -> Iterator[Target]:
    if shutil.which(_CORTEX_M[0]):
        yield Target(_CORTEX_M, "Arm Cortex-M4")
    here = find_compiler()
    if here is not None:
        yield Target(here, "this machine")


def _measure(source: Path, target: Target) -> CBuild | None:
    """Return a build's sizes; None where it can't be compiled or sized: no export is refused for that."""
    try:
        return _measured(source, target)
    except ExportError:
        return None


def _measured(source: Path, target: Target) -> CBuild | None:
    """Return a build's sizes; None where `size` is missing, or prints another table than GNU's and LLVM's."""
    tool = _size_tool(target.command[0])
    if tool is None:
        return None
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        built = Path(folder) / "model.o"
        command = [*target.command, *WARNINGS, *_SMALL, "-o", str(built), str(source)]
        try:
            _compile([*command, "-fstack-usage"])
        except ExportError:
            # Some compilers can't say how much stack a function needs.
            _compile(command)
        heading, *rows = [line.split() for line in _output([tool, str(built)]).splitlines()] or [[]]
        if heading[:3] != _SIZE_HEADING or not rows:
            return None
        text, data, bss = (int(word) for word in rows[0][:3])
        return CBuild(
            target=target.name,
            compiler=_output([*target.command, "--version"]).splitlines()[0],
            text=text,
            data=data,
            bss=bss,
            stack=_stack_bytes(built.with_suffix(".su")),
        )


def _size_tool(compiler: str) -> str | None:
    prefix = compiler.removesuffix("gcc") if compiler.endswith("-gcc") else ""
    return shutil.which(f"{prefix}size")


def _stack_bytes(usage: Path) -> int | None:
    """Return the most stack that a prediction needs: the sum of all functions, each of which is on it once at most."""
    if not usage.is_file():
        return None
    rows = [line.split("\t") for line in usage.read_text(encoding="utf-8").splitlines()]
    return sum(int(size) for place, size, *_ in rows if place.rsplit(":", 1)[-1] not in _OPTIONAL_FUNCTIONS)


def _compile(command: Sequence[str]) -> None:
    done = _run(command)
    if done.returncode != 0:
        errors = [line for line in done.stderr.splitlines() if "error" in line] or done.stderr.splitlines()
        raise ExportError(
            f"The C file was not compiled by {command[0]}: {(errors or ['no message'])[0][:200]}. "
            "Set CC to a compiler of C99, or report this."
        )


def _output(command: Sequence[str]) -> str:
    return _run(command).stdout


def _run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(command, capture_output=True, text=True, errors="replace", check=False, timeout=_LIMIT_S)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ExportError(f"The C compiler {command[0]} failed: {error}. Set CC to another one.") from error
