"""docs/deploy.md: its programs are run as they stand, and its web page is drawn on, with servers of the tests' own and no network."""

from __future__ import annotations

import functools
import http.server
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent import futures
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from markdown_it import MarkdownIt

from tests.kit.browser import browser_path, launched
from tests.kit.paths import ROOT
from tuner.export.formats import FORMATS, FormatName

GUIDE = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
PROGRAMS = [token.content for token in MarkdownIt().parse(GUIDE) if token.type == "fence" and token.info == "python"]
RUNTIME = ("ort.wasm.min.js", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm")
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def program(word: str) -> str:
    """The one program with a word in it."""
    (found,) = [text for text in PROGRAMS if word in text]
    return found


def needs(*packages: str) -> pytest.MarkDecorator:
    missing = [name for name in packages if importlib.util.find_spec(name) is None]
    return pytest.mark.skipif(bool(missing), reason=f"needs {', '.join(missing)}")


def ran(code: str, folder: Path) -> str:
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1", "no_proxy": "localhost"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False, env=environment
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def model() -> Any:
    import keras

    from search_spaces.keras.model import build_model
    from search_spaces.networks.notation import parse

    keras.utils.set_random_seed(1)
    return build_model(parse("C4 P C6 P GAP D10"))


@pytest.fixture(scope="module")
def folder(model: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that has learnt nothing, in every format that can be written here."""
    path = tmp_path_factory.mktemp("exported")
    calibration = np.random.default_rng(1).integers(0, 256, (20, 28, 28), np.uint8)
    for one in FORMATS.values():
        if not one.missing():
            one.load().write(model, path / one.file, calibration)
    return path


def blank_class(model: Any) -> int:
    return int(np.asarray(model(np.zeros((1, 28, 28), np.uint8), training=False)).argmax())


# Programs


def test_every_program_is_run_here() -> None:
    words = ("urlopen", "grpc", "tflite_micro", "model.h")
    assert len(PROGRAMS) == len(words)
    assert {program(word) for word in words} == set(PROGRAMS)


class Rest(http.server.BaseHTTPRequestHandler):
    """Answers as TensorFlow Serving does to the one call that the guide shows."""

    serve: Any  # a SavedModel's endpoint, which has no type

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        assert self.path == "/v1/models/digits:predict"
        assert asked["signature_name"] == "serving_default"
        images = np.array(asked["instances"], np.uint8)
        body = json.dumps({"predictions": np.asarray(type(self).serve(images)).tolist()}).encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        return


@contextmanager
def serving(handler: Any) -> Iterator[str]:
    """An HTTP server of this process: its address."""
    with http.server.ThreadingHTTPServer(("localhost", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"localhost:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.slow
def test_the_rest_call(folder: Path, model: Any) -> None:
    import tensorflow as tf

    loaded = tf.saved_model.load(str(folder / "savedmodel"))
    handler = type("OfThisModel", (Rest,), {"serve": staticmethod(loaded.serve)})
    with serving(handler) as address:
        out = ran(program("urlopen").replace("localhost:8501", address), folder)
    assert out == f"{blank_class(model)}\n"


@pytest.mark.slow
@needs("grpc", "tensorflow_serving")
@pytest.mark.filterwarnings("ignore")
def test_the_grpc_call(folder: Path, model: Any) -> None:
    import grpc  # type: ignore[import-untyped,import-not-found,unused-ignore]
    import tensorflow as tf
    from tensorflow_serving.apis import (  # type: ignore[import-untyped,import-not-found,unused-ignore]
        predict_pb2,
        prediction_service_pb2_grpc,
    )

    signature = tf.saved_model.load(str(folder / "savedmodel")).signatures["serving_default"]

    class Servicer(prediction_service_pb2_grpc.PredictionServiceServicer):  # type: ignore[misc,unused-ignore]
        def Predict(self, request: Any, context: Any) -> Any:
            assert (request.model_spec.name, request.model_spec.signature_name) == ("digits", "serving_default")
            given = {name: tf.constant(tf.make_ndarray(value)) for name, value in request.inputs.items()}
            answer = predict_pb2.PredictResponse()
            for name, value in signature(**given).items():
                answer.outputs[name].CopyFrom(tf.make_tensor_proto(np.asarray(value)))
            return answer

    server = grpc.server(futures.ThreadPoolExecutor(1))
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(Servicer(), server)
    port = server.add_insecure_port("localhost:0")
    server.start()
    try:
        out = ran(program("grpc").replace("localhost:8500", f"localhost:{port}"), folder)
    finally:
        server.stop(None)
    assert out == f"[{blank_class(model)}]\n"


@needs("tflite_micro", "ai_edge_litert")
def test_the_microcontroller_s_interpreter(folder: Path) -> None:
    out = ran(program("tflite_micro"), folder)
    values = [float(word) for word in re.findall(r"[\d.]+", out)]
    assert len(values) == 10
    assert sum(values) == pytest.approx(1, abs=0.05)


def test_the_array_holds_the_file(tmp_path: Path) -> None:
    (tmp_path / "model-int8.tflite").write_bytes(bytes(range(256)))
    ran(program("model.h"), tmp_path)
    text = (tmp_path / "model.h").read_text(encoding="utf-8")
    array = re.search(r"= \{([\d,]+)\};", text)
    assert array is not None
    assert bytes(map(int, array.group(1).split(","))) == bytes(range(256))
    assert "model_len = 256;" in text


# What the guide says of formats


@pytest.mark.parametrize("name", FORMATS)
def test_the_guide_has_every_format(name: FormatName) -> None:
    one = FORMATS[name]
    assert re.search(rf"^\| `{name}` \| `{re.escape(one.file)}/?` \|", GUIDE, re.MULTILINE)
    if one.extra:
        assert f'pip install "mnist-tune[{one.extra}]"' in GUIDE


def test_the_guide_s_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", GUIDE):
        assert (ROOT / "docs" / target).exists(), target


# The web page

STUB = """
window.ort = {
  Tensor: class { constructor(type, data, dims) { Object.assign(this, { type, data, dims }); } },
  InferenceSession: { create: async (address) => {
    if (!(await fetch(address)).ok) throw new Error("no model");
    return { run: async ({ images }) => {
      if (images.type !== "uint8" || images.dims.join() !== "1,28,28" || !(images.data instanceof Uint8Array)) throw new Error("another signature");
      return { probabilities: { data: await window.inPython(Array.from(images.data)) } };
    } };
  } },
};
"""
"""Stands for ONNX Runtime Web: Python's onnxruntime answers."""


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def site(folder: Path, tmp_path: Path) -> Path:
    shutil.copy(ROOT / "docs" / "web" / "index.html", tmp_path)
    shutil.copy(folder / "model.onnx", tmp_path)
    real = os.environ.get("ONNXRUNTIME_WEB")
    if real:
        for name in RUNTIME:
            shutil.copy(Path(real) / name, tmp_path)
    else:
        (tmp_path / RUNTIME[0]).write_text(STUB, encoding="utf-8")
    return tmp_path


STROKES = {
    "one": [(150, 40), (150, 240)],
    "seven, small, in a corner": [(20, 20), (60, 20), (30, 70)],
    "dash": [(40, 200), (250, 200)],
}


@pytest.mark.slow
@needs("playwright", "onnx", "onnxruntime", "tf2onnx")
@pytest.mark.skipif(browser_path() is None, reason="no browser")
def test_the_web_page_prepares_and_classifies_what_is_drawn(site: Path) -> None:
    import onnxruntime

    session = onnxruntime.InferenceSession(str(site / "model.onnx"), providers=["CPUExecutionProvider"])

    def asked(pixels: list[int]) -> list[float]:
        images = np.array(pixels, np.uint8).reshape(1, 28, 28)
        (found,) = session.run(None, {"images": images})
        return [float(value) for value in found[0]]

    with serving(functools.partial(Quiet, directory=str(site))) as address, launched(str(browser_path())) as browser:
        page = browser.new_page()
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda message: errors.append(message.text))
        page.expose_function("inPython", asked)
        page.goto(f"http://{address}/index.html")
        for strokes in STROKES.values():
            pixels = np.array(drawn(page, strokes), np.uint8).reshape(28, 28)
            _as_mnist_s_makers_did(pixels)
            expected = asked(pixels.ravel().tolist())
            assert page.inner_text("#answer") == str(int(np.argmax(expected)))
            top = sorted(enumerate(expected), key=lambda item: -item[1])[:3]
            shown = re.findall(r"(\d): ([\d.]+)%", page.inner_text("#rest"))
            assert [float(share) for _, share in shown] == pytest.approx([100 * value for _, value in top], abs=0.11)
        assert errors == []


def drawn(page: Any, strokes: list[tuple[int, int]]) -> list[int]:
    """Draws with the mouse, waits for the answer, and returns what the page made of it."""
    page.click("#clear")
    box = page.locator("#paper").bounding_box()
    (x, y), *rest = [(box["x"] + right, box["y"] + down) for right, down in strokes]
    page.mouse.move(x, y)
    page.mouse.down()
    for right, down in rest:
        page.mouse.move(right, down, steps=8)
    page.mouse.up()
    page.wait_for_function("document.getElementById('answer').textContent !== ''", timeout=30_000)
    return list(page.evaluate("Array.from(prepared())"))


def _as_mnist_s_makers_did(pixels: Any) -> None:
    """The longer side is 20 pixels (a half-covered one more on either side), the centre of mass in the middle."""
    rows, columns = np.nonzero(pixels)
    assert 19 <= max(np.ptp(rows), np.ptp(columns)) + 1 <= 22
    weights = pixels[rows, columns] / pixels.sum()
    assert float(weights @ (rows + 0.5)) == pytest.approx(14, abs=0.5)
    assert float(weights @ (columns + 0.5)) == pytest.approx(14, abs=0.5)
