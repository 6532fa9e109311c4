"""What is shipped, and that the texts beside the code agree with it."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest

import mnist_tune
from tests.kit.paths import ROOT

PACKAGES = {"mnist_tune", "inference", "reports", "templates", "tuner", "search_spaces"}
README = (ROOT / "README.md").read_text(encoding="utf-8")


def project() -> dict[str, Any]:
    table: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return table


def shipped_files() -> set[str]:
    """Every file of the six packages, but for what Python compiled."""
    paths = (path for package in PACKAGES for path in (ROOT / package).rglob("*"))
    return {path.relative_to(ROOT).as_posix() for path in paths if path.is_file() and "__pycache__" not in path.parts}


def test_the_version_is_told_once() -> None:
    version = project()["version"]
    assert version == mnist_tune.__version__
    assert f"## [{version}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_licence_is_the_one_that_is_named() -> None:
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert project()["license"] == "Apache-2.0"
    assert re.search(r"Apache License\s+Version 2\.0, January 2004", text)
    assert "END OF TERMS AND CONDITIONS" in text


def test_every_package_says_that_it_is_typed() -> None:
    assert all((ROOT / package / "py.typed").is_file() for package in PACKAGES)


def test_the_readme_has_one_test_command() -> None:
    commands = re.findall(r"<!-- the test command -->\n```bash\n(.*)\n```", README)
    assert commands == ['python3 -m venv .venv && .venv/bin/pip install -e ".[dev]" && .venv/bin/python -m tests.check']


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(ROOT)]
    if importlib.util.find_spec("hatchling"):
        command.append("--no-build-isolation")
    subprocess.run(command, check=True)
    (path,) = folder.iterdir()
    return zipfile.ZipFile(path)


@pytest.mark.slow
def test_a_wheel_ships_the_six_packages_whole_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    information = f"mnist_tune-{mnist_tune.__version__}.dist-info"
    names = {name for name in wheel.namelist() if not name.startswith(f"{information}/")}
    assert names == shipped_files()
    assert {name.split("/")[0] for name in names} == PACKAGES
    assert any(name.startswith("templates/assets/") for name in names)
    assert not any("test" in Path(name).stem.split("_") for name in names)


@pytest.mark.slow
def test_a_wheel_has_the_command_and_the_licence(wheel: zipfile.ZipFile) -> None:
    information = f"mnist_tune-{mnist_tune.__version__}.dist-info"
    assert "mnist-tune = mnist_tune.cli:main" in wheel.read(f"{information}/entry_points.txt").decode()
    assert f"{information}/licenses/LICENSE" in wheel.namelist()
