"""Imports run one way, and what must be quick to start imports neither Keras nor TensorFlow."""

from __future__ import annotations

import ast
import functools
import json
import resource
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from mnist_tune.cli.entry import COMMANDS
from tests.kit.paths import ROOT
from tests.kit.sources import PACKAGES, modules

HEAVY = ("keras", "keras_tuner", "tensorflow", "jax", "torch")

BELOW_RUN = tuple(
    f"tuner.{name}"
    for name in (
        "core", "stats", "storage", "options", "processes", "images", "data", "oracle", "spaces", "export", "training",
        "rehearsal", "study", "workers",
    )
)  # fmt: skip
ROOMS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("tuner.core", ("search_spaces",)),
    ("tuner.stats", ("tuner.core",)),
    ("tuner.storage", ("tuner.core", "search_spaces.networks.costs")),
    ("tuner.options", ("tuner.core", "tuner.storage", "search_spaces.networks.boards")),
    ("tuner.processes", ("tuner.core", "tuner.storage", "tuner.options")),
    ("tuner.images", ("tuner.core", "tuner.storage")),
    ("tuner.data", ("tuner.core", "tuner.storage", "tuner.images")),
    ("tuner.oracle", ("tuner.core", "tuner.storage", "tuner.options")),
    ("tuner.spaces", ("tuner.core", "tuner.stats", "tuner.storage", "tuner.processes", "tuner.data", "search_spaces")),
    ("tuner.export", ("tuner.core", "tuner.storage", "tuner.processes", "tuner.data", "tuner.spaces")),
    (
        "tuner.training",
        (
            "tuner.core",
            "tuner.stats",
            "tuner.storage",
            "tuner.processes",
            "tuner.images",
            "tuner.data",
            "tuner.spaces",
            "tuner.export",
            "search_spaces",
        ),
    ),
    (
        "tuner.rehearsal",
        (
            "tuner.core",
            "tuner.storage",
            "tuner.processes",
            "tuner.data",
            "tuner.spaces",
            "tuner.export",
            "search_spaces",
        ),
    ),
    (
        "tuner.study",
        (
            "tuner.core",
            "tuner.stats",
            "tuner.storage",
            "tuner.options",
            "tuner.processes",
            "tuner.spaces",
            "search_spaces",
        ),
    ),
    (
        "tuner.workers",
        (
            "tuner.core",
            "tuner.storage",
            "tuner.options",
            "tuner.processes",
            "tuner.data",
            "tuner.spaces",
            "tuner.export",
            "tuner.training",
            "search_spaces",
        ),
    ),
    ("tuner.run", (*BELOW_RUN, "search_spaces")),
    ("tuner.verification", (*BELOW_RUN, "tuner.run", "search_spaces")),
)
"""Rooms of tuner from the ground up, and what each may import besides itself. No room names one that stands after it."""

ALLOWED = {
    "search_spaces": ("search_spaces",),
    "templates": ("templates",),
    "tuner": (),
    **{room: (room, *others) for room, others in ROOMS},
    "reports": ("reports", "templates", "tuner.core", "tuner.stats", "tuner.storage", "search_spaces.networks.costs"),
    "inference": ("inference", "tuner.core", "tuner.images"),
    "mnist_tune": PACKAGES,
}
"""Package, or a room of it → what it may import of ours."""


def room_of(path: Path) -> str:
    """Return the part of the house that a file is in, as `ALLOWED` calls it."""
    first, second = path.relative_to(ROOT).parts[:2]
    return f"{first}.{second}" if f"{first}.{second}" in ALLOWED else first


def imported(source: str) -> Iterator[str]:
    """Every module that a source imports, wherever in it; names out of a package count as its modules."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@functools.cache
def names_in(path: Path) -> tuple[str, ...]:
    return tuple(imported(path.read_text(encoding="utf-8")))


def is_within(name: str, modules: tuple[str, ...]) -> bool:
    return any(name == module or name.startswith(f"{module}.") for module in modules)


def test_every_room_is_there_and_stands_on_those_before_it() -> None:
    folders = {path.name for path in (ROOT / "tuner").iterdir() if (path / "__init__.py").is_file()}
    assert {f"tuner.{name}" for name in folders} == {room for room, _ in ROOMS}
    for place, (_, others) in enumerate(ROOMS):
        later = {room for room, _ in ROOMS[place:]}
        assert not later & set(others)


def test_every_package_is_looked_at() -> None:
    assert {path.relative_to(ROOT).parts[0] for path in modules()} == set(PACKAGES)


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_imports_run_one_way(path: Path) -> None:
    names = names_in(path)
    ours = [name for name in names if is_within(name, (*PACKAGES, "tests"))]
    assert [name for name in ours if not is_within(name, ALLOWED[room_of(path)])] == []
    if path.relative_to(ROOT).parts[0] in ("reports", "templates"):
        assert [name for name in names if is_within(name, HEAVY)] == []


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("import tuner.data.dataset as data, json", ["tuner.data.dataset", "json"]),
        ("from tuner.core import records", ["tuner.core.records"]),
        ("def f():\n    from tuner.data.dataset import Dataset", ["tuner.data.dataset.Dataset"]),
        ("from . import near", []),
    ],
)
def test_imports_are_found(source: str, names: list[str]) -> None:
    assert list(imported(source)) == names


def heavy_imports(programs: Mapping[str, str]) -> dict[str, list[str]]:
    """The heavy modules in the memory of an interpreter that ran these programs one after another, after each."""
    code = "import json, sys\n"
    for name, program in programs.items():
        code += f"{textwrap.dedent(program)}\nheavy = [name for name in {HEAVY} if name in sys.modules]\n"
        code += f"sys.stderr.write(json.dumps([{name!r}, heavy]) + '\\n')\n"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    return dict(json.loads(line) for line in done.stderr.splitlines())


RUN_MAIN = """
    from mnist_tune.cli import main
    try:
        code = main({words})
    except SystemExit as end:
        code = end.code
    if code:
        sys.exit(f"mnist-tune ended with {{code}}")
"""
"""mnist-tune with these words."""


RUN_COMPARE = """
    import tempfile
    from pathlib import Path
    from mnist_tune.cli import main
    from tests.kit.run_builder import FakeRun, build_run
    fake = FakeRun(brackets=((0, ((3, 2),)),), failed=0, seeds=2, validation=60, test=80)
    with tempfile.TemporaryDirectory() as folder:
        runs = [str(build_run(Path(folder) / name, fake)) for name in ("one", "other")]
        if main(["compare", *runs, "-o", f"{folder}/compare.html"]):
            sys.exit("mnist-tune compare failed")
"""


PROGRAMS = {
    **{
        words: RUN_MAIN.format(words=words.split()[1:])
        for words in (
            "mnist-tune",
            "mnist-tune --help",
            *(f"mnist-tune {command} --help" for command in COMMANDS),
            "mnist-tune spaces",
            "mnist-tune spaces compact8k",
            "mnist-tune spaces compact8k --references",
            "mnist-tune completion bash",
            "mnist-tune completion zsh",
            "mnist-tune completion fish",
        )
    },
    "mnist_tune": "import mnist_tune",
    "predict": "import mnist_tune.cli.predict, mnist_tune.prediction.page, mnist_tune.prediction.generalisation",
    "verify": "import mnist_tune.cli.verify, tuner.verification.verify",
    "export": "import mnist_tune.api.export, reports.sections.model.card, tuner.export.writing",
    "inference": "import tuner.images.reading, tuner.images.prediction, inference.models, tuner.images.digits.strokes",
    "reports.pages": "import reports.pages.page, reports.pages.trials_csv",
    "tuner": "import tuner.data.dataset, tuner.core.machine, tuner.storage.journal, tuner.options, tuner.images.ood_images, tuner.run.launch",
    "mnist-tune compare": RUN_COMPARE,
}


@pytest.fixture(scope="module")
def heavy() -> dict[str, list[str]]:
    return heavy_imports(PROGRAMS)


@pytest.mark.parametrize("name", PROGRAMS)
def test_quick_starters_import_nothing_heavy(heavy: dict[str, list[str]], name: str) -> None:
    """Of several that do, the first is the one to look at: what it has imported stays."""
    assert heavy[name] == []


def test_heavy_imports_are_noticed() -> None:
    programs = {"light": "import json", "heavy": "sys.modules['keras'] = sys"}
    assert heavy_imports(programs) == {"light": [], "heavy": ["keras"]}


def cpu_seconds(*words: str) -> float:
    """The seconds of CPU of an interpreter."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *words], capture_output=True, check=True, cwd=ROOT)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@pytest.fixture(scope="module")
def empty_s() -> float:
    return min(cpu_seconds("-c", "") for _ in range(5))


@pytest.mark.parametrize("words", [["--help"], []], ids=["mnist-tune --help", "mnist-tune"])
def test_help_answers_within_three_tenths_of_a_second_of_cpu(words: list[str], empty_s: float) -> None:
    """The best of seven at most: another process may slow any one of them."""
    assert any(cpu_seconds("-m", "mnist_tune", *words) - empty_s < 0.3 for _ in range(7))


@pytest.mark.parametrize("package", PACKAGES)
def test_no_circle_among_the_rooms_of_a_package(package: str) -> None:
    edges: dict[str, set[str]] = {}
    for path in (path for path in modules() if path.relative_to(ROOT).parts[0] == package):
        room = path.relative_to(ROOT).parts[1].removesuffix(".py")
        names = (name.split(".") for name in names_in(path))
        edges.setdefault(room, set()).update(parts[1] for parts in names if parts[0] == package and parts[1] != room)
    for room, others in edges.items():
        seen: set[str] = set()
        left = set(others)
        while left:
            following = left.pop()
            seen.add(following)
            left |= edges.get(following, set()) - seen
        assert room not in seen, f"{package}.{room} imports itself by way of others"
