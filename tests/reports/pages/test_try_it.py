"""The network in the page, in a real browser: it answers as the Keras model does, by pointer, keyboard and picture."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright: pip install -e '.[dev]'")

from axe_playwright_python.sync_playwright import Axe  # noqa: E402
from playwright.sync_api import Browser, Page, expect  # noqa: E402

import templates  # noqa: E402
from reports.analysis.model.network_copy import network_copy  # noqa: E402
from reports.pages.page import write_report  # noqa: E402
from tests.kit.browser import PHONE, Watched, browser_path, opened  # noqa: E402
from tests.kit.networks import FAMILIES, answers, blobs, family_network, notation_network  # noqa: E402
from tests.kit.page import SMALL  # noqa: E402
from tests.kit.pictures import photograph  # noqa: E402
from tests.kit.run_builder import FakeRun, build_run, make_run  # noqa: E402
from tuner.images.digits.preparation import prepare  # noqa: E402
from tuner.images.digits.strokes import synthetic_digits  # noqa: E402
from tuner.images.resizing import resized  # noqa: E402
from tuner.storage.npz_io import Arrays, read_npz, write_npz  # noqa: E402
from tuner.training.network_copy.replay import FUNCTIONS  # noqa: E402

PATH = browser_path()
pytestmark = pytest.mark.skipif(PATH is None, reason="no Chromium: install chromium, or set CHROMIUM to its path")
ANSWERS = """([network, images]) => {
  const unpacked = unpackNetwork(network);
  return images.map((pixels) => probabilitiesOf(unpacked, Float64Array.from(pixels)));
}"""
PREPARED = """async ([source, shape, how]) => {
  const image = new Image();
  image.src = source;
  await image.decode();
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width: image.width, height: image.height });
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0);
  const picture = context.getImageData(0, 0, image.width, image.height);
  return [...(how ? prepareImage(picture, shape, how) : prepareDigit(picture)).pixels];
}"""


@pytest.fixture(scope="module")
def blank(browser: Browser) -> Iterator[Page]:
    """An empty page with the section's scripts that know nothing of the page."""
    page = browser.new_page()
    for name in ("1-network.js", "2-picture.js"):
        page.add_script_tag(content=(Path(templates.__file__).parent / "assets" / "try-it" / name).read_text("utf-8"))
    yield page
    page.close()


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a run whose network ends in a linear head."""
    return page_of(tmp_path_factory.mktemp("tried") / "run", notation_network("C4s P C8s C6 GAP D10"))


def page_of(folder: Path, model: Any, **fake: Any) -> Path:
    """The page of a made-up run with this network."""
    run = build_run(folder, FakeRun(**{**SMALL, **fake}))
    path = run / "evaluation.npz"
    arrays = read_npz(path)
    write_npz(path, {**arrays, **copy_arrays(model, arrays["images/test"])})
    return write_report(run)


def copy_arrays(model: Any, images: NDArray[np.uint8]) -> Arrays:
    from tuner.training.network_copy.arrays import network_arrays

    return network_arrays(model, None, images)


def script_network(model: Any, images: NDArray[np.uint8]) -> dict[str, object]:
    """A network as the page's script reads it."""
    run = make_run(arrays=copy_arrays(model, images))
    data = msgspec.structs.replace(run.info.data, image_shape=images.shape[1:])
    found = network_copy(replace(run, info=msgspec.structs.replace(run.info, data=data)))
    assert found is not None
    return found.to_json()


@pytest.mark.slow
@pytest.mark.parametrize("name", FAMILIES)
def test_200_images_get_the_keras_model_s_answers(blank: Page, name: str) -> None:
    model, images = family_network(name), blobs(200, FAMILIES[name][2])
    expected = answers(model, images)
    found = np.array(blank.evaluate(ANSWERS, [script_network(model, images), images.reshape(200, -1).tolist()]))
    assert np.abs(found - expected).max() <= 1e-3
    top, second = np.sort(expected, axis=1)[:, ::-1][:, :2].T
    certain = top - second > 1e-3
    assert certain.sum() > 150
    assert (found.argmax(axis=1) == expected.argmax(axis=1))[certain].all()


def test_a_small_network_gets_the_keras_model_s_answers(blank: Page) -> None:
    model, images = notation_network("C4s P S6s P C6 GAP D10", "gelu"), blobs(10, (28, 28))
    found = np.array(blank.evaluate(ANSWERS, [script_network(model, images), images.reshape(10, -1).tolist()]))
    np.testing.assert_allclose(found, answers(model, images), atol=1e-3)


def test_every_function_is_numpy_s(blank: Page) -> None:
    x = np.linspace(-6, 6, 49)
    for name, function in FUNCTIONS.items():
        if name in ("softmax", "normalise", "binary"):
            continue
        found = blank.evaluate("([name, x]) => x.map((one) => FUNCTIONS[name](one, 0.3))", [name, x.tolist()])
        np.testing.assert_allclose(found, function(x, 0.3), atol=1e-6, err_msg=name)


def test_exact_evidence_adds_up_to_the_logit(blank: Page) -> None:
    model, images = notation_network("C4s P C8s C6 GAP D10"), blobs(1, (28, 28))
    network = script_network(model, images)
    sums = blank.evaluate(
        """([network, pixels]) => {
          const unpacked = unpackNetwork(network);
          const maps = mapsOf(unpacked, Float64Array.from(pixels));
          return Array.from({ length: 10 }, (_, name) => sum(exactEvidence(unpacked, maps, name).values));
        }""",
        [network, images.reshape(-1).tolist()],
    )
    bias = model.layers[-2].get_weights()
    logits = np.array(sums) + (bias[1] if len(bias) > 1 else 0)
    found = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
    np.testing.assert_allclose(found, answers(model, images)[0], atol=1e-3)


def test_covering_the_only_evidence_is_seen_where_it_is(blank: Page) -> None:
    """A network whose one class counts the light of one corner."""
    found = blank.evaluate(
        """() => {
          const weights = new Float32Array(2 * 400);
          for (let y = 2; y < 6; y += 1) for (let x = 12; x < 16; x += 1) weights[2 * (20 * y + x) + 1] = 0.002;
          const flat = { kind: "reshape", shape: [1, 1, 400], activation: "linear", numbers: [] };
          const dense = { kind: "conv", shape: [1, 1, 2], kernel: [1, 1, 400, 2], strides: [1, 1], start: [0, 0], activation: "softmax", weights, numbers: [0, 0] };
          const network = { layers: [{ ...flat, shape: [20, 20, 1] }, flat, dense] };
          const run = occlusion(network, new Float64Array(400).fill(255), [1], [0]);
          let next = run.next();
          while (!next.done) next = run.next();
          const at = (y, x) => evidenceAt(next.value[0], y, x);
          return [at(3.5, 13.5), at(15, 5), at(3.5, 4)];
        }"""
    )
    assert found[0] > 5
    assert found[1:] == [0, 0]


# --- pictures -------------------------------------------------------------------------------------------------------


def url(image: Image.Image) -> str:
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode("ascii")


def test_digits_are_prepared_as_predict_does(blank: Page) -> None:
    images, _ = synthetic_digits(20, 3)
    differences = []
    for image in images:
        expected = prepare(image.astype(np.float32) / np.float32(255)).image
        assert expected is not None
        found = np.reshape(blank.evaluate(PREPARED, [url(Image.fromarray(image)), [28, 28, 1], ""]), (28, 28))
        differences.append(np.abs(found - expected).mean())
    # A digit that lands a pixel away differs by some 15 of 255 on average.
    assert np.median(differences) < 0.5
    assert np.max(differences) < 6


@pytest.mark.parametrize("how", ["crop", "pad", "stretch"])
@pytest.mark.parametrize(("size", "shape"), [((90, 60), (32, 24, 3)), ((20, 31), (32, 32, 3)), ((64, 48), (28, 28))])
def test_other_pictures_are_resized_as_the_run_s_were(blank: Page, size: Any, shape: Any, how: Any) -> None:
    picture = photograph(3, size)
    expected = resized(picture, shape[:2], how, len(shape) == 2)
    found = np.reshape(blank.evaluate(PREPARED, [url(picture), (*shape, 1)[:3], how]), shape)
    assert np.abs(found - expected).mean() < 1
    assert np.abs(found - expected).max() <= 6


# --- the section ------------------------------------------------------------------------------------------------------


@pytest.fixture
def view(browser: Browser, tried: Path) -> Iterator[Watched]:
    with opened(browser, tried) as watched:
        yield watched
        assert (watched.said, watched.asked) == ([], [])


def seen(view: Watched) -> str:
    """The picture that the network was given."""
    return str(view.js("document.querySelector('.try-seen').toDataURL()"))


def drawn_line(view: Watched) -> None:
    view.page.locator(".try-pad").scroll_into_view_if_needed()
    box = view.page.locator(".try-pad").bounding_box()
    assert box is not None
    view.page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.2 * box["height"])
    view.page.mouse.down()
    view.page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.8 * box["height"], steps=4)
    view.page.mouse.up()


def test_a_drawing_is_answered_with_evidence_and_maps(view: Watched) -> None:
    status = view.page.locator(".try-status")
    expect(status).to_have_text(re.compile(r"^\d, [\d.]+%$"))  # of the first example
    before = seen(view)
    drawn_line(view)
    view.page.wait_for_function("(before) => document.querySelector('.try-seen').toDataURL() !== before", arg=before)
    shares = [float(text) for text in view.page.locator(".try-bars .n").all_text_contents()]
    assert sum(shares) == pytest.approx(100, abs=0.6)
    expect(view.page.locator(".try-maps canvas")).to_have_count(4)
    expect(view.page.locator(".try-for")).to_have_text(str(int(np.argmax(shares))))
    view.page.locator(".try-bars button").nth(7).click()
    expect(view.page.locator(".try-for")).to_have_text("7")
    expect(view.page.locator(".try-bars [aria-pressed=true]")).to_have_count(1)
    view.page.locator(".try-clear").click()
    expect(status).to_have_text("Nothing is drawn yet.")


@pytest.mark.slow
def test_maps_of_more_values_than_a_function_takes_arguments(browser: Browser, tmp_path: Path) -> None:
    model = notation_network("C32s P P C4 GAP D10", shape=(72, 72))
    path = page_of(tmp_path / "run", model, data="things", image_shape=(72, 72), references=False, custom=False)
    with opened(browser, path) as view:
        expect(view.page.locator(".try-status")).to_have_text(re.compile("%"))
        widths = view.js("[...document.querySelectorAll('.try-maps canvas')].map((one) => one.style.width)")
        assert widths
        assert all(widths)
        assert (view.said, view.asked) == ([], [])


def test_the_pen_is_moved_by_keys(view: Watched) -> None:
    pad = view.page.locator(".try-pad")
    pad.focus()
    pad.press("Delete")
    expect(view.page.locator(".try-status")).to_have_text("Nothing is drawn yet.")
    pad.press("Space")
    for _ in range(14):
        pad.press("ArrowDown")
    expect(view.page.locator(".try-status")).to_have_text(re.compile(r"%"))
    column = view.js(
        "[...document.querySelector('.try-seen').getContext('2d').getImageData(14, 0, 1, 28).data].filter((_, at) => at % 4 === 0)"
    )
    assert sum(value > 128 for value in column) >= 18


def test_a_picture_is_taken_from_a_file_and_a_wrong_one_refused(view: Watched, tmp_path: Path) -> None:
    image, _ = synthetic_digits(4, 5)
    Image.fromarray(image[3]).save(tmp_path / "three.png")
    (tmp_path / "words.png").write_text("no picture")
    before = seen(view)
    view.page.locator(".try-file").set_input_files(tmp_path / "three.png")
    view.page.wait_for_function("(before) => document.querySelector('.try-seen').toDataURL() !== before", arg=before)
    view.page.locator(".try-file").set_input_files(tmp_path / "words.png")
    expect(view.page.locator(".try-status")).to_have_text("words.png can't be read as a picture.")


def test_an_error_opens_with_its_evidence(view: Watched) -> None:
    button = view.page.locator("#errors .look").first
    button.focus()
    view.page.keyboard.press("Enter")
    expect(button).to_have_attribute("aria-expanded", "true")
    item = view.page.locator("#errors .verdicts li").first
    expect(item.locator(".looked canvas")).to_have_count(2)
    names = [item.get_attribute(f"data-{name}") for name in ("said", "true")]
    assert item.locator(".looked figcaption").all_text_contents() == [f"for {name}" for name in names]
    view.page.keyboard.press("Enter")
    expect(item.locator(".looked")).to_have_count(0)


def test_the_section_has_nothing_that_axe_objects_to(view: Watched) -> None:
    expect(view.page.locator(".try-status")).to_have_text(re.compile("%"))
    found = Axe().run(view.page, context="#try-it")
    assert found.response["violations"] == []


def test_on_a_phone_nothing_sticks_out_and_all_can_be_touched(browser: Browser, tried: Path) -> None:
    with opened(browser, tried, viewport=PHONE, has_touch=True, color_scheme="dark") as view:
        expect(view.page.locator(".try-status")).to_have_text(re.compile("%"))
        assert view.js("document.documentElement.scrollWidth") <= 390
        heights = view.js(
            "[...document.querySelectorAll('#try-it button, #errors .look')].map((one) => one.getBoundingClientRect().height)"
        )
        assert min(heights) >= 24


def test_the_page_s_data_enter_it_once(tried: Path) -> None:
    page = tried.read_text("utf-8")
    assert re.findall(r'<script type="application/json" id="([^"]*)">', page) == ["page-data"]
    assert page.count('"kernels":') == 1


def test_without_javascript_a_line_says_what_to_do(browser: Browser, tried: Path) -> None:
    with opened(browser, tried, java_script_enabled=False) as view:
        expect(view.page.locator("#try-it .without-script")).to_contain_text("mnist-tune predict")
        expect(view.page.locator("#try-it .try-pad")).to_be_hidden()


@pytest.fixture(scope="module")
def in_colour(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a run of pictures of 32×32."""
    return page_of(
        tmp_path_factory.mktemp("in_colour") / "run",
        notation_network("C4s P C6 P D16(bias,nobn) D10(bias)", shape=(32, 32, 3)),
        data="things",
        image_shape=(32, 32, 3),
        class_names=tuple(f"thing {number}" for number in range(10)),
        references=False,
        custom=False,
    )


def chosen(view: Watched, picture: Image.Image, path: Path, **options: Any) -> NDArray[np.int64]:
    """The pixels that the network is given of a picture's file."""
    before = seen(view)
    picture.save(path, **options)
    view.page.locator(".try-file").set_input_files(path)
    view.page.wait_for_function("(before) => document.querySelector('.try-seen').toDataURL() !== before", arg=before)
    canvas = "document.querySelector('.try-seen')"
    rows, columns = view.js(f"[{canvas}.height, {canvas}.width]")
    values = view.js(f"[...{canvas}.getContext('2d').getImageData(0, 0, {columns}, {rows}).data]")
    return np.reshape(values, (rows, columns, 4))[..., :3]


def test_a_picture_becomes_the_pixels_that_predict_makes(browser: Browser, in_colour: Path, tmp_path: Path) -> None:
    noise = np.random.default_rng(3).integers(0, 256, (300, 500, 3), np.uint8)
    gamma = PngInfo()
    gamma.add(b"gAMA", (100_000).to_bytes(4, "big"))
    with opened(browser, in_colour) as view:
        expect(view.page.locator(".try-status")).to_have_text(re.compile("%"))
        own = noise[:32, :32]
        np.testing.assert_array_equal(chosen(view, Image.fromarray(own), tmp_path / "own.png"), own)
        other = noise[32:64, :32]
        found = chosen(view, Image.fromarray(other), tmp_path / "gamma.png", pnginfo=gamma)
        np.testing.assert_array_equal(found, other)
        found = chosen(view, Image.fromarray(noise), tmp_path / "large.png")
        assert np.abs(found - resized(Image.fromarray(noise), (32, 32)).astype(int)).max() <= 1


def test_a_picture_after_an_example_is_shown_smooth(view: Watched, tmp_path: Path) -> None:
    view.page.locator(".try-examples button").first.click()
    image, _ = synthetic_digits(4, 5)
    chosen(view, Image.fromarray(image[3]), tmp_path / "three.png")
    assert view.js("document.querySelector('.try-pad').getContext('2d').imageSmoothingEnabled")


def test_a_large_picture_of_a_digit_is_prepared_as_predict_does(view: Watched, tmp_path: Path) -> None:
    image, _ = synthetic_digits(4, 5)
    picture = Image.fromarray(image[3]).resize((1600, 1600), Image.Resampling.BICUBIC)
    expected = prepare(np.asarray(picture, np.float32) / np.float32(255)).image
    assert expected is not None
    assert np.abs(chosen(view, picture, tmp_path / "three.png")[..., 0] - expected).mean() < 2


@pytest.mark.slow
def test_in_colour_with_evidence_by_covering(browser: Browser, in_colour: Path, tmp_path: Path) -> None:
    photograph(4, (60, 40)).save(tmp_path / "photo.png")
    with opened(browser, in_colour) as view:
        view.page.locator(".try-file").set_input_files(tmp_path / "photo.png")
        expect(view.page.locator(".try-status")).to_have_text(re.compile(r"^thing \d, "))
        expect(view.page.locator(".try-for")).to_have_text(re.compile(r"^thing \d$"), timeout=60_000)
        view.page.locator("#errors .look").first.click()
        expect(view.page.locator("#errors .looked canvas")).to_have_count(2, timeout=60_000)
        assert (view.said, view.asked) == ([], [])


def test_a_page_without_a_network_carries_none_of_its_scripts(tmp_path: Path) -> None:
    page = write_report(build_run(tmp_path / "run", FakeRun(**SMALL))).read_text("utf-8")
    assert "try-it" not in page
    assert "unpackNetwork" not in page


@pytest.mark.slow
def test_50_000_parameters_add_at_most_160_kb(tmp_path: Path) -> None:
    """125 kB are the weights."""
    plain = len(write_report(build_run(tmp_path / "plain", FakeRun(**SMALL))).read_bytes())
    model = notation_network("C32s C32s P C40s C52s C20 GAP D10")
    parameters = sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)
    assert 49_000 < parameters <= 50_000
    assert len(page_of(tmp_path / "run", model).read_bytes()) - plain <= 160_000
