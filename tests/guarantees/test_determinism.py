"""Same seed, same run: whatever the workers, the folder, the day, the hashes' salt; killed and resumed or not.

With workers that train nothing; `tests/guarantees/test_real_runs.py` has real training.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from search_spaces.families.registry import load_family
from tests.kit.processes.crash import RUNS, Crashes, contents, result_of
from tests.kit.replacing import replace
from tests.kit.run_builder import FakeRun
from tests.kit.run_builder import run_document as fake_run_document
from tuner.core.errors import UsageError
from tuner.core.records import Json
from tuner.options.run_options import MAX_SEED, RunOptions
from tuner.options.search_options import SearchOptions
from tuner.options.study_options import StudyOptions
from tuner.options.train_options import TrainOptions
from tuner.oracle.registry import make_oracle
from tuner.run import launch, run_document
from tuner.run.observer import Observer
from tuner.storage.run_folder import RunFolder

SEEDS = (0, 1, MAX_SEED)


@pytest.fixture(scope="module")
def crashes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crashes]:
    with Crashes(tmp_path_factory.mktemp("crashes")) as process:
        yield process


def numbers_of(folder: Path) -> tuple[dict[str, Json], Json]:
    return contents(folder), result_of(folder)


def finished(crashes: Crashes, kind: str, folder: Path, *words: str, **how: object) -> tuple[dict[str, Json], Json]:
    end = crashes.run([*RUNS[kind], *words], folder, **how)
    assert end.code == 0, end.output
    return numbers_of(folder)


SHIFTED = {"FAKE_DAYS": "400", "TZ": "Pacific/Kiritimati", "FAKE_SLEEP": "0.01"}
"""Another day, elsewhere (`tests.kit.processes.crash` sets the command's clock)."""


class Whole(dict[tuple[str, int], tuple[dict[str, Json], Json]]):
    """Kind and seed → the numbers of a run by two workers, which is made when it is first asked for."""

    def __init__(self, crashes: Crashes, folder: Path) -> None:
        super().__init__()
        self._crashes, self._folder = crashes, folder

    def __missing__(self, key: tuple[str, int]) -> tuple[dict[str, Json], Json]:
        kind, seed = key
        folder = self._folder / f"{kind}-{seed}"
        self[key] = finished(self._crashes, kind, folder, "--seed", str(seed), "--workers", "2")
        return self[key]


@pytest.fixture(scope="module")
def whole(crashes: Crashes, tmp_path_factory: pytest.TempPathFactory) -> Whole:
    return Whole(crashes, tmp_path_factory.mktemp("whole"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "seed"),
    [("study", 1), ("study", 0), ("study", MAX_SEED), ("hyperband", 0), ("random", MAX_SEED), ("train", 1)],
)
def test_nothing_but_the_seed_matters(crashes: Crashes, whole: Whole, tmp_path: Path, kind: str, seed: int) -> None:
    elsewhere = tmp_path / "elsewhere" / "run"
    words = ("--seed", str(seed), "--workers")
    assert finished(crashes, kind, elsewhere, *words, "4", env=SHIFTED) == whole[kind, seed]
    killed = tmp_path / "killed"
    crashes.run([*RUNS[kind], *words, "1"], killed, lines=7)
    assert finished(crashes, kind, killed) == whole[kind, seed]


@pytest.mark.slow
@pytest.mark.parametrize("kind", RUNS)
def test_another_seed_is_another_run(whole: Whole, kind: str) -> None:
    assert whole[kind, 0] != whole[kind, 1]


@pytest.mark.slow
def test_the_salt_of_hashes_does_not_matter(tmp_path: Path) -> None:
    found = []
    for salt in ("0", "random"):
        with Crashes(tmp_path / f"logs-{salt}", {"PYTHONHASHSEED": salt}) as process:
            found.append([finished(process, kind, tmp_path / salt / kind) for kind in ("hyperband", "study")])
    assert found[0] == found[1]


@pytest.mark.parametrize("algorithm", ["hyperband", "random", "bayesian"])
@pytest.mark.parametrize("seed", SEEDS)
def test_the_first_and_the_last_seed_serve_as_any_other(algorithm: str, seed: int) -> None:
    trials = {} if algorithm == "hyperband" else {"max_trials": 3}
    options = SearchOptions(space="compact8k", algorithm=algorithm, seed=seed, **trials)  # type: ignore[arg-type]
    draws = [make_oracle(load_family("compact8k"), options).ask() for _ in range(2)]
    assert draws[0] == draws[1]
    assert draws[0] is not None


@pytest.mark.parametrize("seed", [-1, MAX_SEED + 1])
@pytest.mark.parametrize(
    ("kind", "others"),
    [
        (SearchOptions, {}),
        (StudyOptions, {"name": "dropout"}),
        (TrainOptions, {"name": "dense128", "configuration": {}}),
    ],
)
def test_a_seed_beyond_is_refused_in_a_line(kind: type[RunOptions], others: Json, seed: int) -> None:
    with pytest.raises(UsageError, match=f"from 0 to {MAX_SEED}") as caught:
        kind(space="dense", seed=seed, **others)
    assert "\n" not in str(caught.value)


# --- what can't be promised, and is said ------------------------------------------------------------------------------


def study_options(**changes: object) -> StudyOptions:
    values = {"space": "dense", "name": "dropout", "seeds": 2, "epochs": 1, "data": "digits", "workers": 2}
    return StudyOptions(**{**values, **changes})  # type: ignore[arg-type]


def begun(path: Path, options: StudyOptions) -> Path:
    launch.start(options, RunFolder(path), Observer(), command=[], worker_module="tests.kit.processes.fake_worker")
    return path


@pytest.mark.parametrize(
    ("gpus", "timeout", "word"),
    [(1, None, "ran on a GPU"), (0, 60.0, "time limit ended trials by the clock")],
    ids=["gpu", "clock"],
)
def test_what_another_run_with_this_seed_may_differ_in_stands_on_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gpus: int, timeout: float | None, word: str
) -> None:
    from reports.pages.page import render_report

    monkeypatch.setattr(launch, "count_gpus", lambda: gpus)
    path = begun(tmp_path / "run", study_options(trial_timeout=timeout))
    (sentence,) = RunFolder(path).read_run().nondeterminism
    assert word in sentence
    page = render_report(path)
    assert sentence.replace("'", "&#39;") in page
    assert "gives this run again" not in page


def test_a_run_that_can_be_had_again_says_so(tmp_path: Path) -> None:
    from reports.pages.page import render_report

    path = begun(tmp_path / "run", study_options())
    assert RunFolder(path).read_run().nondeterminism == []
    assert "will differ a little" not in render_report(path)


def test_a_run_that_goes_on_under_a_clock_or_on_a_gpu_says_so() -> None:
    """They may be given anew with --resume; what it began with still holds."""
    run = fake_run_document(FakeRun(), [])
    options = SearchOptions(space="compact8k", time_budget=60.0)
    run_document.add_nondeterminism(run, options, gpus=2)
    run_document.add_nondeterminism(run, SearchOptions(space="compact8k"), gpus=0)
    run_document.add_nondeterminism(run, options, gpus=2)
    assert len(run.nondeterminism) == 2
    assert "GPU" in run.nondeterminism[0]
    assert "time budget" in run.nondeterminism[1]


def test_a_run_resumed_under_a_time_budget_says_so(tmp_path: Path) -> None:
    from tests.kit.runs.searches import options

    path = tmp_path / "run"
    begun_options = options(max_epochs=1)
    launch.start(
        begun_options, RunFolder(path), Observer(), command=[], worker_module="tests.kit.processes.fake_worker"
    )
    run = RunFolder(path).read_run()
    RunFolder(path).write_run(replace(run, status="interrupted"))
    later = options(max_epochs=1, time_budget=3600.0)
    launch.resume(later, RunFolder(path), Observer(), worker_module="tests.kit.processes.fake_worker")
    assert RunFolder(path).read_run().nondeterminism == ["A time budget ended the search by the clock."]
