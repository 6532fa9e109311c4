"""Imports run one way, and what must be quick to start imports neither Keras nor TensorFlow."""

from __future__ import annotations

import ast
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("mnist_tune", "reports", "templates", "inference", "tuner", "search_spaces")
HEAVY = ("keras", "keras_tuner", "tensorflow", "jax")

PREPARATION = (
    "inference.contrast",
    "inference.doubt",
    "inference.frames",
    "inference.heic",
    "inference.image_arrays",
    "inference.images",
    "inference.limits",
    "inference.marks",
    "inference.names",
    "inference.prediction",
    "inference.preparation",
    "inference.sheets",
    "inference.strokes",
)
"""What of `inference` knows no model file: it lies below `tuner`, and imports nothing of ours but itself and how arrays are read."""

STATISTICS = ("correlation", "intervals", "metrics", "paired_tests", "pareto_front")

ALLOWED = {
    "search_spaces": ("search_spaces",),
    "templates": ("templates",),
    "tuner": ("tuner", "search_spaces", *PREPARATION),
    "reports": (
        "reports",
        "templates",
        "tuner.records",
        "tuner.journal",
        "tuner.npz_io",
        "tuner.storage",
        "tuner.files",
        "tuner.errors",
        "search_spaces.networks.costs",
        "tuner.stats",
    ),
    "inference": ("inference", "tuner.errors", "tuner.npz_io"),
    **dict.fromkeys(PREPARATION, (*PREPARATION, "tuner.npz_io")),
    **{f"tuner.stats.{name}": ("tuner.stats", "tuner.records") for name in STATISTICS},
    **{f"tuner.processes.{name}": ("tuner.processes", "tuner.records") for name in ("child", "serving")},
    "mnist_tune": PACKAGES,
}
"""Package, or a module of it with a rule of its own → what it may import of ours."""


def modules() -> list[Path]:
    return sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


def imported(source: str) -> Iterator[str]:
    """Every module that a source imports, wherever in it; names out of a package count as its modules."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def is_within(name: str, modules: tuple[str, ...]) -> bool:
    return any(name == module or name.startswith(f"{module}.") for module in modules)


def test_rules_of_modules_are_of_modules_that_are_there() -> None:
    assert all((ROOT / f"{module.replace('.', '/')}.py").is_file() for module in ALLOWED if "." in module)
    assert {path.stem for path in (ROOT / "tuner" / "stats").glob("*.py")} == {"__init__", *STATISTICS}


def test_every_package_is_looked_at() -> None:
    assert {path.relative_to(ROOT).parts[0] for path in modules()} == set(PACKAGES)


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_imports_run_one_way(path: Path) -> None:
    package, module = path.relative_to(ROOT).parts[0], ".".join(path.relative_to(ROOT).with_suffix("").parts)
    names = list(imported(path.read_text(encoding="utf-8")))
    ours = [name for name in names if is_within(name, (*PACKAGES, "tests"))]
    assert [name for name in ours if not is_within(name, ALLOWED.get(module, ALLOWED[package]))] == []
    if package in ("reports", "templates"):
        assert [name for name in names if is_within(name, HEAVY)] == []


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("import tuner.data as data, json", ["tuner.data", "json"]),
        ("from tuner import records", ["tuner.records"]),
        ("def f():\n    from tuner.data import Dataset", ["tuner.data.Dataset"]),
        ("from . import near", []),
    ],
)
def test_imports_are_found(source: str, names: list[str]) -> None:
    assert list(imported(source)) == names


def heavy_imports(program: str) -> list[str]:
    """The heavy modules in the memory of an interpreter that ran a program."""
    ending = f"\nsys.stderr.write(' '.join(name for name in {HEAVY} if name in sys.modules))"
    command = [sys.executable, "-c", "import sys\n" + textwrap.dedent(program) + ending]
    return subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stderr.split()


RUN_HELP = """
    import runpy
    sys.argv = ["mnist-tune", "--help"]
    try:
        runpy.run_module("mnist_tune", run_name="__main__")
    except SystemExit as end:
        if end.code:
            raise
"""


RUN_COMPARE = """
    import tempfile
    from pathlib import Path
    from mnist_tune.cli import main
    from tests.report_builders import FakeRun, build_run
    fake = FakeRun(brackets=((0, ((3, 2),)),), failed=0, seeds=2, validation=60, test=80)
    with tempfile.TemporaryDirectory() as folder:
        runs = [str(build_run(Path(folder) / name, fake)) for name in ("one", "other")]
        if main(["compare", *runs, "-o", f"{folder}/compare.html"]):
            sys.exit("mnist-tune compare failed")
"""


@pytest.mark.parametrize(
    "program",
    [
        pytest.param(RUN_HELP, id="mnist-tune --help"),
        pytest.param("import mnist_tune", id="mnist_tune"),
        pytest.param("import reports.page", id="reports.page"),
        pytest.param(RUN_COMPARE, id="mnist-tune compare"),
        pytest.param(
            "import inference.images, inference.prediction, inference.models, inference.strokes", id="inference"
        ),
        pytest.param(
            "import mnist_tune.cli.predict, mnist_tune.prediction.page, mnist_tune.prediction.generalisation",
            id="predict",
        ),
        pytest.param("import mnist_tune.cli.verify, tuner.verification.verify", id="verify"),
        pytest.param("import mnist_tune.api.export, reports.model_card, tuner.export.writing", id="export"),
        pytest.param(
            "import tuner.data, tuner.machine, tuner.journal, tuner.options, tuner.custom_images, tuner.launch",
            id="tuner",
        ),
    ],
)
def test_quick_starters_import_nothing_heavy(program: str) -> None:
    assert heavy_imports(program) == []


def test_heavy_imports_are_noticed() -> None:
    assert heavy_imports("sys.modules['keras'] = sys") == ["keras"]


def seconds(*words: str) -> float:
    """The best of seven: another process may slow any one of them."""
    best_s = float("inf")
    for _ in range(7):
        start = time.perf_counter()
        subprocess.run([sys.executable, *words], capture_output=True, check=True, cwd=ROOT)
        best_s = min(best_s, time.perf_counter() - start)
    return best_s


def test_help_answers_within_three_tenths_of_a_second_of_python() -> None:
    assert seconds("-m", "mnist_tune", "--help") - seconds("-c", "") < 0.3
