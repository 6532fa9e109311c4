"""The page of data that are no digits: pictures in colour and of any size, classes by name, no word of MNIST."""

from __future__ import annotations

import base64
import io
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from reports.figures import pictures
from reports.figures.model.confusion import heat_steps, runs_of_steps
from reports.pages.page import render_report
from reports.run.array_checks import ArrayError, check_arrays
from reports.run.reading import read_run
from reports.run.run_data import RunData
from reports.sections.model import card, confusion, data, errors, weights
from reports.sections.section import Picture
from tests.kit.page import SMALL, Page
from tests.kit.pictures import CLOTHES
from tests.kit.run_builder import FakeRun, build_run
from tuner.core.errors import JournalError

COLOUR: dict[str, Any] = {
    "data": "clothes", "image_shape": (32, 32, 3), "classes": 12, "class_names": CLOTHES, "references": False,
}  # fmt: skip


def made(folder: Path, **changes: Any) -> Path:
    return build_run(folder / "run", FakeRun(**{**SMALL, **COLOUR, **changes}))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunData:
    return read_run(made(tmp_path_factory.mktemp("colour")))


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Page:
    return Page(render_report(made(tmp_path_factory.mktemp("colour"))))


def image_of(source: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(source.partition("base64,")[2])))


def test_nothing_is_said_of_mnist_or_digits(page: Page) -> None:
    assert not re.search(r"MNIST|28×28|28, 28|[Dd]igit|bright on black", page.text.replace("mnist-tune", ""))


def test_classes_are_called_by_their_names(page: Page, run: RunData) -> None:
    assert all(name in page.text for name in CLOTHES)
    title = confusion.build(run).title
    assert re.match(r"[A-ZÜ][\w -]+ taken for [\w -]+ is the most frequent mistake: \d+ time", title)
    views: Any = errors.build(run).body["wrong"]
    assert views
    assert all(set(view.words.split(" → ")) <= set(CLOTHES) for view in views)


def test_pictures_are_in_colour_and_at_least_of_their_size(run: RunData) -> None:
    views: Any = errors.build(run).body["wrong"]
    picture = views[0].picture
    assert (picture.width, picture.height) == (64, 64)
    image = image_of(picture.source)
    assert image.size == (32, 32)
    first = int(run.arrays["images/test_indices"][0])
    assert str(first) in picture.description
    shown = run.arrays["images/test"][0].astype(float)
    assert np.abs(np.asarray(image.convert("RGB"), float) - shown).mean() < 8
    assert np.ptp(np.asarray(image.convert("RGB")).astype(int), axis=-1).max() > 30


def test_the_first_layer_s_kernels_are_drawn_in_colour(run: RunData) -> None:
    body = weights.build(run).body
    kernels = run.arrays["kernels"]
    assert body["kernel_words"] == f"The first layer: {kernels.shape[-1]} kernels of 3×3×3"
    drawn: Any = body["kernels"]
    assert len(drawn) == kernels.shape[-1]
    pixels = np.asarray(image_of(drawn[1].source).convert("RGB"), float)
    expected = 127.5 + 127.5 * kernels[..., 1] / np.abs(kernels).max()
    assert np.abs(pixels - expected).max() <= 1


def test_the_card_says_what_the_model_takes(run: RunData) -> None:
    assert run.result is not None
    made_card = card.card_of(run, run.result, ())
    assert "uint8 (n, 32, 32, 3), red, green, blue" in dict(made_card.signature.rows)["Input"]
    assert made_card.limits[0].startswith(
        "It takes 32×32 colour images as its data set has them. Pictures of another size"
    )
    assert "pens" not in " ".join(made_card.limits)
    assert all("np.zeros((1, 32, 32, 3), np.uint8)" in call.code for call in made_card.calls)
    assert all("ink" not in call.code for call in made_card.calls)


def test_mnist_s_card_is_as_it_was(tmp_path: Path) -> None:
    run = read_run(build_run(tmp_path / "run", FakeRun(**SMALL)))
    assert run.result is not None
    made_card = card.card_of(run, run.result, ())
    assert dict(made_card.signature.rows)["Input"] == (
        "uint8 (n, 28, 28), 0 (black) to 255 (white); the preprocessing is inside"
    )
    assert "28×28 grey images as its data set has them: a mark that is bright on black" in made_card.limits[0]
    assert "ink bright on black" in made_card.calls[0].code


def test_augmented_images_are_counted_by_image(run: RunData) -> None:
    words = data.build(run).body["augmentation"]
    assert f"{len(run.arrays['images/samples'])} of {len(run.arrays['images/samples'])} images differ" in str(words)


@pytest.mark.parametrize(
    ("changes", "sizes"),
    [
        ({}, "--picture: 64px; --seen: 56px; --thumbnail: 40px; --words: 152px"),
        ({"image_shape": (128, 96, 3)}, "--picture: 96px; --seen: 48px; --thumbnail: 48px; --words: 152px"),
        ({"image_shape": (8, 8)}, "--picture: 48px; --seen: 56px; --thumbnail: 40px; --words: 152px"),
    ],
)
def test_the_galleries_have_room_for_the_pictures(changes: Any, sizes: str, tmp_path: Path) -> None:
    assert f'<main style="{sizes}">' in render_report(made(tmp_path, **changes))


def test_mnist_s_page_needs_no_sizes(tmp_path: Path) -> None:
    assert "<main>" in render_report(build_run(tmp_path / "run", FakeRun(**SMALL)))


@pytest.mark.parametrize(("references", "told"), [(True, True), (False, False)])
def test_only_beside_published_figures_is_it_said_that_the_data_are_not_mnist(
    references: bool, told: bool, tmp_path: Path
) -> None:
    page = render_report(made(tmp_path, references=references))
    assert ("The data are clothes, not MNIST." in page) == told


def test_a_hundred_classes_are_named_and_their_mistakes_are_listed(tmp_path: Path) -> None:
    names = [f"fish {number}" for number in range(100)]
    run = read_run(made(tmp_path, classes=100, class_names=names, test=3000))
    body: Any = confusion.build(run).body
    matrix = body["matrix"]
    svg = matrix.drawing.svg()
    texts = re.findall(r"<text[^>]*>([^<]+)</text>", svg)
    assert set(names) <= set(texts)
    assert set(texts) - set(names) == {"true class", "predicted class"}
    assert 1000 <= matrix.drawing.width <= 1152
    assert len(svg) < 200_000
    assert len(body["pairs"]) == 24
    assert body["wide"]


@pytest.mark.parametrize("classes", [20, 21, 31])
def test_numbers_stand_in_the_cells_of_few_classes_only(classes: int, tmp_path: Path) -> None:
    run = read_run(made(tmp_path, classes=classes, class_names=[f"class {n}" for n in range(classes)], test=1000))
    figure: Any = confusion.build(run).body["matrix"]
    numbers = re.findall(r"<text[^>]*>\d[\d.]*</text>", figure.drawing.svg())
    assert bool(numbers) == (classes <= 20)


def test_steps_of_a_matrix_are_logarithmic_and_leave_out_the_diagonal() -> None:
    steps = heat_steps(np.array([[50.0, 1.0, 0.0], [np.nan, 9.0, 1000.0], [10.0, 100.0, 3.0]]))
    assert steps.tolist() == [[-1, 0, -1], [-1, -1, 7], [2, 5, -1]]
    assert (heat_steps(np.eye(3)) == -1).all()


def test_neighbouring_cells_of_a_step_are_one_rectangle() -> None:
    runs = runs_of_steps(np.array([[-1, 3, 3], [3, -1, 0], [0, 0, -1]]))
    assert runs[3] == [(0, 1, 3), (1, 0, 1)]
    assert runs[0] == [(1, 2, 3), (2, 0, 2)]
    assert sum(map(len, runs)) == 4


@pytest.mark.parametrize(
    ("shape", "shown", "small"),
    [
        ((28, 28), (56, 56), (40, 40)), ((32, 32, 3), (64, 64), (40, 40)), ((8, 8), (48, 48), (40, 40)), ((4, 12), (48, 16), (40, 13)),
        ((48, 48, 3), (48, 48), (48, 48)), ((128, 96, 3), (96, 128), (48, 64)), ((128, 4), (4, 128), (2, 64)),
    ],
)  # fmt: skip
def test_sizes_of_pictures(shape: tuple[int, ...], shown: tuple[int, int], small: tuple[int, int]) -> None:
    assert pictures.shown_size(shape) == shown
    assert pictures.small_size(shape) == small


def test_small_grey_pictures_are_written_to_the_bit() -> None:
    image = np.random.default_rng(1).integers(0, 256, (28, 28), np.uint8)
    source = pictures.photograph(image)
    assert source == pictures.grey(image)
    assert source.startswith("data:image/png")
    assert np.array_equal(np.asarray(image_of(source)), image)
    for shape in ((64, 64), (8, 8, 3)):
        assert pictures.photograph(np.zeros(shape, np.uint8)).startswith("data:image/webp")


def test_large_maps_and_kernels_are_reduced_by_area() -> None:
    values = np.random.default_rng(1).random((64, 96, 2)).astype(np.float32)
    small = pictures.reduced(values)
    assert small.shape == (21, 32, 2)
    assert small.mean() == pytest.approx(values.mean(), abs=0.01)
    assert pictures.reduced(values[:32, :32]).shape == (32, 32, 2)
    assert pictures.reduced(np.zeros((64, 64, 3, 5))).shape == (32, 32, 3, 5)
    assert np.isfinite(pictures.reduced(np.full((64, 64, 2), 1e308))).all()
    assert pictures.reduced(np.full((64, 64, 2), np.nan)).max() == 0


WRONG: dict[str, np.ndarray[Any, Any]] = {
    "images/test": np.zeros((3, 32, 32), np.uint8),
    "images/samples": np.zeros((3, 28, 28, 3), np.uint8),
    "images/augmented": np.zeros((3, 32, 32, 4), np.uint8),
    "features/example": np.zeros((32, 32), np.uint8),
    "kernels": np.zeros((3, 3, 4, 8), np.float32),
    "custom/own/seen": np.zeros((5, 3, 32, 32), np.uint8),
    "features/0": np.zeros((5000, 3, 2), np.float32),
}


@pytest.mark.parametrize("name", WRONG)
def test_an_array_of_another_shape_is_refused(name: str, run: RunData) -> None:
    with pytest.raises(ArrayError, match=f"{name} has a wrong shape"):
        check_arrays({**run.arrays, name: WRONG[name]}, 12, (32, 32, 3))


@pytest.mark.parametrize("shape", [(28,), (28, 28, 4), (0, 28), (28, 5000), (28, 28, 1)], ids=str)
def test_images_of_an_impossible_shape_are_refused(shape: tuple[int, ...], tmp_path: Path) -> None:
    with pytest.raises(ArrayError, match="images of the run's data have a wrong shape"):
        check_arrays({}, 10, shape)


def test_arrays_of_grey_kernels_may_belong_to_colour_images(run: RunData) -> None:
    check_arrays({**run.arrays, "kernels": np.zeros((3, 3, 8), np.float32)}, 12, (32, 32, 3))


def test_a_run_whose_arrays_are_of_other_images_is_damaged(tmp_path: Path) -> None:
    folder = made(tmp_path)
    text = (folder / "run.json").read_text(encoding="utf-8")
    (folder / "run.json").write_text(
        re.sub(r'"image_shape":\s*\[[^\]]*\]', '"image_shape": [28, 28]', text), encoding="utf-8"
    )
    with pytest.raises(JournalError, match="wrong shape"):
        read_run(folder)


@pytest.mark.slow
@pytest.mark.draws
@pytest.mark.parametrize("shape", [(32, 32, 3), (64, 64, 3), (128, 128, 3), (96, 96)], ids=str)
def test_a_page_of_36_trials_weighs_a_megabyte_and_a_half_at_most(shape: tuple[int, ...], tmp_path: Path) -> None:
    page = render_report(build_run(tmp_path / "run", FakeRun(**{**COLOUR, "image_shape": shape})))
    assert len(page.encode()) < 1_500_000


def test_a_picture_has_its_width_and_height() -> None:
    assert (Picture("data:", "none").width, Picture("data:", "none").height) == (56, 56)
