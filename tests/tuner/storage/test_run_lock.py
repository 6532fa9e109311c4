"""Two processes on one run: the second is refused in one line; what a dead one left is in nobody's way."""

from __future__ import annotations

import json
import os
import platform
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from filelock import FileLock

from mnist_tune import cli
from tuner.core.errors import UsageError
from tuner.core.records import Trial
from tuner.options.train_options import TrainOptions
from tuner.run import launch
from tuner.run.observer import Observer
from tuner.storage.run_folder import RunFolder
from tuner.storage.run_lock import HOLDER_NAME, LOCK_NAME, lock_run, refuse_if_held

FAKE = "tests.kit.processes.fake_worker"
HOLD = (
    "import sys, time; from pathlib import Path; from tuner.storage.run_lock import lock_run\n"
    "with lock_run(Path(sys.argv[1])):\n    print('held', flush=True); time.sleep(600)\n"
)


@contextmanager
def holder(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that works on a run."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(folder)], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def training() -> TrainOptions:
    return TrainOptions(
        space="dense", data="digits", workers=1, name="tiny", configuration={"units_1": 8}, seeds=2, epochs=1
    )


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def finished_run(path: Path) -> Path:
    launch.start(training(), RunFolder(path), Observer(), command=[], worker_module=FAKE)
    return path


def test_the_second_is_told_who_holds_it(tmp_path: Path) -> None:
    with holder(tmp_path / "run") as first:
        with pytest.raises(UsageError) as caught, lock_run(tmp_path / "run"):
            pass
        with pytest.raises(UsageError, match=f"pid {first.pid}"):
            refuse_if_held(tmp_path / "run")
    text = str(caught.value)
    assert re.search(rf"pid {first.pid} on '{re.escape(platform.node())}' since \d{{4}}-\d\d-\d\dT", text)
    assert str(tmp_path / "run") in text
    assert "\n" not in text


@pytest.mark.parametrize("how", [["--resume"], ["--force", "--space", "dense", "--data", "digits"]], ids=lambda h: h[0])
def test_neither_resume_nor_force_touches_a_run_that_is_worked_on(
    tmp_path: Path, how: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    path = finished_run(tmp_path / "run")
    run = json.loads((path / "run.json").read_text())
    (path / "run.json").write_text(json.dumps({**run, "status": "running"}))
    with holder(path) as first:
        before = {p: p.read_bytes() for p in path.iterdir() if p.is_file()}
        assert cli.main([*how, "--out", str(path)]) == 2
        assert {p: p.read_bytes() for p in path.iterdir() if p.is_file()} == before
    errors = capsys.readouterr().err
    assert f"pid {first.pid}" in errors
    assert errors.count("\n") == 1


def test_the_report_of_a_run_that_is_worked_on_can_be_rendered(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = finished_run(tmp_path / "run")
    with holder(path):
        assert cli.main(["report", str(path)]) == 0
    assert "Wrote" in capsys.readouterr().out


def test_a_new_run_is_refused_before_its_data_are_read(tmp_path: Path) -> None:
    options = TrainOptions(space="dense", data="nowhere.npz", name="tiny", configuration={})
    with holder(tmp_path / "run"), pytest.raises(UsageError, match="Another process works on this run"):
        launch.start(options, RunFolder(tmp_path / "run"), Observer(), command=[], worker_module=FAKE)


def test_the_lock_is_there_while_a_run_goes_on_and_gone_after_it(tmp_path: Path) -> None:
    seen: list[set[str]] = []

    class Looks(Observer):
        def trial_started(self, trial: Trial) -> None:
            seen.append(files(tmp_path / "run"))
            with pytest.raises(UsageError, match=f"pid {os.getpid()}"):
                refuse_if_held(tmp_path / "run")

    launch.start(training(), RunFolder(tmp_path / "run"), Looks(), command=[], worker_module=FAKE)
    assert all({LOCK_NAME, HOLDER_NAME} <= names for names in seen)
    assert len(seen) == 2
    assert not {LOCK_NAME, HOLDER_NAME} & files(tmp_path / "run")


def test_a_lock_of_a_killed_process_does_not_block(tmp_path: Path) -> None:
    with holder(tmp_path / "run") as first:
        os.kill(first.pid, signal.SIGKILL)
        first.wait()
        assert {LOCK_NAME, HOLDER_NAME} <= files(tmp_path / "run")
        with lock_run(tmp_path / "run"):
            assert json.loads((tmp_path / "run" / HOLDER_NAME).read_text())["pid"] == os.getpid()
    assert files(tmp_path / "run") == set()


@pytest.mark.parametrize(
    "said",
    [
        json.dumps({"pid": 2**22 + 1, "host": platform.node(), "since": "2020-01-01"}),
        json.dumps({"pid": 1, "host": platform.node(), "since": "2020-01-01"}),
        json.dumps({"pid": 1, "host": "elsewhere", "since": "2020-01-01"}),
        "",
        "{",
        "[]",
        '{"pid": "<script>"}',
    ],
    ids=["dead", "another program's by now", "another host", "empty", "torn", "a list", "markup"],
)
def test_what_a_stale_lock_says_is_not_believed(tmp_path: Path, said: str) -> None:
    """Whoever is named, after a reboot or on another host: the system holds no lock, so nobody works on the run."""
    (tmp_path / LOCK_NAME).touch()
    (tmp_path / HOLDER_NAME).write_text(said)
    refuse_if_held(tmp_path)
    with lock_run(tmp_path):
        pass
    assert files(tmp_path) == set()


def test_a_holder_that_does_not_say_who_it_is_refuses_all_the_same(tmp_path: Path) -> None:
    with holder(tmp_path / "run"):
        (tmp_path / "run" / HOLDER_NAME).write_text("{")
        with pytest.raises(UsageError, match="an unknown one"):
            refuse_if_held(tmp_path / "run")


def test_of_many_at_once_one_gets_it_at_a_time(tmp_path: Path) -> None:
    """Each takes the lock several times and checks that nobody else is in; files come and go meanwhile."""
    code = (
        "import sys, time, os; from pathlib import Path\n"
        "from tuner.storage.run_lock import lock_run; from tuner.core.errors import UsageError\n"
        "folder, inside, got = Path(sys.argv[1]), Path(sys.argv[2]), 0\n"
        "end = time.monotonic() + 60\n"
        "while got < 5 and time.monotonic() < end:\n"
        "    try:\n"
        "        with lock_run(folder):\n"
        "            os.close(os.open(inside, os.O_CREAT | os.O_EXCL)); time.sleep(0.002); inside.unlink(); got += 1\n"
        "    except UsageError as error:\n"
        "        assert 'works on this run' in str(error), error\n"
        "print(got)\n"
    )
    (tmp_path / "run").mkdir()
    words = [sys.executable, "-c", code, str(tmp_path / "run"), str(tmp_path / "inside")]
    running = [subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(4)]
    said = [process.communicate(timeout=120) for process in running]
    assert said == [("5\n", "")] * 4


@pytest.mark.skipif(os.name != "posix", reason="Windows keeps files that are open")
def test_the_lock_s_file_goes_while_the_lock_is_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else it might be the file of somebody who has got the lock meanwhile, and a third would get it too."""
    there: list[bool] = []
    release = FileLock.release

    def watched(lock: FileLock, force: bool = False) -> None:
        if lock.is_locked:  # locks of other tests may be collected meanwhile
            there.append((tmp_path / LOCK_NAME).exists())
        release(lock, force)

    monkeypatch.setattr(FileLock, "release", watched)
    with lock_run(tmp_path):
        assert (tmp_path / LOCK_NAME).exists()
    assert there
    assert not any(there)


def test_workers_do_not_inherit_the_lock(tmp_path: Path) -> None:
    """A run whose command was killed can go on at once, though its workers may need a moment to notice."""
    code = (
        "import subprocess, sys, time; from pathlib import Path; from tuner.storage.run_lock import lock_run\n"
        "with lock_run(Path(sys.argv[1])):\n"
        "    child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'], stdout=subprocess.DEVNULL)\n"
        "    print(child.pid, flush=True); time.sleep(600)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "run")], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    child = int(process.stdout.readline())
    process.kill()
    process.communicate()
    try:
        with lock_run(tmp_path / "run"):
            os.kill(child, 0)  # it is still there
    finally:
        os.kill(child, signal.SIGKILL)


def test_a_start_that_fails_leaves_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*arguments: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(launch, "save_arrays", fails)
    with pytest.raises(ZeroDivisionError):
        launch.start(training(), RunFolder(tmp_path / "run"), Observer(), command=[], worker_module=FAKE)
    assert not (tmp_path / "run").exists()


def test_a_start_that_was_cut_short_can_be_begun_again(tmp_path: Path) -> None:
    path = tmp_path / "run"
    (path / ".work" / "data").mkdir(parents=True)
    (path / ".work" / "data" / "x_train.npy").write_bytes(b"half")
    (path / ".run.json.partial").touch()
    (path / LOCK_NAME).touch()
    with pytest.raises(UsageError, match="Nothing had begun in it"):
        RunFolder(path).read_run()
    assert finished_run(path).is_dir()
    assert not any(name.startswith(".") for name in files(path))


@pytest.mark.parametrize(
    "left", [[], [LOCK_NAME], [LOCK_NAME, HOLDER_NAME], [LOCK_NAME, ".work"], [LOCK_NAME, ".work", ".run.json.partial"]]
)
def test_resuming_what_never_began_says_how_to_begin(
    left: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever a kill before run.json leaves, however early it was."""
    path = tmp_path / "a run"
    path.mkdir()
    for name in left:
        (path / name).mkdir() if name == ".work" else (path / name).touch()
    assert cli.main(["--out", str(path), "--resume"]) == 2
    err = capsys.readouterr().err
    assert "Nothing had begun in it, so nothing is lost" in err
    assert f"without --resume (such as mnist-tune --space NAME --out '{path}')" in err
    assert err.count("\n") == 1
    assert files(path) == set(left)


def test_a_folder_of_something_else_is_not_taken_for_a_start(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "letter.txt").touch()
    assert cli.main(["--out", str(tmp_path), "--resume"]) == 2
    assert "begun" not in capsys.readouterr().err


def test_a_run_written_over_can_be_written_over_again_if_that_is_cut_short(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is deleted last is what says that it is a run."""
    path = finished_run(tmp_path / "run")
    removed: list[str] = []
    names = RunFolder.make.__globals__
    remove = names["remove"]

    def watched(target: Path) -> None:
        removed.append(target.name)
        remove(target)

    monkeypatch.setitem(names, "remove", watched)
    RunFolder(path).make()
    assert removed[-1] == "run.json"
    assert len(removed) > 3


@pytest.mark.skipif(os.name != "posix", reason="asks the system for a process by its number")
def test_only_what_no_process_writes_any_more_is_swept(tmp_path: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    ours = {f".report.html.{os.getpid()}", "notes.txt", ".report.html.x", ".hidden"}
    theirs = {f".report.html.{gone.pid}", f".trials.csv.{gone.pid}", ".result.json.partial", ".evaluation.partial.npz"}
    for name in ours | theirs:
        (tmp_path / name).touch()
    (tmp_path / ".best.partial").mkdir()
    RunFolder(tmp_path).sweep()
    assert files(tmp_path) == ours


def test_a_folder_that_can_t_be_locked_is_told_in_a_line(tmp_path: Path) -> None:
    (tmp_path / LOCK_NAME).mkdir()
    with pytest.raises(UsageError, match="can't be locked") as caught, lock_run(tmp_path):
        pass
    assert "\n" not in str(caught.value)


def test_nothing_that_only_unix_has_is_needed_to_import_or_to_begin(tmp_path: Path) -> None:
    """As on Windows: no fcntl, no SIGHUP."""
    code = (
        "import sys, signal\n"
        "for name in ('fcntl', 'resource', 'pwd', 'grp', 'termios'):\n    sys.modules[name] = None\n"
        "del signal.SIGHUP\n"
        "import mnist_tune.cli, tuner.run.launch, tuner.workers.worker, tuner.storage.run_lock\n"
        "from mnist_tune.terminal.signals import ending_like_ctrl_c\n"
        "with ending_like_ctrl_c():\n    print('in')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("in\n", 0), done.stderr


def test_a_second_command_does_not_wait(tmp_path: Path) -> None:
    """At once, beside the time that the command takes to start: CPU time, so that a busy machine makes no difference."""
    with holder(tmp_path / "run"):
        began = time.process_time()
        with pytest.raises(UsageError, match="Another process"):
            refuse_if_held(tmp_path / "run")
        assert time.process_time() - began < 1
