"""Bad input, by properties: whatever is typed and whatever a file holds, the program ends with one line and leaves no half-made run."""

from __future__ import annotations

import argparse
import contextlib
import gzip
import io
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mnist_tune import cli
from mnist_tune.cli import search
from mnist_tune.cli.entry import COMMANDS, load_command
from tests.kit.data_files import IMAGES, build_arrays, write_idx, write_npz
from tests.kit.marks import slow_after
from tests.kit.strangers import CONTROLS, MARKUP, built
from tuner.core.errors import MnistTuneError, UsageError
from tuner.data.dataset import load_dataset
from tuner.run import launch
from tuner.storage.run_folder import RunFolder

# `Any`: what is wrong has any type.

QUICK = settings(
    max_examples=25, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)
DEEP = settings(QUICK, max_examples=200, derandomize=False)
"""For the tests that are marked slow: other examples each time, many more of them."""

NAMES = (
    "dense",
    "compact8k",
    "lenet",
    "dropout",
    "auto",
    "digits",
    "mnist",
    "cpu",
    "gpu",
    "random",
    "hyperband",
    "relu",
)
NUMBERS = (
    "0",
    "1",
    "2",
    "-1",
    "0.1",
    "1e400",
    "nan",
    "inf",
    "-inf",
    "1000000000",
    "9" * 5000,
    "٣",
    "1_000",
    "0x10",
    "1h30m",
    "9h" * 3,
)
PATHS = (
    "run", "a/b/c", ".", "..", "", "/", "/dev/null", "/dev/null/x", "/proc/1/nothing", "x" * 300, "x/" * 3000, "~nobody-here/x",
    "run:0001", "run:../../x", "whole", "whole:0001", "whole:9999", "half", "good.npz", "good.json", "bad.json", "picture.png", "-",
    "no.such:Module", ":", "a:", ":b", "os:", "..:x", "json:JSONDecoder:x", "a b", "new.html", "\udcff",
)  # fmt: skip
HOSTILE = (
    CONTROLS.replace("\x00", ""),
    MARKUP,
    "a\nb",
    "a\rb",
    "\x1b]0;x\x07",
    "a\u2028b",
    "%s%n",
    "${HOME}",
    "$(id)",
    "\\",
    "--",
    "=",
)
WORDS = st.one_of(
    st.sampled_from((*NAMES, *NUMBERS, *PATHS, *HOSTILE)),
    st.text(max_size=12).filter(lambda word: "/" not in word),
    st.integers(-(10**12), 10**12).map(str),
    st.floats().map(str),
)
PARSERS: dict[str, Callable[[], argparse.ArgumentParser]] = {
    "": search.make_command_parser,
    **{name: load_command(name).make_command_parser for name in COMMANDS},
}
NEVER_READ = ("-h", "--help")
EDGES = ("5e-324", "2.2e-309", "1e-17", "0.9999999999999999", "9007199254740993", "1.7e308", "5e-324m", "1.7e308h")
"""Numbers and durations where floats end."""
GOOD_RUNS = {
    "": ["--space", "dense", "--data", "good.npz", "--max-epochs", "1"],
    "train": ["train", "good.json", "--space", "dense", "--data", "good.npz", "--epochs", "1"],
    "study": ["study", "dropout", "--data", "good.npz", "--epochs", "1"],
}
"""Command lines that would run."""


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Addresses of schedulers are made up: nobody answers."""
    monkeypatch.setattr("tuner.workers.dask.connection._CONNECT_S", 0.05)


@st.composite
def command_lines(draw: st.DrawFn, command: str) -> list[str]:
    """Words of a command: some of its options, each with a word, and some words more."""
    options = [action for action in PARSERS[command]()._actions if not set(action.option_strings) & set(NEVER_READ)]
    words = [command] if command else []
    if command in GOOD_RUNS and draw(st.booleans()):
        words = list(GOOD_RUNS[command])
    for action in draw(st.lists(st.sampled_from(options), max_size=4)) if options else ():
        if action.option_strings:
            words.append(draw(st.sampled_from(action.option_strings)))
        if action.nargs != 0:
            words.append(draw(WORDS))
    return words


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a command line may name: data, a run, half a run, a configuration, a picture."""
    folder = tmp_path_factory.mktemp("sound")
    write_npz(folder / "good.npz", build_arrays(train=60, test=12))
    (folder / "good.json").write_text('{"units_1": 8}')
    (folder / "bad.json").write_text("[" * 100_000)
    built(folder / "whole")
    (folder / "half").mkdir()
    shutil.copy(folder / "whole" / "run.json", folder / "half")
    (folder / "half" / "trials.jsonl").touch()
    from PIL import Image

    Image.fromarray(IMAGES[0]).save(folder / "picture.png")
    return folder


@contextlib.contextmanager
def a_place(sound: Path, where: Path) -> Iterator[None]:
    """A current folder of one's own with the sound things in it; nothing trains, nothing is downloaded, no model is loaded."""
    shutil.rmtree(where, ignore_errors=True)
    shutil.copytree(sound, where)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(where)
        patch.setenv("MNIST_TUNE_DATA", "good.npz")
        patch.setattr(launch, "_go", lambda *_: {})
        patch.setattr("tuner.data.keras_datasets.download", lambda *_, **__: "no network in a test")
        patch.setattr("tuner.spaces.user_space.UserSpace", _no_code)
        patch.setattr("reports.pages.page.render_report", lambda run: "a page")
        patch.setattr("reports.pages.figure_files.page_figures", lambda run: ())
        patch.setattr("reports.comparison.page.render_comparison", lambda folders, version: "a page")
        patch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"no picture")))
        yield


def _no_code(ref: Any, data: Any = None) -> Any:
    raise UsageError(f"--space {ref.name} can't be used. No code in this test")


def ended(words: list[str]) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of a command."""
    out, err = io.TextIOWrapper(io.BytesIO(), encoding="utf-8"), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = cli.main(words)
    out.flush()
    return code, out.buffer.getvalue().decode(), err.getvalue()


def check_command(words: list[str], sound: Path, where: Path) -> None:
    """The property of all commands."""
    with a_place(sound, where):
        code, out, err = ended(words)
        assert code in (0, 1, 2), (words, err)
        assert err.count("\n") == (0 if code == 0 else 1), (words, err)
        assert all(sign.isprintable() or sign == "\n" for sign in out + err), (words, out, err)
        assert len(err) < 3000
        for path in Path().rglob("*"):
            if path.is_dir() and path.name == ".work":
                RunFolder(path.parent).read_run_to_resume()
            assert ".partial" not in path.name


@pytest.mark.parametrize("command", PARSERS)
def test_any_words_end_well(command: str, sound: Path, tmp_path: Path) -> None:
    @QUICK
    @given(command_lines(command))
    def holds(words: list[str]) -> None:
        check_command(words, sound, tmp_path / "place")

    holds()


@pytest.mark.parametrize("command", GOOD_RUNS)
def test_numbers_where_floats_end(command: str, sound: Path, tmp_path: Path) -> None:
    options = [action for action in PARSERS[command]()._actions if action.option_strings and action.nargs != 0]
    assert len(options) > 10
    for action in options:
        for number in EDGES[: 1 if action.type in (None, str) else None]:
            check_command([*GOOD_RUNS[command], action.option_strings[-1], number], sound, tmp_path / "place")


@pytest.mark.slow
@pytest.mark.parametrize("command", PARSERS)
def test_many_more_words_end_well(command: str, sound: Path, tmp_path: Path) -> None:
    @DEEP
    @given(command_lines(command))
    def holds(words: list[str]) -> None:
        check_command(words, sound, tmp_path / "place")

    holds()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--space", "dense", "--max-params", "0"], "Expected 1 or more"),
        (["--space", "dense", "--max-params", "1"], "No network fits"),
        (["--space", "dense", "--max-params", str(10**13)], "or less"),
        (["--space", "dense", "--max-epochs", "1000000000"], "10,000 or less"),
        (["--space", "dense", "--factor", "1000000000"], "100 or less"),
        (["--space", "dense", "--max-epochs", "10000", "--factor", "2", "--iterations", "900"], "is too large"),
        (["--space", "dense", "--algorithm", "random", "--max-trials", "1000000000"], "50,000 or less"),
        (["--space", "dense", "--workers", "1000000000"], "1,024 or less"),
        (["--space", "dense", "--confirm-seeds", "1000000000"], "100 or less"),
        (["--space", "dense", "--time-budget", "9" * 400 + "h"], "or less"),
        (["--space", "dense", "--time-budget", "9" * 400], "needs a unit"),
        (["--space", "dense", "--validation", "nan"], "--validation"),
        (["--space", "dense", "--data", "good.npz", "--validation", "2.2e-309"], "0 of 60. Give a larger --validation"),
        (["--space", "dense", "--data", "x" * 5000], "no such file or folder"),
        (["--space", "dense", "--data", "~nobody-here/x.npz"], "no such file"),
        (["--space", "dense", "--data", "good.npz", "--out", "x" * 5000], "can't be made"),
        (["--space", "dense", "--data", "good.npz", "--out", "/dev/null/x"], "can't be made"),
        (["--space", "dense", "--data", "good.npz", "--device", "gpu"], "--device gpu"),
        (["--space", "dense\0"], "zero byte"),
        (["train", "whole:../../etc"], "no such trial"),
        (["train", "bad.json", "--space", "dense"], "nested too deeply"),
        (["train", "x" * 5000], "Unknown reference"),
        (["study", "units_1", "--values", ",".join(map(str, range(200)))], "100 values or fewer"),
        (["report", "x" * 5000], "not a run's folder"),
        (["report", "half", "--figures", "good.npz"], "is a file"),
        (["--resume", "--out", "x" * 5000], "not a run's folder"),
        (["compare", "whole", "half", "-o", "x" * 5000], "can't be written"),
        (["\x1b[31mred"], r"\x1b[31mred"),
    ],
)
def test_ends_that_were_thought_of(
    words: list[str], told: str, sound: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launch, "count_gpus", lambda: 0)
    check_command(words, sound, tmp_path / "place")
    with a_place(sound, tmp_path / "place"):
        code, _, err = ended(words)
        left = {path.name for path in Path().iterdir()}
    assert (code, told in err) == (2, True), err
    assert left == {path.name for path in sound.iterdir()}


@pytest.mark.parametrize("space", ["dense", "compact8k", "compact2k", "compact20k", "micro1k", "cnn3"])
@pytest.mark.parametrize("cap", ["--max-params", "--max-macs"])
@pytest.mark.parametrize("size", [0, 1, 10**9])
def test_caps_of_every_space(space: str, cap: str, size: int, sound: Path, tmp_path: Path) -> None:
    words = ["--space", space, "--data", "good.npz", "--out", "run", cap, str(size)]
    with a_place(sound, tmp_path / "place"):
        code, _, err = ended(words)
        made = os.path.exists("run/run.json")
    assert (code, made, err.count("\n")) == ((0, True, 0) if size > 1 else (2, False, 1)), err


def test_force_leaves_the_old_run_where_the_new_one_can_t_begin(
    sound: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launch, "count_gpus", lambda: 0)
    with a_place(sound, tmp_path / "place"):
        code, _, err = ended(["--space", "dense", "--data", "good.npz", "--device", "gpu", "--out", "whole", "--force"])
        assert (code, os.path.exists("whole/result.json")) == (2, True), err


def test_a_full_disk_leaves_no_half_made_run(sound: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    for broken in ("tuner.run.launch.save_arrays", "os.fsync"):
        with a_place(sound, tmp_path / "place"), pytest.MonkeyPatch.context() as patch:
            patch.setattr(broken, full)
            code, _, err = ended(["--space", "dense", "--data", "good.npz", "--out", "run"])
            assert (code, os.path.exists("run")) == (1, False)
            assert "the disk is full" in err


def test_a_name_that_is_no_utf8_comes_back_from_run_json(sound: Path, tmp_path: Path) -> None:
    with a_place(sound, tmp_path / "place"):
        code, _, err = ended(["--space", "dense", "--data", "good.npz", "--out", "\udcff"])
        assert (code, err) == (0, "")
        assert RunFolder(Path("\udcff")).read_run().command[-1] == "\udcff"


# --- options from Python ------------------------------------------------------------------------------------------------

VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.lists(st.integers(), max_size=2)
)


def check_options(options: dict[str, Any], sound: Path) -> None:
    from mnist_tune.api import given_options

    for make in (given_options.make_options, given_options.make_train_options, given_options.make_study_options):
        try:
            made = make({"space": "dense", "name": "dense128", **options})
        except UsageError as error:
            assert "\n" not in str(error)
        else:
            json.dumps(made.to_json(), allow_nan=False)


def test_options_of_any_type_are_told_in_one_line(sound: Path) -> None:
    import dataclasses

    from tuner.options.search_options import SearchOptions
    from tuner.options.study_options import StudyOptions
    from tuner.options.train_options import TrainOptions

    names = sorted(
        {field.name for kind in (SearchOptions, TrainOptions, StudyOptions) for field in dataclasses.fields(kind)}
    )

    @settings(QUICK, max_examples=40)
    @given(st.dictionaries(st.sampled_from([*names, "bogus"]), VALUES, max_size=3))
    def holds(options: dict[str, Any]) -> None:
        check_options(options, sound)

    holds()


# --- data -----------------------------------------------------------------------------------------------------------------

KEYS = ("x_train", "y_train", "x_test", "y_test")
DTYPES = ("u1", "i1", "i2", ">i4", "u8", "f2", "f4", ">f8", "?", "c8", "O", "U1", "S2", "M8[s]", "V4", "i4,f4")
SHAPES: tuple[tuple[int, ...], ...] = (
    (), (0,), (1,), (5,), (12,), (60,), (60, 28), (60, 28, 28), (12, 28, 28), (5, 28, 28), (60, 28, 28, 1), (60, 28, 28, 3),
    (60, 0, 28), (60, 29, 29), (60, 3, 28), (60, 1, 1), (1, 28, 28), (60, 1),
)  # fmt: skip
FILLS: tuple[Any, ...] = (0, 1, -1, 0.5, 2, 99, 100, 255, 256, 1e30, float("nan"), float("inf"), 2**62, -(2**40))


def wrong_array(dtype: str, shape: tuple[int, ...], fill: Any, fortran: bool) -> np.ndarray[Any, Any]:
    with np.errstate(all="ignore"), contextlib.suppress(ValueError, OverflowError, TypeError):
        values = np.zeros(shape, np.dtype(dtype), order="F" if fortran else "C")
        if values.size:
            values.reshape(-1)[values.size // 2] = np.asarray(fill).astype(values.dtype)
        return values
    return np.zeros(shape, np.dtype(dtype))


ARRAYS = st.builds(wrong_array, st.sampled_from(DTYPES), st.sampled_from(SHAPES), st.sampled_from(FILLS), st.booleans())


def check_data(path: Path) -> None:
    """The property of every data set: it is refused in one line, or is what the rest of the program takes."""
    try:
        found = load_dataset(str(path), validation=0.2, seed=1)
    except UsageError as error:
        assert "\n" not in str(error)
        assert len(str(error)) < 1000
        return
    for images, labels in (
        (found.x_train, found.y_train),
        (found.x_validation, found.y_validation),
        (found.x_test, found.y_test),
    ):
        assert images.shape[1:] == found.input_shape
        assert found.input_shape[2:] in ((), (3,))
        assert 4 <= min(found.input_shape[:2]) <= max(found.input_shape[:2]) <= 64
        assert images.dtype == np.uint8
        assert labels.dtype == np.int64
        assert labels.min() >= 0
        assert labels.max() < found.classes
    assert set(found.y_train.tolist()) == set(range(found.classes))


@st.composite
def data_sets(draw: st.DrawFn) -> dict[str, Any]:
    arrays: dict[str, Any] = dict(build_arrays(train=60, test=12))
    for key in draw(st.lists(st.sampled_from(KEYS), min_size=1, max_size=3, unique=True)):
        if draw(st.integers(0, 9)) == 0:
            arrays["other"] = arrays.pop(key)
        else:
            arrays[key] = draw(ARRAYS)
    return arrays


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("profile", slow_after(1, [QUICK, DEEP]), ids=["quick", "deep"])
def test_any_arrays_are_refused_or_right(tmp_path: Path, profile: settings) -> None:
    @profile
    @given(data_sets())
    def holds(arrays: dict[str, Any]) -> None:
        np.savez(tmp_path / "data.npz", **arrays)
        check_data(tmp_path / "data.npz")

    holds()


def damaged(content: bytes) -> st.SearchStrategy[bytes]:
    """Bytes cut short, with some of them changed, or with others put in."""

    def change(places: list[tuple[int, int]], cut: int, extra: bytes) -> bytes:
        changed = bytearray(content)
        for place, value in places:
            changed[place % len(changed)] = value
        return bytes(changed[: len(changed) - cut % len(changed)] if cut else changed) + extra

    return st.builds(
        change,
        st.lists(st.tuples(st.integers(0, 10**6) | st.integers(0, 200), st.integers(0, 255)), max_size=4),
        st.just(0) | st.integers(0, 10**6),
        st.just(b"") | st.binary(max_size=8),
    )


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("profile", slow_after(1, [QUICK, DEEP]), ids=["quick", "deep"])
@pytest.mark.parametrize("kind", ["stored", "deflated", "idx", "idx.gz"])
def test_any_bytes_of_a_data_set_are_refused_or_right(tmp_path: Path, kind: str, profile: settings) -> None:
    arrays = build_arrays(train=20, test=6, side=4)
    if kind.startswith("idx"):
        source: Path = write_idx(tmp_path / "data", arrays, zipped=kind.endswith("gz"))
        victim = next(path for path in source.iterdir() if "train-labels" in path.name)
    else:
        source = victim = tmp_path / "data.npz"
        (np.savez if kind == "stored" else np.savez_compressed)(source, **arrays)  # type: ignore[arg-type]
    content = victim.read_bytes()

    @profile
    @given(damaged(content))
    def holds(changed: bytes) -> None:
        victim.write_bytes(changed)
        check_data(source)

    holds()


@pytest.mark.parametrize("zipped", [False, True])
def test_a_gzip_of_a_header_alone_is_refused(tmp_path: Path, zipped: bool) -> None:
    folder = write_idx(tmp_path / "data")
    victim = folder / "train-images-idx3-ubyte"
    header = victim.read_bytes()[:16]
    victim.write_bytes(gzip.compress(header) if zipped else header)
    with pytest.raises(UsageError, match="truncated"):
        load_dataset(str(folder), validation=0.2, seed=1)


# --- other files ------------------------------------------------------------------------------------------------------------

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["space", "configuration", "units_1", "dropout", "x"]), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


def test_any_configuration_is_refused_or_complete(tmp_path: Path) -> None:
    from tuner.spaces.named_configurations import named_configuration

    path = tmp_path / "some.json"

    @settings(QUICK, max_examples=40)
    @given(JSON_VALUES.map(json.dumps) | st.text(max_size=20))
    def holds(text: str) -> None:
        path.write_text(text, encoding="utf-8", errors="surrogatepass")
        try:
            found = named_configuration(str(path), "dense")
        except UsageError as error:
            assert "\n" not in str(error)
        else:
            json.dumps(dict(found.configuration), allow_nan=False)

    holds()


@pytest.mark.parametrize("profile", slow_after(1, [QUICK, DEEP]), ids=["quick", "deep"])
@pytest.mark.parametrize("name", ["run.json", "trials.jsonl", "result.json", "evaluation.npz"])
def test_any_bytes_of_a_run_s_file_are_refused_or_read(
    sound: Path, tmp_path: Path, name: str, profile: settings
) -> None:
    from reports.run.reading import read_run

    run = shutil.copytree(sound / "whole", tmp_path / "run")
    content = (run / name).read_bytes()

    @profile
    @given(damaged(content))
    def holds(changed: bytes) -> None:
        (run / name).write_bytes(changed)
        try:
            read_run(run)
        except MnistTuneError as error:
            assert "\n" not in str(error)

    holds()


@pytest.mark.parametrize("profile", slow_after(1, [QUICK, DEEP]), ids=["quick", "deep"])
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "BMP", "TIFF", "PPM", "npy", "npz"])
def test_any_bytes_of_an_image_are_refused_or_a_picture(tmp_path: Path, kind: str, profile: settings) -> None:
    from PIL import Image

    from tuner.images.reading import Picture, read_images

    stream = io.BytesIO()
    if kind in ("npy", "npz"):
        (np.save if kind == "npy" else np.savez_compressed)(stream, IMAGES[0])
    else:
        Image.fromarray(IMAGES[0]).save(stream, kind)
    path = tmp_path / f"a.{kind.lower()}"

    @profile
    @given(damaged(stream.getvalue()))
    def holds(changed: bytes) -> None:
        path.write_bytes(changed)
        for one in read_images([str(path)], lambda: sys.stdin.buffer):
            if isinstance(one, Picture):
                assert np.isfinite(one.grey).all()
            else:
                assert "\n" not in one.reason

    holds()


@pytest.mark.parametrize(
    "inner", ["(28, 28\x00, }", "(" * 5000, "-" * 9000 + "1", "{" * 300, "'" * 7, "(28, 28), 'x': " + "9" * 5000]
)
def test_headers_that_are_no_python_are_refused(tmp_path: Path, inner: str) -> None:
    """NumPy reads a header as Python's literals, which fails in many ways: with a zero byte as `tokenize.TokenError`."""
    from tuner.storage.npz_io import read_header

    text = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {inner}"
    content = b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()
    with pytest.raises(ValueError, match=r"."):
        read_header(io.BytesIO(content), len(content))
