"""The project's own sources."""

from __future__ import annotations

from pathlib import Path

from tests.kit.paths import ROOT

PACKAGES = ("mnist_tune", "reports", "templates", "inference", "tuner", "search_spaces")


def modules() -> list[Path]:
    return sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
