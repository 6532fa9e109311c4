"""Runs that are killed, interrupted, starved of memory and of disk, and resumed: nothing lost, nothing done twice.

The whole command line with workers that train nothing (`tests.kit.processes.crash`, `tests.kit.processes.fake_worker`); real training is in
`tests/guarantees/test_real_runs.py`.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.kit.journal_files import chain_lines, read_journal
from tests.kit.processes.crash import RUNS, Crashes, End, alive, contents, left_over, result_of, twice, wrong_with
from tuner.storage.journal import read_state
from tuner.storage.run_folder import RunFolder

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="process groups, /proc and fork as Linux has them")

SLEEP = {"FAKE_SLEEP": "0.02"}
KILLS = 40
SEED = 20


@pytest.fixture(scope="module")
def crashes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crashes]:
    with Crashes(tmp_path_factory.mktemp("crashes"), SLEEP) as process:
        yield process


class Whole(dict[str, Path]):
    """Kind → the folder of an undisturbed run, which is made when it is first asked for."""

    def __init__(self, crashes: Crashes, folder: Path) -> None:
        super().__init__()
        self._crashes, self._folder = crashes, folder

    def __missing__(self, kind: str) -> Path:
        path = self[kind] = self._folder / kind
        end = self._crashes.run(RUNS[kind], path)
        assert end.code == 0, end.output
        return path


@pytest.fixture(scope="module")
def whole(crashes: Crashes, tmp_path_factory: pytest.TempPathFactory) -> Whole:
    return Whole(crashes, tmp_path_factory.mktemp("whole"))


def finish(crashes: Crashes, kind: str, out: Path, undisturbed: Path) -> None:
    """Goes on to the end, where the run must be as good as the other."""
    end = crashes.run(RUNS[kind], out)
    assert end.code == 0, end.output
    assert wrong_with(out, undisturbed) == []


@pytest.mark.slow
@pytest.mark.parametrize("kind", sorted(RUNS))
def test_an_undisturbed_run_is_right_by_the_same_measure(whole: Whole, kind: str) -> None:
    assert wrong_with(whole[kind], whole[kind]) == []
    assert contents(whole[kind])


# --- SIGKILL ---------------------------------------------------------------------------------------------------------


def lines_of(out: Path) -> int:
    journal = out / "trials.jsonl"
    return journal.read_bytes().count(b"\n") if journal.exists() else 0


def killed_again_and_again(
    crashes: Crashes, kind: str, out: Path, chance: random.Random, *, kills: int, by_clock: float
) -> tuple[int, list[str]]:
    """Kills a run at random moments until it ends by itself or has been killed so often; how often, and the moments."""
    done, moments = 0, []
    while done < kills:
        # By the journal too: on a busy machine a clock alone would kill runs that have hardly begun.
        when = {"after_s": chance.uniform(0, 1.2)}
        if chance.random() >= by_clock:
            when = {"after_s": chance.uniform(0, 0.1), "lines": lines_of(out) + chance.randint(1, 6)}
        end = crashes.run(RUNS[kind], out, **when)
        moments.append(json.dumps(when))
        if end.code == 0:
            break
        assert end.code == -signal.SIGKILL, end.output
        done += 1
    return done, moments


def test_killed_at_random_moments_and_resumed_a_run_ends_as_if_undisturbed(
    crashes: Crashes, whole: Whole, tmp_path: Path
) -> None:
    chance, kind, out = random.Random(SEED), "study", tmp_path / "run"
    killed, moments = killed_again_and_again(crashes, kind, out, chance, kills=3, by_clock=0)
    assert killed >= 2, moments
    assert read_state(out / "trials.jsonl").finished
    finish(crashes, kind, tmp_path / "run", whole[kind])


@pytest.mark.slow
def test_forty_kills_over_runs_of_all_kinds(crashes: Crashes, whole: Whole, tmp_path: Path) -> None:
    chance, killed, runs = random.Random(SEED), 0, 0
    while killed < KILLS:
        kind = list(RUNS)[runs % len(RUNS)]
        out = tmp_path / str(runs)
        more, moments = killed_again_and_again(crashes, kind, out, chance, kills=8, by_clock=0.5)
        end = crashes.run(RUNS[kind], out)
        assert end.code == 0, end.output
        assert wrong_with(out, whole[kind]) == [], (kind, moments)
        killed, runs = killed + more, runs + 1
    sys.stdout.write(f"{killed} kills over {runs} runs\n")
    assert runs >= 4


def points(crashes: Crashes, kind: str, folder: Path) -> int:
    """How many operations on its files a run of this kind makes."""
    return crashes.run(RUNS[kind], folder / "counted", count=True).operations


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "step"), [("train", 3), ("study", 6), ("random", 10), ("hyperband", 10)])
def test_killed_before_any_operation_on_its_files_a_run_ends_as_if_undisturbed(
    crashes: Crashes, whole: Whole, tmp_path: Path, kind: str, step: int
) -> None:
    """Every moment between two changes of the folder, not only those that chance finds; every third to tenth, to save time."""
    count = points(crashes, kind, tmp_path)
    assert count > 40
    for number in range(1, count + 1, step):
        out = tmp_path / f"at-{number}"
        first = crashes.run(RUNS[kind], out, at=number)
        assert first.code in (-signal.SIGKILL, 0)
        end = crashes.run(RUNS[kind], out)
        assert end.code == 0, (number, end.output)
        assert wrong_with(out, whole[kind]) == [], number
        shutil.rmtree(out)


@pytest.mark.slow
def test_killed_before_the_last_operations_on_its_files_nothing_is_done_again(
    crashes: Crashes, whole: Whole, tmp_path: Path
) -> None:
    """Where a run is all but done, and its working files go: the moments that used to be wrong."""
    count = points(crashes, "train", tmp_path)
    for number in range(count - 16, count + 1, 4):
        out = tmp_path / f"at-{number}"
        crashes.run(RUNS["train"], out, at=number)
        finish(crashes, "train", out, whole["train"])


@pytest.mark.slow
def test_workers_of_a_command_that_was_killed_end_by_themselves(crashes: Crashes, whole: Whole, tmp_path: Path) -> None:
    """In the middle of long trials; the harness waits until the group is empty, for a minute at most."""
    out = tmp_path / "run"
    began = time.monotonic()
    end = crashes.run(RUNS["study"], out, lines=2, seen=2, whom="parent", env={"FAKE_SLEEP": "600"})
    assert end.code == -signal.SIGKILL
    assert time.monotonic() - began < 60, "they were still there after a minute"
    assert len(read_state(out / "trials.jsonl").started) == 2
    finish(crashes, "study", out, whole["study"])


# --- signals that ask ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("signals", "word"),
    [
        (("SIGTERM", "group"), "SIGTERM"),
        pytest.param(("SIGTERM", "parent"), "SIGTERM", marks=pytest.mark.slow),
        pytest.param(("SIGHUP", "group"), "SIGHUP", marks=pytest.mark.slow),
        pytest.param(("SIGHUP", "parent"), "SIGHUP", marks=pytest.mark.slow),
        pytest.param(("SIGINT", "group"), "Ctrl-C", marks=pytest.mark.slow),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, tuple) else "",
)
def test_asked_to_end_a_run_ends_cleanly_and_goes_on(
    crashes: Crashes, whole: Whole, tmp_path: Path, signals: tuple[str, str], word: str
) -> None:
    """A batch system asks the group or the command alone; it kills what lives on some seconds later."""
    out, (name, whom) = tmp_path / "run", signals
    end = crashes.run(RUNS["study"], out, lines=4, signal=name, whom=whom, env={"FAKE_SLEEP": "0.3"})
    assert end.code == 130, end.output
    assert "Interrupted. What finished is kept; resume with: mnist-tune --out" in end.output
    assert "Traceback" not in end.output
    run = RunFolder(out).read_run()
    assert (run.status, run.error) == ("interrupted", f"stopped by {word}")
    assert (out / "report.html").is_file()
    assert not (out / ".lock").exists()
    finish(crashes, "study", out, whole["study"])


def test_a_signal_that_was_ignored_stays_so(tmp_path: Path) -> None:
    """As `nohup` asks for."""
    code = (
        "import os, signal, sys; signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
        "from mnist_tune.terminal.signals import ending_like_ctrl_c\n"
        "with ending_like_ctrl_c():\n    os.kill(os.getpid(), signal.SIGHUP)\n"
        "print(signal.getsignal(signal.SIGTERM) is signal.SIG_DFL)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"


# --- workers ---------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_trial_whose_worker_is_killed_is_run_again_with_its_seed(
    crashes: Crashes, whole: Whole, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    with killer(out, kills=1):
        end = crashes.run(RUNS["study"], out, env={"FAKE_SLEEP": "0.4"})
    assert end.code == 0, end.output
    assert wrong_with(out, whole["study"]) == []


@contextmanager
def killer(out: Path, kills: int) -> Iterator[None]:
    """Beside: kills workers that serve this run's data, each in the middle of a trial."""
    code = (
        "import os, signal, sys, time\n"
        "from pathlib import Path\n"
        "out, left, seen = sys.argv[1], int(sys.argv[2]), set()\n"
        "while left:\n"
        "    time.sleep(.05)\n"
        "    if len(list(Path(out, '.work', 'data').glob('seen-*'))) < 2: continue\n"
        "    for entry in Path('/proc').glob('[0-9]*'):\n"
        "        try: words = (entry / 'cmdline').read_bytes()\n"
        "        except OSError: continue\n"
        "        if b'\\0tests.kit.processes.fake_worker\\0' in words and out.encode() in words and entry.name not in seen and left:\n"
        "            seen.add(entry.name); os.kill(int(entry.name), signal.SIGKILL); left -= 1\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(out), str(kills)])
    try:
        yield
        assert process.poll() == 0, "no worker was killed"
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize(
    ("asked", "reason"),
    [("die", "it ended with exit code 3"), ("hungry", "it ran out of memory")],
)
@pytest.mark.parametrize(("when", "completed"), [("once", 2), ("always", 0)])
def test_a_lost_worker_s_trial_is_run_again_once_with_its_seed_and_fails_the_second_time(
    tmp_path: Path, asked: str, reason: str, when: str, completed: int
) -> None:
    """A process that dies, and one that has no memory left (a limit of the system; MemoryError), alike."""
    from tests.kit.runs.worker_pool import task, until_done, workers

    with workers(tmp_path) as pool:
        for name in ("a", "b"):
            pool.submit(task(name, **{asked: when}))
        ended = until_done(pool, 2)
    assert sum(event.kind == "finished" for event in ended) == completed
    tries = [line.split() for line in (tmp_path / "seeds").read_text().splitlines()]
    assert sorted(tries) == [["a", "1"], ["a", "1"], ["b", "1"], ["b", "1"]]
    assert all(event.error is None or f"lost its process twice: {reason}" in event.error for event in ended)


# --- full disks ------------------------------------------------------------------------------------------------------


@contextmanager
def small_disk(size_bytes: int) -> Iterator[Path]:
    """A file system of this size; skips where none can be mounted."""
    folder = Path(tempfile.mkdtemp())
    words = ["mount", "-t", "tmpfs", "-o", f"size={size_bytes}", "mnist-tune-test", str(folder)]
    try:
        mounted = subprocess.run(words, capture_output=True, text=True, check=False)
    except OSError as error:
        pytest.skip(f"no small file system can be mounted: {error}")
    if mounted.returncode:
        folder.rmdir()
        pytest.skip(f"no small file system can be mounted (that takes root): {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
        folder.rmdir()


def fill(disk: Path, leave_bytes: int) -> Path:
    """A file that leaves so much of the disk."""
    path = disk / "filler"
    free = shutil.disk_usage(disk).free
    path.write_bytes(bytes(max(0, free - leave_bytes)))
    return path


def told_in_a_line(end: End) -> None:
    assert end.code == 1, end.output
    assert "Traceback" not in end.output, end.output
    lines = [line for line in end.output.splitlines() if line.startswith("mnist-tune: ")]
    assert len(lines) == 1, end.output
    assert "disk is full" in lines[0]
    assert end.output.rstrip().splitlines()[-1] == lines[0]


@pytest.mark.slow
@pytest.mark.parametrize("room", [0, 300_000], ids=["none", "some"])
def test_a_run_that_finds_no_room_does_not_begin(crashes: Crashes, room: int) -> None:
    with small_disk(4_000_000) as disk:
        filler = fill(disk, room)
        told_in_a_line(crashes.run(RUNS["study"], disk / "run"))
        assert not (disk / "run").exists()
        filler.unlink()
        assert crashes.run(RUNS["train"], disk / "run").code == 0


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["train", "study"])
def test_a_disk_that_fills_up_stops_the_run_and_nothing_is_lost(crashes: Crashes, whole: Whole, kind: str) -> None:
    """Wherever in the run it is full: from the first line of the journal to the last byte of the report."""
    seen: set[str] = set()
    with small_disk(30_000_000) as disk:
        used = _largest_use(crashes, kind, disk)
        for share in (0.55, 0.7, 0.8, 0.88, 0.94, 0.97, 0.99):
            out = disk / "run"
            filler = fill(disk, int(used * share))
            end = crashes.run(RUNS[kind], out)
            if end.code:
                told_in_a_line(end)
                before = contents(out) if (out / "trials.jsonl").exists() else {}
                assert all(record["status"] == "completed" for record in before.values())
                seen.add("begun" if (out / "run.json").exists() else "not begun")
            filler.unlink()
            assert crashes.run(RUNS[kind], out).code == 0
            assert wrong_with(out, whole[kind]) == [], share
            shutil.rmtree(out)
    assert "begun" in seen


def _largest_use(crashes: Crashes, kind: str, disk: Path) -> int:
    """What a run takes of a disk at its end, and its working files besides."""
    out = disk / "measured"
    crashes.run(RUNS[kind], out, lines=6, env={"FAKE_SLEEP": "0.1"})
    used = sum(path.stat().st_blocks * 512 for path in out.rglob("*") if path.is_file())
    shutil.rmtree(out)
    return used


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.02, 0.3, 0.9])
def test_a_disk_that_fills_up_under_a_page_or_a_model(crashes: Crashes, whole: Whole, share: float) -> None:
    """The run is stopped near its end by a signal; then there is room for so much of what is still to be written."""
    with small_disk(30_000_000) as disk:
        out = disk / "run"
        crashes.run(RUNS["train"], out, lines=5, signal="SIGTERM", whom="parent", env={"FAKE_SLEEP": "0.3"})
        filler = fill(disk, int(share * 400_000))
        end = crashes.run(RUNS["train"], out)
        if end.code:
            told_in_a_line(end)
        filler.unlink()
        finish(crashes, "train", out, whole["train"])


@pytest.mark.slow
def test_a_worker_that_finds_the_disk_full_stops_the_run_and_its_trial_is_not_failed(
    crashes: Crashes, tmp_path: Path
) -> None:
    """A model of 20 MB on a disk of 12: the trial is not to blame, and is done again once there is room."""
    with small_disk(12_000_000) as disk:
        out = disk / "run"
        end = crashes.run(RUNS["train"], out, env={"FAKE_MODEL_BYTES": "20000000"})
        told_in_a_line(end)
        assert not read_state(out / "trials.jsonl").finished
        end = crashes.run(RUNS["train"], out)
        assert end.code == 0, end.output
        assert twice(out) == left_over(out) == []


# --- the journal of a run that goes on --------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_run_whose_journal_was_cut_goes_on_after_its_whole_lines(
    crashes: Crashes, whole: Whole, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    crashes.run(RUNS["study"], out, lines=6)
    journal = out / "trials.jsonl"
    journal.write_bytes(journal.read_bytes()[:-30])
    finish(crashes, "study", out, whole["study"])


def test_a_run_whose_journal_was_changed_is_refused_with_the_line(crashes: Crashes, tmp_path: Path) -> None:
    out = tmp_path / "run"
    crashes.run(RUNS["study"], out, lines=6)
    journal = out / "trials.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    lines[1] = lines[1].replace(b'"seed":', b'"seed":1')
    journal.write_bytes(b"".join(lines))
    end = crashes.run(RUNS["study"], out)
    assert end.code == 1
    assert "Traceback" not in end.output
    assert "mnist-tune: trials.jsonl, line 2, is damaged" in end.output
    assert journal.read_bytes() == b"".join(lines)


def test_the_harness_sees_what_is_wrong(whole: Whole, tmp_path: Path) -> None:
    """The measure itself can fail."""
    out = tmp_path / "run"
    shutil.copytree(whole["study"], out)
    assert wrong_with(out, whole["study"]) == []
    (out / ".report.html.77").touch()
    journal = out / "trials.jsonl"
    events = read_journal(journal)
    journal.write_bytes(chain_lines([*events, events[0], events[2]]))
    result = json.loads((out / "result.json").read_text())
    (out / "result.json").write_text(json.dumps({**result, "trial": "0099"}))
    faults = " · ".join(wrong_with(out, whole["study"]))
    for words in ("started after it had finished", ".report.html.77 was left", "result.json differs"):
        assert words in faults
    assert len(read_journal(journal)) == len(events) + 2
    assert alive(os.getpgid(0))
    assert not alive(2**22 + 1)
    assert result_of(whole["study"]) != result
