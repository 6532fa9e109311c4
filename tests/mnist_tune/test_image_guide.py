"""docs/your-own-images.md, run from top to bottom as a reader would."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.kit.paths import ROOT

GUIDE = (ROOT / "docs" / "your-own-images.md").read_text(encoding="utf-8")
FILES = re.findall(r"`(\w+\.py)`[^\n]*:\n\n```python\n(.*?)```", GUIDE, re.DOTALL)
COMMANDS = re.findall(r"^\$ (.+)$", GUIDE, re.MULTILINE)


def test_the_guide_has_its_files_and_commands() -> None:
    assert [name for name, _ in FILES] == ["draw_shapes.py", "my_pictures.py"]
    assert [command.split()[:2] for command in COMMANDS] == [
        ["python", "draw_shapes.py"],
        ["mnist-tune", "--space"],
        ["mnist-tune", "predict"],
        ["mnist-tune", "export"],
        ["mnist-tune", "verify"],
        ["mnist-tune", "--space"],
    ]


@pytest.mark.slow
def test_the_guide_can_be_followed(tmp_path: Path) -> None:
    for name, text in FILES:
        (tmp_path / name).write_text(text, encoding="utf-8")
    told = [_run(command, tmp_path) for command in COMMANDS]
    search = told[1]
    assert "a folder of 720 images in 3 classes, 40×48, colour" in search
    run = json.loads((tmp_path / "runs" / "shapes" / "run.json").read_bytes())
    assert run["data"]["image_shape"] == [20, 20, 3]
    assert run["data"]["class_names"] == ["circle", "square", "triangle"]
    assert run["data"]["test"] == 103
    result = json.loads((tmp_path / "runs" / "shapes" / "result.json").read_bytes())
    assert result["test"]["accuracy"] > 0.5
    names = {tuned["name"] for tuned in run["space"]["hyperparameters"]}
    assert {"horizontal_flip", "saturation"} <= names
    assert re.search(r"circle|square|triangle", told[2])
    assert "0 failed" in told[4]
    flat = json.loads((tmp_path / "runs" / "flat" / "run.json").read_bytes())
    assert flat["space"]["model"]["images"] == [12, 12, 3]


def _run(command: str, folder: Path) -> str:
    words = command.split()
    words[:1] = [sys.executable] if words[0] == "python" else [sys.executable, "-m", "mnist_tune"]
    ended = subprocess.run(
        words,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=600,
        check=False,
    )
    assert ended.returncode == 0, f"{command}\n{ended.stdout}\n{ended.stderr}"
    return ended.stdout + ended.stderr
