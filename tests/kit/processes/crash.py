"""Harness for tests that kill runs. `python -m tests.kit.processes.crash` is a process that has imported everything and forks runs.

A fork costs milliseconds where a fresh command imports Keras for seconds. Each run is the whole command line in a process
group of its own, with `tests.kit.processes.fake_worker` for its workers; this process kills it as it is told.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import signal
import subprocess
import sys
import time
import traceback
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, cast

from tests.kit.drawings import leave_drawings_empty
from tests.kit.journal_files import read_journal
from tuner.core.records import Json
from tuner.data.dataset import load_dataset
from tuner.storage.journal import read_state
from tuner.storage.run_folder import RunFolder

FAKE = "tests.kit.processes.fake_worker"
RUNS: dict[str, list[str]] = {
    "hyperband": ["--space", "compact8k", "--max-epochs", "4", "--confirm-seeds", "2"],
    "random": ["--space", "compact8k", "--algorithm", "random", "--max-trials", "12", "--confirm-seeds", "2"],
    "train": ["train", "dense128", "--seeds", "3"],
    "study": ["study", "dropout", "--seeds", "2", "--epochs", "2"],
}
"""Small runs of every kind."""
_AUDITED = frozenset(
    {"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "shutil.rmtree", "tempfile.mkstemp"}
)


@dataclass(frozen=True)
class End:
    """The end of a run."""

    code: int
    """Exit code; −9 where it was killed."""
    output: str
    """Standard output and error."""
    operations: int = 0
    """Operations on files of the run's folder, where they were counted."""


@dataclass
class Crashes:
    """A client of the process that forks runs."""

    logs: Path
    environment: dict[str, str] = field(default_factory=dict)
    prefix: tuple[str, ...] = ()
    """The command that starts the process in another namespace; empty: in this one."""
    _process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Crashes:
        self.logs.mkdir(parents=True, exist_ok=True)
        self._process = subprocess.Popen(
            [*self.prefix, sys.executable, "-m", "tests.kit.processes.crash", str(self.logs)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, **self.environment},
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.communicate()

    def run(self, words: list[str], out: Path, **how: Any) -> End:
        """Run a command on a folder; resume the run if the folder has one.

        Args:
            words: of a new run.
            out: its folder.
            **how: `after_s` (a signal after so many seconds), `lines` (only once the journal has so many), `seen`
                (only once workers have begun so many trials), `at` (SIGKILL
                before that operation on the folder's files), `signal`, `whom` ("group" or "parent"), `env`, `count`.
        """
        if self._process is None or self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("Use it in a with statement.")
        words = [*words, "--data", "digits"] if not (out / "run.json").exists() else ["--resume"]
        command = {"words": [*words, "--out", str(out)], "out": str(out), **how}
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()
        return End(**json.loads(self._process.stdout.readline()))


def contents(folder: Path) -> dict[str, Json]:
    """Return the parts of each finished trial that may depend on the seed alone."""
    return {name: _timeless(record) for name, record in sorted(read_state(folder / "trials.jsonl").finished.items())}


def _timeless(record: Any) -> Json:
    from tuner.core.records import to_json

    document = to_json(record)
    for key in ("duration_s", "worker", "finished_at"):
        del document[key]
    document["history"].pop("seconds", None)
    return document


def result_of(folder: Path) -> Json:
    """Return result.json without times, and without digests of files that hold times."""
    result = cast(Json, json.loads((folder / "result.json").read_text(encoding="utf-8")))
    result.pop("files", None)
    for arm in result.get("study", {}).get("arms", ()):
        del arm["duration_mean_s"]
    if isinstance(result.get("model"), dict):
        result["model"].pop("difference", None)
    return result


def twice(folder: Path) -> list[str]:
    """Return a message for each trial that finished twice, or started after it had finished."""
    events = [(event["event"], event["trial"]) for event in read_journal(folder / "trials.jsonl")]
    finished = Counter(trial for event, trial in events if event == "finished")
    again = [f"{trial} finished {count} times" for trial, count in finished.items() if count > 1]
    over: set[str] = set()
    for event, trial in events:
        if event == "started" and trial in over:
            again.append(f"{trial} started after it had finished")
        if event == "finished":
            over.add(trial)
    return again


def left_over(folder: Path) -> list[str]:
    """Return the files that should not be in the folder of a completed run."""
    known = {
        "run.json",
        "trials.jsonl",
        "result.json",
        "evaluation.npz",
        "best",
        "best.keras",
        "trials.csv",
        "report.html",
    }
    top = [path.name for path in folder.iterdir() if path.name not in known]
    return sorted(top + [path.name for path in (folder / "best").rglob("*") if "partial" in path.name])


def wrong_with(folder: Path, undisturbed: Path) -> list[str]:
    """Return the differences between a run that was killed and resumed and an undisturbed one; they should be none."""
    faults = [*twice(folder), *(f"{name} was left" for name in left_over(folder))]
    if RunFolder(folder).read_run().status != "completed":
        faults.append("the run is not completed")
    if not (folder / "report.html").is_file() or 'http-equiv="refresh"' in (folder / "report.html").read_text():
        faults.append("the report is not that of a completed run")
    if contents(folder) != contents(undisturbed):
        faults.append("other trials have finished, or with other numbers")
    if result_of(folder) != result_of(undisturbed):
        faults.append("result.json differs")
    return faults


def alive(group: int) -> bool:
    """Return whether a process of this group still lives (zombies do not)."""
    return bool(_members(group))


def _members(group: int) -> list[int]:
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            after = entry.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(after[2]) == group and after[0] != "Z":
            found.append(int(entry.parent.name))
    return found


# --- the process that forks ------------------------------------------------------------------------------------------


def main(logs: str) -> None:
    out = os.fdopen(os.dup(1), "w")
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, 1)
    _import_all()
    for number, line in enumerate(sys.stdin):
        out.write(json.dumps(_run(json.loads(line), Path(logs) / f"{number}.log")) + "\n")
        out.flush()


def _import_all() -> None:
    from tuner.run import launch

    names = (
        "mnist_tune.api.runs",
        "reports.pages.page",
        "reports.pages.trials_csv",
        "sklearn.datasets",
        "seaborn",
        "psutil",
    )
    for name in names:
        importlib.import_module(name)
    leave_drawings_empty()
    # What it compares the images' orientation with is drawn once for all runs.
    load_dataset("digits", validation=0.1, seed=1)
    for function in (launch.start, launch.resume):
        cast(dict[str, Any], function.__kwdefaults__)["worker_module"] = FAKE


def _run(command: Json, log: Path) -> Json:
    if "--space" in command["words"]:
        importlib.import_module("tuner.oracle.hyperband")  # Keras, for searches alone
    log.touch()
    pid = os.fork()
    if pid == 0:
        _child(command, log)
    with contextlib.suppress(OSError):  # both do it: whoever is first, the group is there from now on
        os.setpgid(pid, pid)
    code = _watch(pid, command)
    lines = log.read_text(errors="replace")
    counted = Path(str(log) + ".count")
    return {"code": code, "output": lines, "operations": int(counted.read_text()) if counted.exists() else 0}


def _watch(pid: int, command: Json) -> int:
    """Wait for a run's end, send it the signal that was ordered, and return its exit code."""
    journal = Path(command["out"]) / "trials.jsonl"
    began, due = time.monotonic(), "after_s" in command or "lines" in command
    data = Path(command["out"]) / ".work" / "data"
    while True:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            _end_group(pid)
            return os.waitstatus_to_exitcode(status)
        lines = journal.read_bytes().count(b"\n") if "lines" in command and journal.exists() else 0
        seen = len(list(data.glob("seen-*"))) if "seen" in command else 0
        if due and lines >= command.get("lines", 0) and seen >= command.get("seen", 0):
            time.sleep(command.get("after_s", 0.0))
            _send(pid, command)
            due = False
        if time.monotonic() > began + 240:
            _end_group(pid)
        time.sleep(0.002)


def _send(pid: int, command: Json) -> None:
    number = getattr(signal, command.get("signal", "SIGKILL"))
    send = os.kill if command.get("whom") == "parent" else os.killpg
    try:
        send(pid, number)
    except ProcessLookupError:
        return


def _end_group(pid: int) -> None:
    """Wait until all processes of a run have ended: after a SIGKILL of the parent alone its workers end by themselves."""
    deadline = time.monotonic() + 60
    while _members(pid) and time.monotonic() < deadline:
        time.sleep(0.002)


def _child(command: Json, log: Path) -> None:
    code = 70
    try:
        os.setpgid(0, 0)
        # As a shell starts a command, whatever the tests themselves ignore (SIGHUP under `nohup`).
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
        os.environ.update(command.get("env", {}))
        file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        for descriptor in (1, 2):
            os.dup2(file, descriptor)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        sys.stdout, sys.stderr = open(1, "w", closefd=False), open(2, "w", closefd=False)  # noqa: SIM115
        if "at" in command or command.get("count"):
            _kill_at(command.get("at", 0), command["out"], Path(str(log) + ".count"))
        _another_day(int(os.environ.get("FAKE_DAYS", "0")))
        from mnist_tune.cli import main as mnist_tune

        code = mnist_tune(command["words"])
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _another_day(days: int) -> None:
    """Shift the clock of this process."""
    later = days * 86400.0
    clock = time.time
    time.time = lambda: clock() + later
    moment = (datetime.now(UTC) + timedelta(days=days)).isoformat(timespec="milliseconds")
    for name in ("tuner.storage.journal", "tuner.run.run_document", "tuner.run.sessions.session"):
        if days:
            importlib.import_module(name).now = lambda: moment  # type: ignore[attr-defined]


def _kill_at(at: int, out: str, count: Path) -> None:
    """Count this process's operations on files of the run, and kill its group before operation `at`, from 1; with 0, write their number to `count`."""
    number = 0

    def hear(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal number
        if event not in _AUDITED or not any(
            out in os.fsdecode(a) for a in arguments if isinstance(a, (str, bytes, os.PathLike))
        ):
            return
        if event == "open" and isinstance(arguments[2], int) and not arguments[2] & (os.O_WRONLY | os.O_RDWR):
            return
        number += 1
        if number == at:
            os.killpg(os.getpid(), signal.SIGKILL)
        if not at:
            file = os.open(count, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.write(file, str(number).encode())
            os.close(file)

    sys.addaudithook(hear)


if __name__ == "__main__":
    main(sys.argv[1])
