"""What is said of a doubtful answer: a low probability, a digit or a page that is turned."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from mnist_tune import cli
from mnist_tune.cli import predict as command
from mnist_tune.prediction.loaded_model import Loaded
from tests.kit.digits import small_digit
from tests.kit.handwriting import FONTS, font_mask, glyph_mask
from tests.kit.paths import ROOT
from tests.kit.predictions import keras_file, saved
from tuner.images.doubt import digit_turn_note, page_turn_note, turned, unsure_note
from tuner.images.ood_images import own_arrays
from tuner.images.prediction import Sample, make_sample, predict
from tuner.images.reading import Picture
from tuner.images.user_images import read_own_images

DIGITS = tuple("0123456789")


def as_picture(grey: NDArray[np.float32]) -> Picture:
    image = Image.fromarray(np.rint(255 * grey).astype(np.uint8))
    return Picture("page", grey, image, image)


def answer(share: float, label: int = 7) -> NDArray[np.float32]:
    shares = np.full(10, (1 - share) / 9, np.float32)
    shares[label] = share
    return shares


@pytest.mark.parametrize(("share", "said"), [(0.2, "unsure (20%)"), (0.69, "unsure (69%)"), (0.71, None), (1.0, None)])
def test_a_low_probability_is_said(share: float, said: str | None) -> None:
    note = unsure_note(answer(share))
    assert note is None if said is None else str(note).startswith(said)


def test_a_digit_that_is_surer_turned_says_so() -> None:
    shares = np.stack([answer(0.5, 1), answer(0.6), answer(0.99, 4), answer(0.97)])
    assert digit_turn_note(shares, DIGITS) == "turned by 180° it would be 4 (99%)"
    assert digit_turn_note(shares[[0, 1, 1, 1]], DIGITS) is None
    assert digit_turn_note(shares[[2, 1, 0, 3]], DIGITS) is None


def test_a_page_says_how_to_turn_it() -> None:
    page = np.stack([np.stack([answer(share)] * 8) for share in (0.6, 0.5, 0.7, 0.95)])
    assert "turn it by 90° clockwise" in str(page_turn_note(page))
    assert page_turn_note(page[:, :5]) is None  # too few digits
    assert page_turn_note(page[[3, 0, 1, 2]]) is None  # upright
    assert page_turn_note(page[[0, 0, 1, 2]]) is None  # unsure every way
    assert page_turn_note(np.stack([page[3], page[0], page[3], page[0]])) is None  # no difference


def fake(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """A model that is sure where the upper half is brighter than the lower, and unsure elsewhere."""
    return np.stack([answer(0.99 if image[:14].sum() > 1.2 * image[14:].sum() else 0.4) for image in images])


def heavy_top() -> NDArray[np.uint8]:
    image = np.zeros((28, 28), np.uint8)
    image[4:12, 4:24], image[12:24, 12:16] = 255, 100
    return image


@pytest.mark.parametrize(("quarters", "said"), [(1, "90° clockwise"), (2, "180°"), (3, "90° counterclockwise")])
def test_predict_tells_of_turned_digits(quarters: int, said: str) -> None:
    upright, other = predict([Sample("a", one) for one in (heavy_top(), turned(heavy_top()[None], quarters)[0])], fake, DIGITS)  # fmt: skip
    assert upright.warning is None
    assert other.warning == f"unsure (40%): perhaps none of the classes; turned by {said} it would be 7 (99%)"
    assert other.to_json()["warning"] == other.warning
    assert other.ranked()[0][0] == "7"


def page(labels: list[int]) -> NDArray[np.float32]:
    cells = []
    for label in labels:
        ink = small_digit(label, 40)
        cell = np.ones((64, 64), np.float32)
        cell[12:52, 32 - ink.shape[1] // 2 : 32 - ink.shape[1] // 2 + ink.shape[1]] -= ink
        cells.append(cell)
    return np.block([[cells[row * 4 + column] for column in range(4)] for row in range(len(cells) // 4)])


@pytest.mark.parametrize(("quarters", "said"), [(0, None), (1, "90° clockwise"), (2, "180°"), (3, "90° counterclockwise")])  # fmt: skip
def test_a_page_of_digits_says_that_it_is_turned(quarters: int, said: str | None) -> None:
    """With the sample report's model, which is in the repository."""
    from inference.models import find_model
    from mnist_tune.prediction.loaded_model import load

    classify = load(find_model(ROOT / "docs" / "sample_report" / "best.keras")).classify
    grey = np.ascontiguousarray(np.rot90(page([4, 7, 3, 2, 5, 9, 7, 4, 3, 1, 2, 6]), quarters))
    (one,) = predict([make_sample(as_picture(grey), raw=False)], classify, DIGITS)
    assert one.probabilities is None
    assert str(one.warning).startswith("several digits")
    assert (f"turn it by {said}" in str(one.warning)) if said else "turn" not in str(one.warning)


def test_letters_are_unsure_more_often_than_digits() -> None:
    """The operating point of docs/predict.md, on few: of drawn digits none, of letters in other fonts a tenth at least."""
    from inference.models import find_model
    from mnist_tune.prediction.loaded_model import load

    classify = load(find_model(ROOT / "docs" / "sample_report" / "best.keras")).classify

    def unsure(masks: list[NDArray[np.float64]]) -> int:
        samples = [make_sample(as_picture(page_of(mask)), raw=False) for mask in masks]
        return sum("unsure" in str(one.warning) for one in predict(samples, classify, DIGITS))

    assert unsure([font_mask(label, font) for font in FONTS[:4] for label in range(10)]) == 0
    assert unsure([glyph_mask(letter, font) for font in FONTS[:2] for letter in "AEFGHKMNRTWXYadekmnrw"]) >= 4


def page_of(mask: NDArray[np.float64]) -> NDArray[np.float32]:
    return (1 - np.pad(mask, 60)).clip(0, 1).astype(np.float32)


def test_the_command_asks_the_model_about_a_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[int] = []

    def classify(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        asked.append(len(images))
        return fake(images)

    monkeypatch.setattr(command, "load", lambda model, run: Loaded(classify, DIGITS))
    keras_file(tmp_path / "m.keras", {})
    picture = Image.fromarray(np.rint(255 * page([1, 2, 3, 4, 5, 6, 7, 8])).astype(np.uint8))
    assert cli.main(["predict", str(tmp_path / "m.keras"), "--json", saved(tmp_path, "a.png", picture)]) == 0
    (one,) = json.loads(capsys.readouterr().out)
    assert one["class"] is None
    assert asked == [8, 8, 8, 8]


def test_a_run_s_own_images_say_that_the_winner_was_unsure(tmp_path: Path) -> None:
    small = np.rint(255 * (1 - np.pad(small_digit(3, 40), 12))).astype(np.uint8)
    Image.fromarray(small).save(tmp_path / "a.png")
    own = read_own_images(str(tmp_path), DIGITS)
    for share, said in ((0.4, ["unsure (40%): perhaps none of the classes"]), (0.9, [""])):
        shares = answer(share)[None]

        def ask(images: NDArray[np.uint8], shares: NDArray[np.float32] = shares) -> NDArray[np.float32]:
            return np.repeat(shares, len(images), axis=0)

        assert own_arrays(ask, own, 10)["custom/own/warnings"].tolist() == said
