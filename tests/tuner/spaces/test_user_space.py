"""A user's own HyperModel: the tutorial as it is written, and what may be wrong with one."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from search_spaces.hyperparameters.hyperparameter import Condition
from tests.kit.marks import slow_after
from tests.kit.paths import ROOT
from tuner.core.errors import UsageError
from tuner.processes.tasks import SpaceRef
from tuner.spaces.user_space import UserSpace

TUTORIAL = (ROOT / "docs" / "own-space.md").read_text(encoding="utf-8")


def code() -> str:
    match = re.search(r"^```python\n(.*?)^```", TUTORIAL, re.DOTALL | re.MULTILINE)
    assert match is not None
    return match.group(1)


def ref(name: str, max_params: int | None = None, classes: int = 10) -> SpaceRef:
    return SpaceRef(name=name, max_params=max_params, max_macs=None, classes=classes)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with the tutorial's module, which processes that are started find."""
    path = tmp_path_factory.mktemp("user")
    (path / "tutorial_space.py").write_text(code())
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(path))
        yield path


@pytest.fixture(scope="module")
def space(folder: Path) -> Iterator[UserSpace]:
    space = UserSpace(ref("tutorial_space:TwoConvolutions"))
    yield space
    space.close()


def test_the_tutorial_s_hyperparameters_are_found_those_of_a_condition_too(space: UserSpace) -> None:
    found = {own.name: own for own in space.hyperparameters}
    assert list(found) == ["filters_1", "filters_2", "head", "learning_rate", "rate", "batch_size"]
    assert found["rate"].conditions == (Condition("head", ("dropout",)),)
    assert (found["learning_rate"].sampling, found["learning_rate"].minimum) == ("log", 1e-4)
    assert (found["filters_1"].kind, found["filters_1"].maximum) == ("int", 16)
    assert space.max_params == 5000


def test_no_draw_is_over_the_cap_and_the_same_generator_gives_the_same(space: UserSpace) -> None:
    draws = [space.sample(np.random.default_rng(seed)) for seed in range(12)]
    assert max(space.count_parameters(draw) for draw in draws) <= 5000
    assert draws == [space.sample(np.random.default_rng(seed)) for seed in range(12)]
    assert len({str(draw) for draw in draws}) > 6
    assert all(("rate" in draw) == (draw["head"] == "dropout") for draw in draws)


def test_the_network_is_weighed_as_keras_does(space: UserSpace) -> None:
    values = space.active({"filters_1": 4, "filters_2": 8})
    parameters = (9 * 4 + 4) + (9 * 4 * 8 + 8) + (5 * 5 * 8 * 10 + 10)
    multiply_adds = 26 * 26 * 9 * 4 + 11 * 11 * 9 * 4 * 8 + 5 * 5 * 8 * 10
    assert space.count_parameters(values) == parameters
    assert space.count_multiply_adds(values) == multiply_adds
    kinds = [layer.kind for layer in space.layers(values)]
    assert (kinds.count("conv2_d"), kinds.count("dense")) in ((2, 1), (0, 1))


@pytest.mark.slow
def test_its_constructor_gets_the_classes(folder: Path) -> None:
    space = UserSpace(ref("tutorial_space:TwoConvolutions", classes=3))
    assert space.layers(space.active({}))[-1].shape == (3,)


BROKEN = {
    "raises": ("def build(self, hp): raise RuntimeError('no good')", "no good"),
    "prints": ("def build(self, hp): print('hello'); return None", "NoneType"),
    "nothing": ("def build(self, hp): return None", "must return a keras.Model. Received: NoneType"),
    "exits": ("def build(self, hp):\n        import os; os._exit(3)", "can't be used"),
}


@pytest.mark.parametrize("kind", slow_after(1, BROKEN))
def test_what_is_wrong_with_one_is_told_in_a_line(folder: Path, kind: str) -> None:
    body, words = BROKEN[kind]
    source = f"import keras_tuner\n\nclass Broken(keras_tuner.HyperModel):\n    {body}\n"
    (folder / f"broken_{kind}.py").write_text(source)
    with pytest.raises(UsageError, match=re.escape(words)) as caught:
        UserSpace(ref(f"broken_{kind}:Broken"))
    assert "\n" not in str(caught.value)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("no_such_module:Space", "There is no module no_such_module. Expected no_such_module.py"),
        ("tutorial_space:Missing", "Missing"),
        ("json:JSONDecoder", "is neither a keras_tuner.HyperModel"),
    ],
)
def test_a_name_that_leads_nowhere_is_told_in_a_line(folder: Path, name: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        UserSpace(ref(name))


@pytest.mark.slow
def test_a_cap_that_nothing_keeps_is_told_with_the_smallest_found(folder: Path) -> None:
    space = UserSpace(ref("tutorial_space:TwoConvolutions", max_params=10))
    with pytest.raises(UsageError, match=r"the smallest of them has [\d,]+ parameters"):
        space.sample(np.random.default_rng(1))


@pytest.mark.slow
def test_the_tutorial_runs_as_it_is_written(tmp_path: Path) -> None:
    (tmp_path / "my_space.py").write_text(code())
    match = re.search(r"^```bash\nmnist-tune (.*?)\n```", TUTORIAL, re.DOTALL | re.MULTILINE)
    assert match is not None
    words = [*match.group(1).split(), "--out", "run", "--workers", "2"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    done = subprocess.run(
        [sys.executable, "-m", "mnist_tune", *words],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, textwrap.shorten(done.stderr, 2000)
    assert "Test accuracy" in done.stdout
    assert (tmp_path / "run" / "report.html").is_file()
