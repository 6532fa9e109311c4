"""`python -m tests.check`: what CI runs on every change: lint, format, types, tests. Stops at the first failure."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STEPS = (
    ("ruff", "check", "."),
    ("ruff", "format", "--check", "."),
    ("mypy",),
    ("pytest", "--numprocesses=2", "--dist=worksteal"),
)
"""Modules of this interpreter's environment, with their arguments."""


def main() -> int:
    """Run the steps one after another; return the exit code of the first that fails, else 0."""
    start = time.monotonic()
    for step in STEPS:
        sys.stdout.write(f"\n$ python -m {' '.join(step)}\n")
        sys.stdout.flush()
        code = subprocess.run([sys.executable, "-m", *step], cwd=ROOT, check=False).returncode
        if code:
            sys.stdout.write(f"\nFailed: {' '.join(step)}\n")
            return code
    sys.stdout.write(f"\nAll passed in {time.monotonic() - start:.0f} s\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
