"""What is told of the machine and the packages, with files of other systems in the place of this one's."""

from __future__ import annotations

import builtins
import importlib.util
import io
import json
import math
import os
import platform
import zipfile
from pathlib import Path

import pytest

from mnist_tune import cli
from tests.kit.run_builder import FakeRun, build_run
from tuner.core import machine
from tuner.run.run_document import describe_machine
from tuner.storage.schema.documents import as_json

CPU_MAX = "/sys/fs/cgroup/cpu.max"
"""Where Linux says what a container may use of its cores."""

TINY = FakeRun(brackets=((0, ((1, 2),)),), failed=0, finalists=1, seeds=1, test=80, validation=80)


def test_describe_machine_has_the_keys_of_the_run_folder() -> None:
    described = as_json(describe_machine(["a card"]))
    assert list(described) == [
        "system",
        "processor",
        "cores",
        "memory_bytes",
        "accelerators",
        "features",
        "kernel_variables",
        "allocator_variables",
    ]
    assert described["accelerators"] == ["a card"]
    assert described["system"].startswith(platform.system())
    assert described["processor"]
    json.dumps(described)


@pytest.mark.parametrize(
    ("text", "features"),
    [
        ("model name: x\nflags\t\t: fpu avx2 avx sse4_1 avx\nflags : none\n", ["avx", "avx2", "sse4_1"]),
        ("Features\t: fp asimd sve2\n", ["asimd", "sve2"]),
        ("model name: x\n", []),
    ],
)
def test_a_processor_s_vector_instructions(
    text: str, features: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cpuinfo").write_text(text)
    monkeypatch.setattr(machine, "Path", lambda name: tmp_path / "cpuinfo")
    assert machine.processor_features() == features


def test_this_machine_has_cores_and_memory() -> None:
    assert 1 <= machine.cpu_cores() <= (os.cpu_count() or 1)
    assert machine.memory_bytes() > 2**28


@pytest.mark.skipif(not Path("/proc/meminfo").exists(), reason="Linux tells its memory in a file")
def test_memory_is_what_the_kernel_says() -> None:
    (total,) = [line for line in Path("/proc/meminfo").read_text().splitlines() if line.startswith("MemTotal:")]
    assert machine.memory_bytes() == 1024 * int(total.split()[1])


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="Linux alone lets a process choose its cores")
def test_cores_are_those_that_the_process_may_use() -> None:
    cores = os.sched_getaffinity(0)
    try:
        for count in range(1, min(len(cores), 3) + 1):
            os.sched_setaffinity(0, sorted(cores)[:count])
            assert machine.cpu_cores() == min(count, _cores_of_quota(Path("/sys/fs/cgroup/cpu.max")))
    finally:
        os.sched_setaffinity(0, cores)


def _cores_of_quota(path: Path) -> int:
    """The cores that Linux's control group (version 2) leaves to this container."""
    limit, period = path.read_text().split() if path.exists() else ("max", "1")
    return (os.cpu_count() or 1) if limit == "max" else math.ceil(int(limit) / int(period))


@pytest.mark.parametrize(
    ("text", "cores"), [("max 100000", 8), ("150000 100000", 2), ("20000 100000", 1), ("6400000 100000", 8)]
)
def test_cores_are_bounded_by_a_container_s_quota(text: str, cores: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)), raising=False)
    exists = os.path.exists
    monkeypatch.setattr(os.path, "exists", lambda path: path == CPU_MAX or exists(path))
    monkeypatch.setattr(
        builtins, "open", lambda path, *words, real=open: io.StringIO(text) if path == CPU_MAX else real(path, *words)
    )
    assert machine.cpu_cores() == cores


def test_versions_name_what_is_installed() -> None:
    versions = machine.versions()
    assert next(iter(versions)) == "python"
    assert versions["python"] == platform.python_version()
    assert {"keras", "numpy", "backend"} <= set(versions)


def test_a_package_that_is_missing_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "PACKAGES", ("numpy", "no-such-package"))
    assert set(machine.versions()) == {"python", "numpy", "backend"}


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("processor\t: 0\nmodel name\t: Fast 3000 @ 2: GHz\nmodel name\t: other\n", "Fast 3000 @ 2: GHz"),
        ("processor\t: 0\nBogoMIPS\t: 50\n", None),
        (None, None),
    ],
)
def test_the_processor_s_name(tmp_path: Path, text: str | None, name: str | None) -> None:
    path = tmp_path / "cpuinfo"
    if text is not None:
        path.write_text(text)
    assert machine._cpuinfo_name(path) == name


def test_a_processor_without_a_name_has_an_architecture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_cpuinfo_name", lambda path: None)
    monkeypatch.setattr(machine, "_sysctl", lambda name: None)
    monkeypatch.setattr(platform, "processor", lambda: "")
    assert machine.processor_name() == platform.machine()


@pytest.mark.parametrize(
    ("variable", "settings", "backend"),
    [
        ("jax", '{"backend": "torch"}', "jax"),
        ("", '{"backend": "torch"}', "torch"),
        (None, '{"backend": "jax"}', "jax"),
        (None, "{}", "tensorflow"),
        (None, "[]", "tensorflow"),
        (None, "not JSON", "tensorflow"),
        (None, None, "tensorflow"),
    ],
)
def test_the_backend_is_found_without_keras(
    tmp_path: Path, variable: str | None, settings: str | None, backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    if variable is not None:
        monkeypatch.setenv("KERAS_BACKEND", variable)
    if settings is not None:
        (tmp_path / "keras.json").write_text(settings)
    assert machine.keras_backend() == backend


BACKEND_FAULTS = [
    (
        "torch",
        None,
        "KERAS_BACKEND names a backend that can't be used here. Expected tensorflow or jax. Received: torch.",
    ),
    ("nonsense", None, "Received: nonsense. Set KERAS_BACKEND to one of them."),
    (None, '{"backend": "torch"}', '"backend" in '),
    (
        "jax",
        None,
        'Received: none (KERAS_BACKEND). Install it: pip install "mnist-tune[jax]", or set KERAS_BACKEND=tensorflow.',
    ),
    (None, '{"backend": "jax"}', "Expected the package jax."),
    (None, "[" * 100_000 + "]" * 100_000, "nested too deeply"),
    ("tensorflow", "[]", "Received: list"),
]


@pytest.mark.parametrize("fault", BACKEND_FAULTS, ids=range(len(BACKEND_FAULTS)))
@pytest.mark.parametrize(
    "command",
    [
        ["--space", "dense", "--data", "digits", "--out", "new"],
        ["train", "dense128", "--data", "digits", "--out", "new"],
        ["study", "dropout", "--data", "digits", "--out", "new"],
        ["--out", "run", "--resume"],
        ["predict", "run", "a.npy"],
        ["export", "run", "--format", "keras"],
    ],
    ids=lambda command: command[0],
)
def test_a_backend_that_can_t_be_used_is_told_before_anything_is_made(
    command: list[str],
    fault: tuple[str | None, str | None, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    variable, settings, words = fault
    installed = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "jax" else installed(name))
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "home").mkdir()
    if variable is not None:
        monkeypatch.setenv("KERAS_BACKEND", variable)
    if settings is not None:
        (tmp_path / "home" / "keras.json").write_text(settings)
    with zipfile.ZipFile(build_run(tmp_path / "run", TINY) / "best.keras", "w") as archive:
        archive.writestr("config.json", "{}")
    before = sorted(tmp_path.rglob("*"))
    assert cli.main(command) == 2
    err = capsys.readouterr().err
    assert words in err
    assert err.count("\n") == 1
    assert sorted(tmp_path.rglob("*")) == before


def test_the_backend_of_these_tests_can_be_used() -> None:
    machine.validate_environment()


def test_keras_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KERAS_HOME", raising=False)
    assert machine.keras_home() == Path.home() / ".keras"
    monkeypatch.setenv("KERAS_HOME", "~/elsewhere")
    assert machine.keras_home() == Path.home() / "elsewhere"
