"""A look at the data: digits that don't stand upright and dark ink on bright paper are said; nothing else is accused."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tests.kit.data_files import load, write_npz
from tests.kit.handwriting import FONTS, font_mask, glyph_mask, mnist
from tests.kit.runs.user_image_runs import Notes, options, start
from tuner.data.appearance import find_orientation, look_at
from tuner.images.digits.preparation import centred
from tuner.options.train_options import TrainOptions

Images = NDArray[np.uint8]
LABELS = np.arange(160) % 10


def small(mask: NDArray[np.float64]) -> Images:
    factor = 20 / max(mask.shape)
    size = (max(1, round(mask.shape[1] * factor)), max(1, round(mask.shape[0] * factor)))
    ink = np.asarray(Image.fromarray(mask.astype(np.float32)).resize(size, Image.Resampling.BOX))
    return centred(np.clip(ink, 0, 1))


@cache
def digits() -> Images:
    """(160, 28, 28): sixteen of each digit in eight fonts."""
    return np.stack([small(font_mask(int(label), FONTS[index // 10 % 8])) for index, label in enumerate(LABELS)])


@cache
def letter(character: str, font: str) -> Images:
    return small(glyph_mask(character, font))


TURNS: dict[str, Callable[[Images], Images]] = {
    "transposed": lambda x: x.swapaxes(1, 2),
    "turned by 90° counterclockwise": lambda x: np.rot90(x, 1, (1, 2)),
    "turned by 90° clockwise": lambda x: np.rot90(x, -1, (1, 2)),
    "turned by 180°": lambda x: np.rot90(x, 2, (1, 2)),
    "mirrored left to right": lambda x: x[:, :, ::-1],
    "mirrored top to bottom": lambda x: x[:, ::-1],
}


@pytest.mark.parametrize("name", TURNS)
def test_how_digits_lie_is_said(name: str) -> None:
    note = find_orientation(TURNS[name](digits()), LABELS)
    assert f"look {name}: " in str(note)
    assert ("x.transpose(0, 2, 1) brings them upright" in str(note)) == (name == "transposed")


def test_upright_digits_are_not_accused() -> None:
    assert find_orientation(digits(), LABELS) is None
    assert look_at(digits(), LABELS) == ()


def test_letters_and_noise_are_not_accused() -> None:
    random = np.random.default_rng(1)
    letters = np.array(list("ABCDEFGHIJKLMNOPRSTUVWXYZ"))
    for _ in range(20):
        chosen = random.choice(letters, 10, replace=False)
        images = np.stack([letter(str(chosen[label]), FONTS[k // 10 % 8]) for k, label in enumerate(LABELS)])
        assert find_orientation(images, LABELS) is None
    assert find_orientation(random.integers(0, 256, (160, 28, 28)).astype(np.uint8), LABELS) is None


def test_few_images_or_classes_say_nothing() -> None:
    turned = TURNS["transposed"](digits())
    assert find_orientation(turned[:90], LABELS[:90]) is None
    assert find_orientation(turned[LABELS < 9], LABELS[LABELS < 9]) is None


def test_dark_ink_is_said_and_its_orientation_is_seen_all_the_same() -> None:
    (note,) = look_at(255 - digits(), LABELS)
    assert "dark ink on bright paper" in note
    assert "save 255 - x" in note
    _, second = look_at(255 - TURNS["transposed"](digits()), LABELS)
    assert "transposed" in second


@pytest.mark.parametrize(
    ("change", "names"),
    [
        pytest.param(lambda x: x[:, 4:24, 4:24], (), id="smaller"),
        pytest.param(lambda x: np.repeat(x[..., None], 3, axis=3), (), id="colour"),
        pytest.param(lambda x: x, tuple("ABCDEFGHIJ"), id="letters"),
    ],
)
def test_only_grey_images_of_mnist_s_size_with_numbers_for_classes_are_judged(
    change: Callable[[Images], Images], names: tuple[str, ...]
) -> None:
    dark_and_turned = 255 - TURNS["transposed"](digits())
    assert len(look_at(dark_and_turned, LABELS, tuple("0123456789"))) == 2
    assert look_at(change(dark_and_turned), LABELS, names) == ()


def test_bright_corners_of_some_are_no_paper() -> None:
    images = digits().copy()
    images[: len(images) // 2] = 255 - images[: len(images) // 2]
    assert look_at(images, LABELS) == ()


def test_a_run_and_its_user_are_told(tmp_path: Path) -> None:
    images = digits().copy()
    images[:, 0, 0] = np.arange(len(images))  # no two are alike
    path = write_npz(tmp_path / "a.npz", x_train=images, y_train=LABELS, x_test=images[:40] // 2, y_test=LABELS[:40])
    assert load(path).notes == ()
    images = TURNS["transposed"](images)
    write_npz(path, x_train=images, y_train=LABELS, x_test=images[:40] // 2, y_test=LABELS[:40])
    notes = Notes()
    start(tmp_path / "run", options(TrainOptions, data=str(path)), notes)
    assert [note for note in notes.said if "look transposed" in note] == [
        note for note in json_of(tmp_path / "run" / "run.json")["notes"] if "look transposed" in note
    ]
    assert len([note for note in notes.said if "look transposed" in note]) == 1


def json_of(path: Path) -> Any:
    import json

    return json.loads(path.read_text())


@pytest.mark.skipif(mnist() is None, reason="MNIST_TUNE_DATA is not set")
@pytest.mark.parametrize("name", [None, *TURNS])
def test_mnist_itself_is_judged_rightly(name: str | None) -> None:
    arrays = mnist()
    assert arrays is not None
    images, labels = arrays["x_test"], arrays["y_test"].astype(np.int64)
    note = find_orientation(TURNS[name](images) if name else images, labels)
    assert note is None if name is None else f"look {name}: " in str(note)
