"""Nothing is unpickled, nothing is written outside of the run's folder, nothing unpacks without end, and nobody's name leads anywhere."""

from __future__ import annotations

import ast
import contextlib
import errno
import io
import json
import os
import pickle
import resource
import shutil
import struct
import subprocess
import sys
import textwrap
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from inference.models import find_model
from mnist_tune import cli
from reports.run.reading import read_run
from tests.kit.data_files import build_arrays, write_npz
from tests.kit.paths import ROOT
from tests.kit.run_builder import make_record, write_journal
from tests.kit.sources import PACKAGES, modules
from tests.kit.strangers import built
from tuner.core.errors import JournalError, RunFailed, UsageError
from tuner.data.dataset import load_dataset
from tuner.options.search_options import SearchOptions
from tuner.run.sessions.session import Session
from tuner.storage import journal
from tuner.storage.run_folder import RunFolder
from tuner.storage.schema.documents import MOST_BYTES

# --- what the source may not say --------------------------------------------------------------------------------------

FORBIDDEN_MODULES = (
    "pickle",
    "cPickle",
    "dill",
    "cloudpickle",
    "joblib",
    "shelve",
    "marshal",
    "yaml",
    "torch",
    "code",
    "runpy",
)
HARMLESS = ("cpu_count",)
"""A name of joblib that reads no file."""
FORBIDDEN_CALLS = (
    "eval",
    "exec",
    "compile",
    "__import__",
    "os.system",
    "os.popen",
    "subprocess.getoutput",
    "pickle.loads",
    "unsafe_load",
)
"""`compile` as a bare name; a model's own `.compile` is another."""
MODELS_LOADED_BY = {"load_model": "safe_mode"}


def faults(source: str) -> Iterator[str]:
    """What in a source could run what a file says."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] in FORBIDDEN_MODULES)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in FORBIDDEN_MODULES:
            yield from (f"{node.module}.{alias.name}" for alias in node.names if alias.name not in HARMLESS)
        elif isinstance(node, ast.Call):
            yield from _faults_of_call(node)


def _faults_of_call(node: ast.Call) -> Iterator[str]:
    name = ast.unparse(node.func)
    telling = ("shell", "allow_pickle", "safe_mode")
    given = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords if keyword.arg in telling}
    if name in FORBIDDEN_CALLS or given.get("shell", "False") != "False":
        yield ast.unparse(node)
    if given.get("allow_pickle", "False") != "False" or given.get("safe_mode", "True") != "True":
        yield ast.unparse(node)
    if name in ("np.load", "numpy.load") and given.get("allow_pickle") != "False":
        yield ast.unparse(node)
    if name.endswith("enable_unsafe_deserialization"):
        yield name


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_source_runs_what_a_file_says(path: Path) -> None:
    assert list(faults(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    "source",
    [
        "import pickle", "from joblib import load", "def f():\n    import yaml", "eval('1')", "np.load(path)",
        "np.load(path, allow_pickle=True)", "numpy.load(path, allow_pickle=flag)", "load_model(path, safe_mode=False)",
        "subprocess.run('ls', shell=True)", "keras.config.enable_unsafe_deserialization()", "exec(text)", "os.system('ls')",
    ],
)  # fmt: skip
def test_such_sources_are_found(source: str) -> None:
    assert list(faults(source)) != []


@pytest.mark.parametrize(
    "source", ["model.compile(loss='mse')", "re.compile('x')", "np.load(path, allow_pickle=False)"]
)
def test_others_are_not(source: str) -> None:
    assert list(faults(source)) == []


def test_parent_and_workers_speak_json_over_pipes_of_their_own() -> None:
    """Nobody else can write there: a pipe has no name, and its ends are the two processes'."""
    users = ("workers/local", "workers/worker", "spaces/probe_client", "rehearsal/probe")
    sources = {
        name: (ROOT / "tuner" / f"{name}.py").read_text(encoding="utf-8")
        for name in ("processes/child", "processes/serving", *users)
    }
    speaking = [name for name, source in sources.items() if "json." in source or "PIPE" in source]
    assert speaking == ["processes/child", "processes/serving"]
    for source in sources.values():
        assert not {"socket", "multiprocessing", "pickle"} & {
            alias.name for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Import) for alias in node.names
        }


# --- pickles ------------------------------------------------------------------------------------------------------------


class Bomb:
    """Unpickled, it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (os.mkdir, (str(self.path),))


def pickled_npz(path: Path, key: str, bomb: Path, **arrays: Any) -> None:
    np.savez(path, **{**arrays, key: np.array([Bomb(bomb)], dtype=object)})


def test_a_pickle_in_data_an_image_or_a_run_is_not_loaded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mark = tmp_path / "unpickled"
    pickle.loads(pickle.dumps(Bomb(mark)))  # noqa: S301 - the bomb goes off where it is unpickled
    assert mark.is_dir()
    mark.rmdir()
    pickled_npz(tmp_path / "data.npz", "y_train", mark, **{k: v for k, v in build_arrays().items() if k != "y_train"})
    with pytest.raises(UsageError, match="pickled"):
        load_dataset(str(tmp_path / "data.npz"), validation=0.1, seed=1)
    run = built(tmp_path / "run")
    pickled_npz(run / "evaluation.npz", "kernels", mark)
    assert cli.main(["report", str(run)]) == 1
    assert "nothing pickled is read" in capsys.readouterr().err
    for name in ("a.npy", "a.npz"):
        (np.save if name == "a.npy" else np.savez)(tmp_path / name, np.array([[Bomb(mark)] * 2] * 2, dtype=object))
        (tmp_path / "m.keras").write_bytes(keras_file())
        assert cli.main(["predict", str(tmp_path / "m.keras"), str(tmp_path / name)]) == 2
    assert not mark.exists()


def keras_file() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("config.json", "{}")
    return stream.getvalue()


# --- what unpacks without end -------------------------------------------------------------------------------------------

GIB = 2**30
LIMIT = 3 * GIB
"""Of the address space of a process that meets a bomb. Python, NumPy and what we import take 1 GiB of addresses at most."""


def npy_head(shape: tuple[int, ...], dtype: str = "|u1") -> bytes:
    text = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode()


def archive_of(path: Path, members: dict[str, tuple[bytes, int]], others: Path | None = None) -> Path:
    """An archive whose members are some bytes, then that many zeros, deflated: a MiB of file for a GiB of zeros."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as made:
        for name, (head, zeros) in members.items():
            with made.open(name, "w", force_zip64=True) as stream:
                stream.write(head)
                for _ in range(zeros // 2**24):
                    stream.write(bytes(2**24))
                stream.write(bytes(zeros % 2**24))
        if others is not None:
            with zipfile.ZipFile(others) as full:
                for info in full.infolist():
                    if info.filename not in members:
                        made.writestr(info.filename, full.read(info))
    return path


def lie_about_size(path: Path, name: str, size: int) -> None:
    """Makes the central directory say that a member has so many bytes."""
    content = bytearray(path.read_bytes())
    place = content.rfind(b"PK\x01\x02", 0, content.rfind(name.encode()))
    content[place + 24 : place + 28] = struct.pack("<I", size)
    path.write_bytes(bytes(content))


def limited(program: str, *words: object) -> subprocess.CompletedProcess[str]:
    """A program in a process that can't have more addresses than the limit."""
    command = [sys.executable, "-c", textwrap.dedent(program), *map(str, words)]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=ROOT, timeout=240, env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (LIMIT, LIMIT)),
    )  # fmt: skip


MAIN = """
    import sys
    from mnist_tune.cli import main
    sys.exit(main(sys.argv[1:]))
"""


def test_the_limit_of_memory_bites() -> None:
    assert "MemoryError" in limited(f"bytearray({LIMIT})").stderr


LONG_HEADER = b"\x93NUMPY\x02\x00" + struct.pack("<I", 2**32 - 1)
ENDLESS = 7 * GIB // 2
"""Zeros that are really there: more than the process can hold."""


def claims(folder: Path, good: Path) -> list[object]:
    return searching(
        folder, archive_of(folder / "a.npz", {"x_train.npy": (npy_head((10**6, 28, 28), "<f8"), 1000)}, good)
    )


def zeros(folder: Path, good: Path) -> list[object]:
    members = {"x_train.npy": (npy_head((10**6, 28, 28), "<f4"), 10**6 * 28 * 28 * 4)}
    return searching(folder, archive_of(folder / "a.npz", members, good))


def header(folder: Path, good: Path) -> list[object]:
    return searching(folder, archive_of(folder / "a.npz", {"x_train.npy": (LONG_HEADER, ENDLESS)}, good))


def lying(folder: Path, good: Path) -> list[object]:
    head = npy_head((60, 28, 28))
    path = archive_of(folder / "a.npz", {"x_train.npy": (head, ENDLESS)}, good)
    lie_about_size(path, "x_train.npy", len(head) + 60 * 28 * 28)
    return searching(folder, path)


def run_s_arrays(folder: Path, good: Path) -> list[object]:
    run = built(folder / "run")
    archive_of(run / "evaluation.npz", {"kernels.npy": (npy_head((ENDLESS, 1, 1)), ENDLESS)})
    return ["report", run]


def image(folder: Path, good: Path) -> list[object]:
    (folder / "m.keras").write_bytes(keras_file())
    return ["predict", folder / "m.keras", archive_of(folder / "image.npz", {"a.npy": (LONG_HEADER, ENDLESS)})]


def model(folder: Path, good: Path) -> list[object]:
    return ["predict", archive_of(folder / "bomb.keras", {"config.json": (b"", ENDLESS)}), good]


def searching(folder: Path, data: Path) -> list[object]:
    return ["--space", "dense", "--out", folder / "out", "--data", data]


@pytest.mark.slow
@pytest.mark.parametrize("bomb", [claims, zeros, header, lying, run_s_arrays, image, model])
def test_a_bomb_is_refused_without_the_memory(bomb: Callable[[Path, Path], list[object]], tmp_path: Path) -> None:
    command = bomb(tmp_path, write_npz(tmp_path / "good.npz"))
    assert max(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file()) < 40 * 2**20
    done = limited(MAIN, *command)
    assert done.returncode in (1, 2), done.stderr[-500:]
    assert done.stderr.count("\n") == 1, done.stderr[-2000:]
    assert not (tmp_path / "out").exists()


def test_an_archive_that_says_100_gb_is_refused_at_once(tmp_path: Path) -> None:
    """No zeros are made here: the header and the directory say so."""
    good = write_npz(tmp_path / "good.npz")
    path = archive_of(tmp_path / "huge.npz", {"x_train.npy": (npy_head((10**6, 28, 28), "<f8"), 0)}, good)
    with pytest.raises(UsageError, match="truncated or has a wrong header"):
        load_dataset(str(path), validation=0.1, seed=1)


# --- strangers' journals and documents ------------------------------------------------------------------------------------


def test_a_journal_of_a_million_lines_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "MOST_LINES", 50)
    run = built(tmp_path / "run")
    line = (run / "trials.jsonl").read_bytes().splitlines(keepends=True)[0]
    (run / "trials.jsonl").write_bytes(line * 50)
    read_run(run)
    (run / "trials.jsonl").write_bytes(line * 51)
    with pytest.raises(JournalError, match="line 51, is more than is read"):
        read_run(run)


@pytest.mark.slow
def test_a_journal_of_a_million_real_lines_is_refused_soon(tmp_path: Path) -> None:
    run = built(tmp_path / "run")
    records = [make_record(f"{number:04d}") for number in range(1, 1001)]
    write_journal(tmp_path / "part", records)
    part = (tmp_path / "part").read_bytes()
    with (run / "trials.jsonl").open("wb") as file:
        for _ in range(500):
            file.write(part)
    done = limited(MAIN, "report", run)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1), done.stderr[-500:]


@pytest.mark.parametrize("ended", [True, False])
def test_a_line_without_end_is_refused(tmp_path: Path, ended: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "MOST_LINE_BYTES", 10_000)
    run = built(tmp_path / "run")
    (run / "trials.jsonl").write_bytes(b'{"event": "' + b"x" * 20_000 + b"\n" * ended)
    with pytest.raises(JournalError, match="line 1, is more than is read"):
        read_run(run)


DEEP = "[" * 100_000 + "]" * 100_000


@pytest.mark.parametrize("name", ["run.json", "result.json", "trials.jsonl"])
@pytest.mark.parametrize(
    "text",
    [
        DEEP, '{"schema": 1, "x": ' + DEEP + "}", '{"schema": 1, "x": NaN}', '{"schema": 1, "seed": 1' + "0" * 400 + "}",
        '{"schema": 1, "seed": 1' + "0" * 5000 + "}", '{"schema": 1, "x": 1e999}', "", "null", "[]", "1", '{"schema": true}', "\ufeff{}",
    ],
    ids=range(12),
)  # fmt: skip
def test_documents_of_another_kind_are_refused_in_one_line(name: str, text: str, tmp_path: Path) -> None:
    run = built(tmp_path / "run")
    (run / name).write_text(text + "\n", encoding="utf-8")
    with pytest.raises(JournalError) as caught:
        read_run(run)
    assert "\n" not in str(caught.value)


def test_a_document_of_too_many_bytes_is_not_read(tmp_path: Path) -> None:
    run = built(tmp_path / "run")
    with (run / "run.json").open("r+b") as file:
        file.truncate(MOST_BYTES + 1)
    with pytest.raises(JournalError, match="too large"):
        read_run(run)


@pytest.mark.parametrize("name", ["../../x", "/etc/passwd", "0001/../../x", "1", "00٣4", "", "0001\n"])
def test_a_trial_s_name_is_a_number_and_leads_nowhere(name: str, tmp_path: Path) -> None:
    run = built(tmp_path / "run")
    write_journal(run / "trials.jsonl", [make_record(name)])
    with pytest.raises(JournalError, match="line 1"):
        read_run(run)
    result = json.loads((run / "result.json").read_bytes())
    run = built(tmp_path / "other")
    (run / "result.json").write_text(json.dumps({**result, "trial": name}))
    with pytest.raises(JournalError, match=r"matching regex.*trial"):
        read_run(run)


# --- links --------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a page is written matters, not what it shows."""
    monkeypatch.setattr("reports.pages.page.render_report", lambda run: "a page")


OWN = ("run.json", "trials.jsonl", "result.json", "evaluation.npz", "trials.csv", "report.html")


@pytest.mark.parametrize("name", [*OWN, "best", "best.keras", "export", ".work"])
@pytest.mark.parametrize("kind", ["link", "dangling", "pipe"])
def test_a_link_among_a_run_s_files_is_refused(
    name: str, kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = built(tmp_path / "run")
    victim = tmp_path / "victim"
    if (run / name).is_file():
        shutil.move(run / name, victim)
    else:
        victim.write_text("mine")
    before = victim.read_bytes()
    if kind == "pipe":
        os.mkfifo(run / name)
    else:
        (run / name).symlink_to(victim if kind == "link" else tmp_path / "nowhere")
    if name != "run.json" or kind == "link":
        for words in (["report", str(run)], ["--out", str(run), "--resume"], ["train", f"{run}:0002"]):
            assert cli.main(words) == 2
            err = capsys.readouterr().err
            assert "links" in err
            assert err.count("\n") == 1
    assert victim.read_bytes() == before
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("name", [".report.html.{pid}", ".trials.csv.{pid}"])
@pytest.mark.usefixtures("undrawn")
def test_a_link_in_place_of_a_temporary_file_is_not_followed(name: str, tmp_path: Path) -> None:
    run = built(tmp_path / "run")
    victim = tmp_path / "victim"
    victim.write_text("mine")
    (run / name.format(pid=os.getpid())).symlink_to(victim)
    assert cli.main(["report", str(run)]) == 0
    assert victim.read_text() == "mine"
    assert not (run / "report.html").is_symlink()
    assert {path.name for path in run.iterdir()} == set(OWN)


def test_a_run_that_is_resumed_has_no_link_anywhere(tmp_path: Path) -> None:
    run = built(tmp_path / "run")
    (run / ".work" / "logs").mkdir(parents=True)
    (run / ".work" / "logs" / "worker-0.log").symlink_to(tmp_path / "victim")
    RunFolder(run).read_run()
    with pytest.raises(UsageError, match=r"worker-0\.log"):
        RunFolder(run).read_run_to_resume()


@pytest.mark.usefixtures("undrawn")
def test_a_folder_that_is_reached_by_a_link_is_the_run_s(tmp_path: Path) -> None:
    run = built(tmp_path / "run")
    (tmp_path / "link").symlink_to(run)
    assert cli.main(["report", str(tmp_path / "link")]) == 0
    assert (run / "report.html").is_file()


def test_force_never_goes_through_a_link(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = built(tmp_path / "run")
    (tmp_path / "link").symlink_to(run)
    words = [
        "--space",
        "dense",
        "--data",
        str(write_npz(tmp_path / "a.npz")),
        "--out",
        str(tmp_path / "link"),
        "--force",
    ]
    assert cli.main(words) == 2
    assert "Received a link" in capsys.readouterr().err
    assert (run / "result.json").exists()


# --- whose code is run ------------------------------------------------------------------------------------------------------------

EVIL = "import pathlib\npathlib.Path('imported').touch()\n"


@pytest.fixture
def stranger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run whose space is code, in a folder that has that code beside it."""
    run = built(tmp_path / "run", status="interrupted")
    for name in ("evil", "tuner", "json", "keras"):
        (run / f"{name}.py").write_text(EVIL)
    document = json.loads((run / "run.json").read_bytes())
    document["space"]["name"] = document["options"]["space"] = "evil:Space"
    document["options"] = {"space": "evil:Space", "data": "digits", "seed": 1, "test": True}
    (run / "run.json").write_text(json.dumps(document))
    (run / "own.json").write_text('{"space": "evil:Space", "configuration": {"x": 1}}')
    monkeypatch.setenv("MNIST_TUNE_DATA", str(write_npz(tmp_path / "data.npz")))
    monkeypatch.chdir(run)
    return run


@pytest.mark.parametrize(
    "words",
    [
        ["--out", ".", "--resume"],
        ["--out", ".", "--resume", "--workers", "1"],
        ["train", "."],
        ["train", ".:0002"],
        ["train", "own.json"],
        ["train", "own.json", "--space", "dense"],
        ["study", "x", "--values", "1,2", "--base", "."],
    ],
)
def test_a_run_names_no_code_that_its_user_did_not_name(
    words: list[str], stranger: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(words) == 2
    err = capsys.readouterr().err
    assert "evil:Space" in err
    assert "Expected --space" in err
    assert err.count("\n") == 1
    assert not (stranger / "imported").exists()
    assert not (stranger / ".work").exists()


def test_workers_make_the_space_of_the_options_not_of_the_run_s_description(stranger: Path) -> None:
    """The guard looks at the options, so nothing else may say what is imported."""
    document = json.loads((stranger / "run.json").read_bytes())
    run = RunFolder(stranger).read_run()
    assert run.space.name == "evil:Space"
    options = SearchOptions.from_json({**document["options"], "space": "dense"})
    session = SimpleNamespace(options=options, run=run)
    assert Session.ref(session).name == "dense"  # type: ignore[arg-type]  # what `ref` needs of a session


@pytest.mark.slow
def test_the_current_folder_stands_in_for_no_module(stranger: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What lies in the folder in which the program is called is found only for a space that its user named, and last."""
    from tuner.processes.tasks import SpaceRef
    from tuner.spaces.user_space import UserSpace
    from tuner.workers.local import LocalWorkers

    monkeypatch.setattr(sys, "path", [path for path in sys.path if path not in ("", str(stranger))])
    with (
        LocalWorkers(1, stranger / "no-data", stranger / "logs") as workers,
        contextlib.suppress(RunFailed),  # without data no worker lives, on a quick machine not even for so long
    ):
        workers.next_event(20)
    assert not (stranger / "imported").exists()
    with pytest.raises(UsageError, match="Space"):
        UserSpace(SpaceRef(name="evil:Space", max_params=None, max_macs=None, classes=10))
    assert (stranger / "imported").exists()


# --- where is written ------------------------------------------------------------------------------------------------------------

WHOLE_RUN = """
    import sys
    from pathlib import Path
    from tuner.run import launch
    from tuner.run.observer import Observer
    from tuner.options.search_options import SearchOptions
    from tuner.storage.run_folder import RunFolder
    from mnist_tune.progress.report_writer import ReportWriter
    folder = RunFolder(Path(sys.argv[1]))
    options = SearchOptions(space="dense", data=sys.argv[2], max_epochs=3, workers=1, confirm_top=1, confirm_seeds=1)
    with ReportWriter(folder.path) as writer:
        launch.start(options, folder, writer, command=["mnist-tune"], worker_module="tests.kit.processes.fake_worker")
"""
NOT_OURS = (".keras", ".config", ".cache", "matplotlib")
"""What Keras and matplotlib keep at home: their settings and the list of fonts."""


def tree(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


@pytest.mark.slow
def test_a_run_writes_into_its_folder_only(tmp_path: Path) -> None:
    for name in ("home", "tmp", "here"):
        (tmp_path / name).mkdir()
    data = write_npz(tmp_path / "data.npz", build_arrays(train=200, test=40, classes=10))
    before = tree(tmp_path)
    environment = {
        **os.environ, "HOME": str(tmp_path / "home"), "TMPDIR": str(tmp_path / "tmp"), "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1",
    }  # fmt: skip
    for name in ("KERAS_HOME", "MPLCONFIGDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
        environment.pop(name, None)
    command = [sys.executable, "-c", textwrap.dedent(WHOLE_RUN), str(tmp_path / "run"), str(data)]
    subprocess.run(command, check=True, cwd=tmp_path / "here", env=environment, capture_output=True, timeout=300)
    new = {path for path in tree(tmp_path) - before if not path.startswith("run/") and path != "run"}
    assert {path for path in new if path.split("/")[1] not in NOT_OURS} == set()
    assert (tmp_path / "run" / "report.html").is_file()
    assert {path.name for path in (tmp_path / "run").iterdir()} == {*OWN, "best", "best.keras"}


def test_temporary_files_have_no_name_or_are_private() -> None:
    """What the sources ask the system for: folders of `tempfile`, which are the user's own (0700), and files without a name."""
    sources = (path.read_text(encoding="utf-8") for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
    used = {
        ast.unparse(node.func)
        for source in sources
        if "temp" in source.lower()
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call) and "temp" in ast.unparse(node.func).lower()
    }
    assert {name for name in used if name.startswith("tempfile.")} == {
        "tempfile.TemporaryFile",
        "tempfile.TemporaryDirectory",
    }
    assert not {name for name in used if "mktemp" in name or "gettempdir" in name}


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("name", ["report.html", "trials.csv"])
def test_a_report_that_can_t_be_written_is_told_in_one_line(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = built(tmp_path / "run")
    replace = Path.replace

    def refuse(path: Path, target: Path) -> Path:
        if target.name == name:
            raise PermissionError(errno.EACCES, "Permission denied")
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", refuse)
    assert cli.main(["report", str(run)]) == 2
    err = capsys.readouterr().err
    assert "can't be written" in err
    assert err.count("\n") == 1
    assert not list(run.glob(".*"))


def savedmodel(folder: Path) -> None:
    """What the loader would run as a program, if it came so far."""
    folder.mkdir(exist_ok=True)
    (folder / "saved_model.pb").touch()


def in_place_of_the_keras_file(run: Path) -> Path:
    savedmodel(run / "best.keras")
    return run


def around_a_run_without_a_file(run: Path) -> Path:
    savedmodel(run)
    (run / "run.json").unlink()
    (run / "run.json").mkdir()
    return run


def around_what_is_no_run_any_more(run: Path) -> Path:
    in_place_of_the_keras_file(run)
    savedmodel(run)
    (run / "run.json").unlink()
    return run


def named_as_a_keras_file(run: Path) -> Path:
    savedmodel(run.with_name("model.keras"))
    return run.with_name("model.keras")


@pytest.mark.parametrize(
    "make",
    [in_place_of_the_keras_file, around_a_run_without_a_file, around_what_is_no_run_any_more, named_as_a_keras_file],
)
def test_no_program_is_run_under_the_name_of_a_file(
    make: Callable[[Path], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mnist_tune.cli.predict.load", lambda model: pytest.fail(f"{model} is loaded"))
    np.save(tmp_path / "a.npy", np.zeros((28, 28), np.uint8))
    assert cli.main(["predict", str(make(built(tmp_path / "run"))), str(tmp_path / "a.npy")]) == 2
    err = capsys.readouterr().err
    assert "folder" in err
    assert err.count("\n") == 1


def test_a_folder_s_keras_file_is_taken_before_its_savedmodel(tmp_path: Path) -> None:
    """Of a folder that is no run: `predict FOLDER` finds what a run would call its model."""
    savedmodel(tmp_path)
    assert find_model(tmp_path).kind == "savedmodel"
    (tmp_path / "best.keras").write_bytes(keras_file())
    assert find_model(tmp_path).path == tmp_path / "best.keras"
    assert find_model(tmp_path).kind == "keras"


def test_a_model_of_another_name_is_not_taken_for_what_was_checked(tmp_path: Path) -> None:
    """Keras reads `.h5` as HDF5, which may have an archive behind it whose configuration is harmless."""
    for name in ("model.h5", "model", "model.KERAS"):
        (tmp_path / name).write_bytes(keras_file())
        with pytest.raises(UsageError, match=r"not a \.keras file"):
            find_model(tmp_path / name)


@pytest.mark.parametrize("name", [*OWN, "best.keras"])
def test_a_folder_in_place_of_a_run_s_file_is_refused(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = built(tmp_path / "run")
    (run / name).unlink(missing_ok=True)
    (run / name).mkdir()
    for words in (
        ["report", str(run)],
        ["--out", str(run), "--resume"],
        ["export", str(run)],
        ["train", f"{run}:0002"],
    ):
        assert cli.main(words) == 2
        err = capsys.readouterr().err
        assert (
            "run.json" in err if name == "run.json" else f"{name} of a run is of another kind. Expected a file" in err
        )
        assert err.count("\n") == 1


@pytest.mark.parametrize("name", ["best", "export", ".work"])
def test_a_file_in_place_of_a_run_s_folder_is_refused(name: str, tmp_path: Path) -> None:
    run = built(tmp_path / "run")
    (run / name).touch()
    with pytest.raises(UsageError, match="Expected a folder"):
        RunFolder(run).read_run()


@pytest.mark.parametrize("out", [[], ["-o", "run/mine"], ["-o", "run/mine/deeper"]])
def test_exports_are_not_written_through_a_run_s_link(
    out: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run = built(tmp_path / "run")
    (run / "best.keras").write_bytes(keras_file())
    (tmp_path / "victim").mkdir()
    (run / ("mine" if out else "export")).symlink_to(tmp_path / "victim")
    assert cli.main(["export", "run", "--format", "keras", *out]) == 2
    err = capsys.readouterr().err
    assert "link" in err
    assert err.count("\n") == 1
    assert not list((tmp_path / "victim").iterdir())


def test_a_run_s_savedmodel_is_run_only_where_its_user_names_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = built(tmp_path / "run")
    (run / "best").mkdir()
    (run / "best" / "saved_model.pb").touch()
    np.save(tmp_path / "a.npy", np.zeros((28, 28), np.uint8))
    assert cli.main(["predict", str(run), str(tmp_path / "a.npy")]) == 2
    err = capsys.readouterr().err
    assert f"name it: {run / 'best'}" in err
    assert err.count("\n") == 1
