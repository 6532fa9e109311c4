"""Images that are not of the data set: the user's own are read once, the winner meets them, the report's section says what came of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from mnist_tune import cli
from mnist_tune.api import given_options
from mnist_tune.api import runs as api
from reports.analysis.model.ood_images import drawn_digits, user_images
from reports.figures import pictures
from reports.pages.page import render_report, sections_of
from reports.run.reading import read_run
from reports.sections.model import ood_images as section
from tests.kit.page import HOSTILE, SMALL, Page
from tests.kit.replacing import replace
from tests.kit.run_builder import FakeRun, build_run
from tests.kit.runs.user_image_runs import DIGITS, FAKE, Notes, options, page, read, start
from tuner.core.errors import UsageError
from tuner.images import user_images as reading
from tuner.images.digits.strokes import LONG_UPSTROKE, draw_digit, synthetic_digits, synthetic_styles
from tuner.images.ood_images import drawn_arrays, drawn_shown, own_arrays, own_shown
from tuner.images.user_images import OwnImages, load_own_images
from tuner.options.resume import read_options
from tuner.options.run_options import RunOptions
from tuner.options.search_options import SearchOptions
from tuner.options.train_options import TrainOptions
from tuner.run import launch
from tuner.run.observer import Observer
from tuner.stats.intervals import wilson_interval
from tuner.storage.run_folder import RunFolder
from tuner.storage.schema.data_set import are_digits

FASHION = ("T-shirt/top", "Trouser", "Ankle boot")


def always(label: int, classes: int = 10) -> Any:
    """A model that is always sure of one class."""

    def ask(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        assert images.dtype == np.uint8
        assert images.shape[1:] == (28, 28)
        answer = np.full((len(images), classes), 0.1 / classes, np.float32)
        answer[:, label] += 0.9
        return answer

    return ask


# Reading


def test_one_file_is_one_image_without_a_label(tmp_path: Path) -> None:
    own = read(page(tmp_path / "7" / "a.png"))
    assert own.names == ("a.png",)
    assert own.labels.tolist() == [-1]
    assert own.prepared.all()
    assert own.seen[0].max() > 200
    assert (own.sizes.tolist(), own.notes) == ([[64, 64]], ())


def test_folders_named_as_classes_label_their_images(tmp_path: Path) -> None:
    for name in ("7/b.png", "3/a.png", "loose.png", ".hidden/x.png"):
        page(tmp_path / name)
    own = read(tmp_path)
    assert own.names == ("loose.png", "3/a.png", "7/b.png")
    assert own.labels.tolist() == [-1, 3, 7]
    assert own.notes == ()


def test_a_folder_that_is_no_class_is_left_out_and_named(tmp_path: Path) -> None:
    page(tmp_path / "7" / "a.png")
    page(tmp_path / "10" / "b.png")
    own = read(tmp_path)
    assert own.names == ("7/a.png",)
    assert "left out: 10" in own.notes[0]


@pytest.mark.parametrize(
    ("folder", "label"), [("T-shirt_top", 0), ("t-shirt top", 0), ("Ankle boot", 2), ("ankle-boot", 2), ("0", None)]
)
def test_a_class_s_name_need_not_be_a_file_s(tmp_path: Path, folder: str, label: int | None) -> None:
    page(tmp_path / folder / "a.png")
    page(tmp_path / "other.png")
    own = read(tmp_path, FASHION, digits=False)
    assert own.labels.tolist() == ([-1] if label is None else [-1, label])


def test_an_image_of_another_set_that_has_the_right_size_is_taken_as_it_is(tmp_path: Path) -> None:
    image = np.random.default_rng(0).integers(0, 256, (28, 28), dtype=np.uint8)
    Image.fromarray(image).save(tmp_path / "a.png")
    assert np.array_equal(read(tmp_path, FASHION, digits=False).seen[0], image)
    assert not np.array_equal(read(tmp_path, DIGITS, digits=True).seen[0], image)


def test_bad_images_are_warnings(tmp_path: Path) -> None:
    page(tmp_path / "a.png")
    (tmp_path / "b.png").write_text("no image")
    Image.new("L", (60, 60), 255).save(tmp_path / "c.png")
    own = read(tmp_path)
    assert own.readable.tolist() == [True, False, True]
    assert own.prepared.tolist() == [True, False, False]
    assert ["known kind" in own.warnings[1], "blank" in own.warnings[2]] == [True, True]
    assert own.sizes.tolist() == [[64, 64], [0, 0], [60, 60]]
    assert "1 of 3 images" in own.notes[0]


def test_more_than_so_many_are_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST_IMAGES", 3)
    np.save(tmp_path / "many.npy", np.stack([draw_digit(1, np.random.default_rng(k)) for k in range(5)]))
    own = read(tmp_path / "many.npy")
    assert own.names == ("many.npy[0]", "many.npy[1]", "many.npy[2]")
    assert "first 3" in own.notes[0]


@pytest.mark.parametrize("name", ["a\nb.png", "\x1b[31mred.png", "<b>\"'{{ 7 }}.png", "é ☃.png", b"\xff.png".decode("utf-8", "surrogateescape")])  # fmt: skip
def test_a_hostile_name_is_one_plain_line(tmp_path: Path, name: str) -> None:
    page(tmp_path / "x.png").rename(tmp_path / name)
    (found,) = read(tmp_path).names
    assert found.isprintable()
    assert found.encode()


def test_a_file_called_minus_is_not_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page(tmp_path / "x.png").rename(tmp_path / "-")
    monkeypatch.chdir(tmp_path)
    assert read(Path("-")).names == ("-",)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda path: None, "no such file"),
        (lambda path: path.mkdir(), "no image is there"),
        (lambda path: page(path / "holiday" / "a.png"), "no image is there"),
        (lambda path: path.write_text("no image"), "known kind"),
        (lambda path: path.symlink_to("nowhere"), "no such file"),
    ],
    ids=["missing", "empty", "below", "text", "dangling"],
)
def test_a_path_without_an_image_is_told_in_one_line(tmp_path: Path, make: Any, told: str) -> None:
    make(tmp_path / "given")
    with pytest.raises(UsageError, match=told) as caught:
        read(tmp_path / "given")
    assert "\n" not in str(caught.value)
    assert "--images" in str(caught.value)


def test_what_is_kept_is_what_was_read(tmp_path: Path) -> None:
    page(tmp_path / "in" / "7" / "a.png")
    (tmp_path / "in" / "b.png").write_text("no image")
    own = read(tmp_path / "in")
    own.save(tmp_path / "kept.npz")
    again = load_own_images(tmp_path / "kept.npz")
    for name in OwnImages.__dataclass_fields__:
        if name != "notes":
            assert np.array_equal(getattr(own, name), getattr(again, name)), name


# What the model says


@pytest.mark.parametrize(
    ("name", "classes", "expected"),
    [("mnist", DIGITS, True), ("digits", DIGITS, True), ("letters", DIGITS, False), ("mnist", FASHION, False)],
)
def test_only_digits_are_met_by_drawn_digits(name: str, classes: tuple[str, ...], expected: bool) -> None:
    assert are_digits(name, classes) == expected


def test_the_same_seed_draws_the_same_digits() -> None:
    first, again, other = (drawn_arrays(always(3), 20, seed) for seed in (5, 5, 6))
    assert all(np.array_equal(first[key], again[key], equal_nan=first[key].dtype.kind == "f") for key in first)
    assert not np.array_equal(first["custom/drawn/seen"], other["custom/drawn/seen"])


def test_figures_of_drawn_digits_are_counted_by_hand() -> None:
    found = drawn_digits(drawn_arrays(always(3), 40, 1))
    assert found is not None
    assert (found.n, found.right + found.refused <= 40, found.seed) == (40, True, 1)
    assert found.right == 4
    assert found.interval == pytest.approx(wilson_interval(4, 40))
    assert [(one.n, one.right) for one in found.classes] == [(4, 4 * (c == 3)) for c in range(10)]
    assert found.calibration_error == pytest.approx(0.91 - 4 / (40 - found.refused), abs=1e-6)
    assert [answer.wrong for answer in found.shown] == [True] * 12 + [False]
    assert {answer.prediction for answer in found.shown} <= {3, None}


def test_nothing_drawn_is_nothing_asked() -> None:
    def ask(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        raise AssertionError

    arrays = drawn_arrays(ask, 0, 1)
    assert len(arrays["custom/drawn/labels"]) == 0
    assert drawn_digits(arrays) is None


def test_the_worst_errors_are_shown_first_and_a_refused_digit_is_the_worst() -> None:
    scores = np.full((4, 10), 0.01, np.float32)
    scores[0, 1], scores[1, 1], scores[2, 9] = 0.9, 0.9, 0.9
    scores[1, 0] = 0.5
    scores[3] = np.nan
    assert drawn_shown(scores, np.array([0, 0, 9, 3])).tolist() == [3, 0, 1, 2]


def test_all_own_images_are_shown_in_their_order_and_of_many_the_telling_ones() -> None:
    scores = np.full((40, 2), 0.5, np.float32)
    scores[:, 0] = np.linspace(0.51, 0.99, 40)
    labels = np.full(40, -1)
    labels[39] = 1
    scores[20] = np.nan
    assert own_shown(scores[:5], labels[:5]).tolist() == [0, 1, 2, 3, 4]
    shown = own_shown(scores, labels).tolist()
    assert shown == sorted(shown)
    assert {0, 20, 39} <= set(shown)
    assert 38 not in shown


@pytest.mark.parametrize(
    ("labels", "readable", "expected"),
    [
        ([-1, -1, -1], [True] * 3, (0, 0, None)),
        ([3, 4, -1], [True] * 3, (2, 1, wilson_interval(1, 2))),
        ([3, 3, 3], [True, True, False], (2, 2, wilson_interval(2, 2))),
    ],
    ids=["unknown", "some", "one damaged"],
)
def test_accuracy_is_claimed_only_where_a_class_is_known(
    tmp_path: Path, labels: list[int], readable: list[bool], expected: tuple[int, int, Any]
) -> None:
    for name in "abc":
        page(tmp_path / f"{name}.png", 3)
    own = read(tmp_path)
    changed = OwnImages(**{**own.__dict__, "labels": np.array(labels), "readable": np.array(readable), "prepared": np.array(readable)})  # fmt: skip
    found = user_images(own_arrays(always(3), changed, 10))
    assert found is not None
    assert (found.labelled, found.right) == expected[:2]
    assert found.interval == (None if expected[2] is None else pytest.approx(expected[2]))


def test_a_refused_image_of_a_known_class_is_an_error(tmp_path: Path) -> None:
    page(tmp_path / "3" / "a.png", 3)
    Image.new("L", (60, 60), 255).save(tmp_path / "3" / "b.png")
    found = user_images(own_arrays(always(3), read(tmp_path), 10))
    assert found is not None
    assert (found.labelled, found.right, found.refused, found.answered) == (2, 1, 1, 1)


# In a run


@pytest.mark.parametrize("kind", [SearchOptions, TrainOptions])
def test_a_run_keeps_what_it_was_given(tmp_path: Path, kind: type[RunOptions], monkeypatch: pytest.MonkeyPatch) -> None:
    page(tmp_path / "in" / "7" / "a.png")
    (tmp_path / "in" / "b.png").write_text("no image")
    tasks: list[Any] = []
    monkeypatch.setattr("tuner.run.sessions.evaluating_session.do_task", _recorded(tasks, tmp_path / "in"))
    notes = Notes()
    start(tmp_path / "run", options(kind, images=str(tmp_path / "in")), notes)
    (task,) = (task for task in tasks if task.kind == "evaluate")
    assert task.custom
    assert task.own_images == str(tmp_path / "run" / ".work" / "own_images.npz")
    run = json.loads((tmp_path / "run" / "run.json").read_text())
    assert run["options"]["images"] == str(tmp_path / "in")
    assert [note for note in run["notes"] if "1 of 2 images" in note] == [
        note for note in notes.said if "1 of 2" in note
    ]
    assert len([note for note in run["notes"] if "images are few" not in note]) == 1


def _recorded(tasks: list[Any], given: Path) -> Any:
    """`do_task` that first deletes what was given: the run must have what it needs."""
    from tuner.run.sessions.evaluating_session import do_task

    def recorded(workers: Any, task: Any) -> Any:
        tasks.append(task)
        if task.kind == "evaluate" and task.own_images is not None:
            for path in sorted(given.rglob("*"), reverse=True):
                path.rmdir() if path.is_dir() else path.unlink()
            assert load_own_images(Path(task.own_images)).names == ("b.png", "7/a.png")
        return do_task(workers, task)

    return recorded


@pytest.mark.parametrize("given", ["missing", "empty"])
def test_a_wrong_path_is_told_before_anything_is_made(tmp_path: Path, given: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="--images"):
        start(tmp_path / "run", options(TrainOptions, images=str(tmp_path / given)))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("there", [True, False])
def test_a_resumed_run_whose_work_is_lost_reads_the_images_again_or_says_that_they_are_gone(
    tmp_path: Path, there: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    image, path = page(tmp_path / "a.png"), tmp_path / "run"
    start(path, options(TrainOptions, images=str(image)))
    run = RunFolder(path).read_run()
    RunFolder(path).write_run(replace(run, status="interrupted"))
    if not there:
        image.unlink()
    tasks: list[Any] = []
    monkeypatch.setattr("tuner.run.sessions.evaluating_session.do_task", _recorded_only(tasks))
    assert launch.resume(read_options(run), RunFolder(path), Observer(), worker_module=FAKE) is not None
    (task,) = (task for task in tasks if task.kind == "evaluate")
    assert (task.own_images is not None) == there
    notes = RunFolder(path).read_run().notes
    assert ["continues without them" in note for note in notes] == ([] if there else [True])


def _recorded_only(tasks: list[Any]) -> Any:
    from tuner.run.sessions.evaluating_session import do_task

    def recorded(workers: Any, task: Any) -> Any:
        tasks.append(task)
        return do_task(workers, task)

    return recorded


def test_the_command_line_takes_it_where_it_makes_sense(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    given: list[Any] = []
    for name in ("run_search", "run_training"):
        monkeypatch.setattr(api, name, lambda options, **_: given.append(options))
    assert cli.main(["--space", "dense", "--images", "scans"]) == 0
    assert cli.main(["train", "dense128", "--images", "scans"]) == 0
    assert [options["images"] for options in given] == ["scans", "scans"]
    assert cli.main(["study", "dropout", "--images", "scans"]) == 2
    assert "--images" in capsys.readouterr().err


def test_a_path_from_python_is_text() -> None:
    asked = given_options.make_options(given_options.plain_values({"space": "dense", "images": Path("scans")}))
    assert asked.images == "scans"
    words = given_options.command_line(asked, Path("out"))
    assert words == ["mnist-tune", "--space", "dense", "--images", "scans", "--out", "out"]


# In the report


def body(folder: Path, **changes: Any) -> Any:
    built = section.build(read_run(build_run(folder, FakeRun(**{**SMALL, **changes}))))
    assert built is not None
    return built


def test_a_run_without_these_arrays_has_no_section(tmp_path: Path) -> None:
    run = read_run(build_run(tmp_path / "run", FakeRun(**SMALL, custom=False)))
    assert "custom-images" not in [found.id for found in sections_of(run)]
    assert "custom-images" not in render_report(tmp_path / "run")


def test_a_training_s_page_has_the_section(tmp_path: Path) -> None:
    path = build_run(tmp_path / "run", FakeRun(**SMALL))
    run = json.loads((path / "run.json").read_text())
    (path / "run.json").write_text(json.dumps({**run, "kind": "train"}))
    assert 'id="custom-images"' in render_report(path)


def test_drawn_digits_say_how_many_with_which_interval(tmp_path: Path) -> None:
    run = read_run(build_run(tmp_path / "run", FakeRun(**SMALL)))
    drawn = drawn_digits(run.arrays)
    built = section.build(run)
    assert drawn is not None
    assert built is not None
    assert drawn.refused == 1
    low, high = wilson_interval(drawn.right, drawn.n)
    assert f"{100 * drawn.right / drawn.n:.2f}% [{100 * low:.2f}, {100 * high:.2f}] of 200 drawn digits" in built.title
    assert next(view.words for view in built.body["drawn"]["wrong"]) == "3 → not classified"  # type: ignore[index]


@pytest.mark.parametrize(
    ("changes", "told"),
    [({"data": "fashion_mnist"}, "no set of digits"), ({"data": "letters"}, "a set of one's own")],
)
def test_other_classes_say_why_nothing_was_drawn(tmp_path: Path, changes: Any, told: str) -> None:
    built = body(tmp_path / "run", **changes)
    assert told in built.body["no_drawn"]
    assert built.body["drawn"] is None


def test_own_images_stand_beside_what_the_network_saw(tmp_path: Path) -> None:
    built = body(tmp_path / "run")
    views = built.body["own"]["shown"]
    assert [view.words for view in views] == ["0", "1 → 0", "1", "1 → not classified", "0 → not classified"]
    assert [view.seen is None for view in views] == [False, False, False, True, True]
    assert [view.original is None for view in views] == [False] * 4 + [True]
    assert "25.00%" not in built.title
    assert "33.33%" in built.title
    assert ("With a known class", "3") in built.body["own"]["facts"]


def test_a_page_without_own_images_says_how_to_give_some(tmp_path: Path) -> None:
    path = build_run(tmp_path / "run", FakeRun(**SMALL))
    with np.load(path / "evaluation.npz") as file:
        arrays = {name: file[name] for name in file.files if not name.startswith("custom/own")}
    np.savez(path / "evaluation.npz", **arrays)
    assert "--images PATH" in Page(render_report(path)).text


@pytest.mark.draws
def test_names_and_warnings_of_files_get_through_as_text(tmp_path: Path) -> None:
    text = render_report(build_run(tmp_path / "run", FakeRun(**SMALL, hostile=HOSTILE)))
    assert "<script>alert" not in text
    assert "damaged<script>alert(1)" in Page(text).text


def test_pictures_are_few_and_small() -> None:
    """Even of pure noise, as many as are ever shown stay far below the page's limit."""
    random = np.random.default_rng(0)
    own = pictures.colour(random.integers(0, 256, (64, 64, 3), dtype=np.uint8))
    drawn = pictures.colour(random.integers(0, 256, (50, 50), dtype=np.uint8))
    seen = pictures.grey(random.integers(0, 256, (28, 28), dtype=np.uint8))
    scores = random.dirichlet(np.ones(10), 500).astype(np.float32)
    labels = np.arange(500) % 10
    most = (len(own_shown(scores, labels)), len(drawn_shown(scores, labels)))
    assert most == (24, 22)
    assert most[0] * (len(own) + len(seen)) + most[1] * (len(drawn) + len(seen)) < 200_000


# Ones with a long upstroke


def test_a_third_of_the_ones_has_a_long_upstroke_and_their_style_is_kept() -> None:
    styles = np.array(synthetic_styles(500, 1))
    labels = np.arange(500) % 10
    assert set(styles[labels != 1]) == {""}
    assert 8 <= (styles[labels == 1] == LONG_UPSTROKE).sum() <= 25
    assert drawn_arrays(always(3), 20, 1)["custom/drawn/styles"].tolist() == list(styles[:20])


def test_a_long_upstroke_is_broader_than_other_ones() -> None:
    """What is kept as style is what was drawn."""
    images, labels = synthetic_digits(500, 1)
    styles = np.array(synthetic_styles(500, 1))
    widths = np.array([np.ptp(np.flatnonzero((image < 150).any(axis=0))) for image in images])
    long = widths[(labels == 1) & (styles == LONG_UPSTROKE)]
    others = widths[(labels == 1) & (styles != LONG_UPSTROKE)]
    assert np.median(long) > 1.5 * np.median(others)


def test_the_page_says_how_ones_with_a_long_upstroke_are_read(tmp_path: Path) -> None:
    path = build_run(tmp_path / "run", FakeRun(**SMALL))
    with np.load(path / "evaluation.npz") as file:
        arrays = {name: file[name] for name in file.files}
    labels = arrays["custom/drawn/labels"]
    ones = np.flatnonzero(labels == 1)
    styles = np.full(len(labels), "", dtype="U20")
    styles[ones[:5]] = LONG_UPSTROKE
    arrays["custom/drawn/probabilities"][ones[:5]] = 0.01
    arrays["custom/drawn/probabilities"][ones[:2], 1] = arrays["custom/drawn/probabilities"][ones[2:4], 0] = 0.9
    arrays["custom/drawn/probabilities"][ones[4]] = np.nan
    arrays["custom/drawn/styles"] = styles
    np.savez(path / "evaluation.npz", **arrays)
    built = section.build(read_run(path))
    assert built is not None
    drawn: Any = built.body["drawn"]
    assert ("Drawn with a long upstroke", "2 of 5 right, 2 read as 0, 1 refused") in drawn["facts"]
    assert "long upstroke" in drawn["caveat"]
    assert "Drawn with a long upstroke" in Page(render_report(path)).text


@pytest.mark.draws
def test_a_run_without_styles_says_nothing_of_them(tmp_path: Path) -> None:
    assert "upstroke" not in Page(render_report(build_run(tmp_path / "run", FakeRun(**SMALL)))).text
