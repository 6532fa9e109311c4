"""Compilers of the C program: which one is taken, what it says of a program's size, and what becomes of one that fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tuner.export.c_programs import needs_compiler
from tuner.export.c_source import compiler
from tuner.export.formats import ExportError
from tuner.storage.schema.export import CBuild

PROGRAM = "int f(void) { return 1; }\n"


def tool(folder: Path, name: str, script: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


@pytest.fixture
def program(tmp_path: Path) -> Path:
    (tmp_path / "model.c").write_text(PROGRAM)
    return tmp_path / "model.c"


def measured(program: Path, monkeypatch: pytest.MonkeyPatch, *, compiles: str, size: str) -> tuple[object, ...]:
    """What is measured by a GCC for Arm and a `size` that are these scripts."""
    tool(program.parent, "arm-none-eabi-gcc", compiles)
    tool(program.parent, "arm-none-eabi-size", size)
    monkeypatch.setenv("PATH", str(program.parent), prepend=":")
    monkeypatch.setenv("CC", "not-a-compiler")
    return compiler.measure_builds(program)


GNU = "printf '   text\\t   data\\t    bss\\t    dec\\n     40\\t      2\\t      3\\t     45\\n'"
MACOS = "printf '__TEXT\\t__DATA\\t__OBJC\\tothers\\tdec\\n40\\t2\\t0\\t3\\t45\\n'"


def test_a_build_is_measured(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (build,) = measured(program, monkeypatch, compiles="echo 'arm-none-eabi-gcc 1'", size=GNU)
    assert build == CBuild(target="Arm Cortex-M4", compiler="arm-none-eabi-gcc 1", text=40, data=2, bss=3, stack=None)


@pytest.mark.parametrize(
    ("compiles", "size"),
    [("echo 'error: no stdint.h' >&2; exit 1", GNU), ("true", MACOS), ("true", "true"), ("true", "exit 1")],
)
def test_a_build_that_can_t_be_measured_is_none(
    compiles: str, size: str, program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert measured(program, monkeypatch, compiles=compiles, size=size) == ()


def test_a_cortex_m_needs_no_c_library(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """GCC's own stdint.h asks for the C library's unless it compiles freestanding."""
    checks = 'case "$*" in *-ffreestanding*) echo gcc;; *) exit 1;; esac'
    assert len(measured(program, monkeypatch, compiles=checks, size=GNU)) == 1


@needs_compiler
def test_a_compiler_that_fails_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "model.c").write_text("int main(void) { return x; }\n")
    command = compiler.find_compiler()
    assert command is not None
    with pytest.raises(ExportError, match=r"^The C file was not compiled by \S+: .*x.*Set CC to a compiler"):
        compiler.load_library(tmp_path / "model.c", command, tmp_path)


@pytest.mark.parametrize(("chosen", "there"), [("", False), ("not-a-compiler -m32", False), ("my-cc -m32", True)])
def test_the_compiler_is_the_environment_s_or_none(
    chosen: str, there: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    tool(tmp_path, "my-cc", "")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("CC", chosen)
    assert compiler.find_compiler() == (("my-cc", "-m32") if there else None)
