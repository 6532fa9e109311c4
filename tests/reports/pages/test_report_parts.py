"""Formatting, pictures, figures, templates and the table of trials."""

from __future__ import annotations

import base64
import csv
import io
import json
import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from jinja2 import UndefinedError
from PIL import Image

import templates
from reports import formatting as text
from reports.analysis.search.pareto import Front, PublishedPoint, SizePoint
from reports.figures import pictures
from reports.figures.axes import error_scale, log_ticks, spread_labels, whole_ticks
from reports.figures.canvas import Canvas, Drawing
from reports.figures.search.pareto import front_figure
from reports.figures.theme_colours import Ink
from reports.pages.notebook import run_card
from reports.pages.page import figures, render_report
from reports.pages.trials_csv import _escape_formula, trials_csv, trials_frame, write_trials_csv
from reports.run.reading import read_run
from tests.kit.run_builder import FakeRun, build_run, make_record, make_run
from tuner.storage.schema.documents import readable


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (text.percent(0.99457), "99.46"),
        (text.percent(None), "–"),
        (text.percent(float("nan")), "–"),
        (text.loss(0.01234567), "0.0123"),
        (text.interval(0.9946, (0.9930, 0.9959)), "99.46 [99.30, 99.59]"),
        (text.interval(0.9946, None), "99.46"),
        (text.spread(0.9946, 0.0005), "99.46 ± 0.05"),
        (text.spread(0.9946, None), "99.46"),
        (text.points(0.0012), "+0.12"),
        (text.points(-0.0012), "−0.12"),
        (text.points(-0.00001), "0.00"),
        (text.count(7884), "7,884"),
        (text.count(None), "–"),
        (text.plural(1, "trial"), "1 trial"),
        (text.plural(2000, "trial"), "2,000 trials"),
        (text.short(0.00012), "1.2e−4"),
        (text.short(0.0), "0"),
        (text.short(0.025), "0.025"),
        (text.short(12345.6), "12,346"),
        (text.duration(0.42), "0.4 s"),
        (text.duration(59.7), "1 min 00 s"),
        (text.duration(4000), "1 h 06 min"),
        (text.duration(None), "–"),
        (text.rough_duration(20), "1 min"),
        (text.rough_duration(1952), "33 min"),
        (text.rough_duration(4000), "1 h 07 min"),
        (text.size(8_000_000_000), "7.5 GiB"),
        (text.size(12), "12 bytes"),
        (text.moment("2026-01-02T03:04:05.678+00:00"), "2026-01-02 03:04 UTC"),
        (text.moment(None), "–"),
        (text.shape((26, 26, 10)), "26×26×10"),
        (text.shape(()), "–"),
        (text.setting(True), "yes"),
        (text.setting(None), "–"),
        (text.setting("relu"), "relu"),
        (text.command(["mnist-tune", "--out", "my run"]), "mnist-tune --out 'my run'"),
    ],
)
def test_formatting(shown: str, expected: str) -> None:
    assert shown == expected


def decode(source: str) -> Image.Image:
    """The picture of a data address."""
    return Image.open(io.BytesIO(base64.b64decode(source.removeprefix("data:image/png;base64,"))))


def test_grey_picture_holds_its_pixels() -> None:
    image = np.array([[0, 255, 7], [1, 2, 3]], dtype=np.uint8)
    picture = decode(pictures.grey(image))
    assert (picture.mode, picture.format) == ("L", "PNG")
    assert np.array_equal(np.asarray(picture), image)
    assert np.array_equal(np.asarray(decode(pictures.grey(image.T))), image.T)


def test_signed_picture_is_transparent_at_zero() -> None:
    picture = decode(pictures.signed(np.array([[0.0, -1.0, 0.5]]), 1.0))
    assert (picture.mode, picture.size) == ("RGBA", (3, 1))
    assert np.asarray(picture).tolist() == [[[0, 114, 178, 0], [213, 94, 0, 255], [0, 114, 178, 127]]]
    assert np.asarray(decode(pictures.signed(np.array([[np.nan]]), 0.0)))[0, 0, 3] == 0


def test_strip_puts_channels_side_by_side() -> None:
    assert decode(pictures.strip(np.ones((4, 5, 3)))).size == (17, 4)
    picture = decode(pictures.strip(np.array([[[0.0, 1.0], [2.0, 4.0]]])))
    assert picture.mode == "LA"
    # Two channels of two pixels each, and between them a transparent gap.
    assert np.asarray(picture).tolist() == [[[0, 255], [127, 255], [0, 0], [63, 255], [255, 255]]]


def test_draw_makes_ids_unique_and_names_marks() -> None:
    def paint(canvas: Canvas) -> None:
        ax = canvas.axes()
        canvas.points(ax, [1, 2], [1, 2], ["0001", "0002"], color=Ink.WINNER)
        ax.plot([1, 2], [2, 1], gid=canvas.trial_gid("0003"))
        ax.plot([1, 2], [2, 2], gid=canvas.trial_gid("0003"))
        ax.set_title("0.123456 <b>$x$</b>")

    svg = Drawing("one", 200, 100, 'a "label" <b>', paint).svg()
    assert 'data-trial="0001"' in svg
    assert svg.count('data-trial="0003"') == 2
    assert 'id="one-trial-0003"' in svg
    assert 'id="one-trial-0003--2"' in svg
    assert "var(--winner)" in svg
    assert "0.123456 &lt;b&gt;$x$&lt;/b&gt;" in svg
    assert 'aria-label="a &quot;label&quot; &lt;b&gt;"' in svg
    assert Drawing("one", 200, 100, 'a "label" <b>', paint).svg() == svg


def test_marks_share_their_look_and_discs_are_circles() -> None:
    def paint(canvas: Canvas) -> None:
        ax = canvas.axes()
        canvas.points(ax, [1, 2], [1, 2], ["0001", "0002"], color=Ink.WINNER)
        canvas.points(ax, [3], [3], ["0003"], color=Ink.MUTED)
        canvas.points(ax, [1], [3], ["0004"], color=Ink.MUTED, marker="D")
        canvas.points(ax, [], [], [])
        canvas.points(ax, [float("nan")], [1], ["0005"])

    svg = Drawing("one", 200, 100, "label", paint).svg()
    root = ElementTree.fromstring(svg)
    marks = {mark.attrib["data-trial"]: mark for mark in root.iter() if mark.attrib.get("class") == "mark"}
    assert {trial: mark.tag.rpartition("}")[2] for trial, mark in marks.items()} == {
        "0001": "circle",
        "0002": "circle",
        "0003": "circle",
        "0004": "use",
    }
    assert marks["0001"].attrib["r"] == "3"
    assert not any("style" in mark.attrib for mark in marks.values())
    looks = [group.attrib["style"] for group in root.iter() if any(mark in list(group) for mark in marks.values())]
    assert [look.split(";")[0] for look in looks] == ["fill: var(--winner)", "fill: var(--muted)", "fill: var(--muted)"]
    ids = {element.attrib["id"] for element in root.iter() if "id" in element.attrib}
    assert {element.attrib["href"][1:] for element in root.iter() if "href" in element.attrib} <= ids


def test_scales() -> None:
    assert error_scale(0.99) == pytest.approx(2.0)
    assert error_scale(1.0) == pytest.approx(4.30103)
    assert whole_ticks(1, 15) == [2, 4, 6, 8, 10, 12, 14]
    assert log_ticks(0.01, 0.1) == [pytest.approx(v) for v in (0.01, 0.02, 0.05, 0.1)]
    assert log_ticks(3100, 12_000) == pytest.approx([4000, 6000, 8000, 10_000])
    assert log_ticks(1, 1e4) == pytest.approx([1, 10, 100, 1000, 10_000])
    assert log_ticks(1, 100, 8) == pytest.approx([1, 2, 5, 10, 20, 50, 100])
    assert log_ticks(0, 1) == []
    moved = spread_labels([1.0, 1.0, 5.0], 0.5)
    assert moved[1] - moved[0] >= 0.5
    assert spread_labels([], 1) == []


def test_templates_are_strict_and_escape() -> None:
    jinja = templates.environment()
    assert jinja.from_string("{{ a }}").render(a="<b>") == "&lt;b&gt;"
    with pytest.raises(UndefinedError):
        jinja.from_string("{{ a }}").render()


def test_csv_has_a_row_a_trial_and_a_column_a_hyperparameter(tmp_path: Path) -> None:
    folder = build_run(tmp_path / "run", FakeRun(validation=300, test=400, hostile='<b>,"\n'))
    rows = list(csv.DictReader(io.StringIO(trials_csv(read_run(folder)))))
    assert [row["trial"] for row in rows] == [f"{n:04d}" for n in range(1, 37)]
    assert rows[0]["status"] == "failed"
    assert rows[0]["val_accuracy"] == ""
    assert float(rows[1]["val_accuracy"]) > 0.5
    assert "hp.optimizer" in rows[0]
    assert rows[1]["hp.activation"].endswith('<b>,"\n')
    path = write_trials_csv(folder)
    assert path.read_bytes().decode() == trials_csv(read_run(folder))


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("=1+1", "'=1+1"), ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"), ("-2+3", "'-2+3"), ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"), ("\r=1", "'\r=1"), ("\uff1d1", "'\uff1d1"), ("-", "'-"), ("-1e3x", "'-1e3x"), ("-１", "'-１"),
        ("-1.5", "-1.5"), ("+3", "+3"), ("-.5e-3", "-.5e-3"), ("a=1", "a=1"), ("", ""), (-0.25, -0.25), (-3, -3), (None, None), (True, True),
    ],
)  # fmt: skip
def test_no_cell_is_a_formula_and_numbers_stay_numbers(cell: object, written: object) -> None:
    assert _escape_formula(cell) == written


def test_a_stranger_s_formulas_are_texts_of_the_csv(tmp_path: Path) -> None:
    """Wherever a text of a run may be any text: errors, values, origins, names of hyperparameters."""
    evil = "=HYPERLINK(0)"
    configuration = {evil: evil, "rate": -0.5, "typed": "-0.5"}
    records = [make_record("0001", None, error=evil, origin="@x", configuration=configuration)]
    rows = list(csv.reader(io.StringIO(trials_csv(make_run(records)))))
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "@", "+"))]
    row = dict(zip(rows[0], rows[1], strict=True))
    assert (row["error"], row["origin"], row[f"hp.{evil}"]) == (f"'{evil}", "'@x", f"'{evil}")
    assert (row["hp.rate"], row["hp.typed"]) == ("-0.5", "-0.5")


def test_nothing_turns_the_writing_direction_of_a_page(tmp_path: Path) -> None:
    """Characters that aren't seen are shown as escapes, on the page and on all that is made of the same texts."""
    unseen = "\u061c\u200b\u200e\u200f\u2028\u2029\u202a\u202d\u202e\u2066\u2069\ufeff\U000e0041"
    folder = build_run(tmp_path / "run", FakeRun(validation=300, test=400, hostile=unseen))
    document = json.loads((folder / "run.json").read_text())
    document["data"]["class_names"][0] = f"a{unseen}"
    (folder / "run.json").write_text(json.dumps(document))
    run = read_run(folder)
    made = {"page": render_report(folder), "card": run_card(folder), "csv": trials_csv(run)}
    assert {name for name, text in made.items() if set(unseen) & set(text)} == set()
    assert "a\\u061c\\u200b" in made["page"]
    assert "\\u202e" in made["csv"]


def test_joiners_that_scripts_need_and_right_to_left_letters_stay() -> None:
    assert readable("می\u200cخواهم 👨\u200d👩 שלום") == "می\u200cخواهم 👨\u200d👩 שלום"
    assert readable({"a\u202e": ["\x00\ud800"]}) == {"a\\u202e": ["\ufffd\ufffd"]}


def test_frame_is_ranked_within_its_phase(tmp_path: Path) -> None:
    frame = trials_frame(build_run(tmp_path / "run", FakeRun(validation=300, test=400)))
    assert list(frame["phase"].unique()) == ["search", "confirm"]
    assert len(frame) == 36
    confirmed = frame[frame["phase"] == "confirm"]["val_accuracy"]
    assert list(confirmed) == sorted(confirmed, reverse=True)
    assert trials_frame(build_run(tmp_path / "none", FakeRun(brackets=(), confirm=False))).empty


def test_card_escapes_and_names_the_data(tmp_path: Path) -> None:
    folder = build_run(tmp_path / "run", FakeRun(data="digits", fallback=True, validation=300, hostile="<b>"))
    card = run_card(folder)
    assert "not MNIST" in card
    assert "&lt;b&gt;" in card
    assert "<b>" not in card
    assert "no trial has finished" in run_card(build_run(tmp_path / "none", FakeRun(brackets=(), confirm=False)))


def test_figures_stand_alone(tmp_path: Path) -> None:
    found = figures(build_run(tmp_path / "run", FakeRun(brackets=((0, ((4, 2),)),), validation=300, test=400)))
    assert {"front", "history", "pareto", "curves-accuracy", "confusion-counts", "reliability", "pixels"} <= set(found)
    for text_of_svg in found.values():
        root = ElementTree.fromstring(text_of_svg)
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert "--winner:" in text_of_svg


def test_marks_that_look_alike_say_it_once() -> None:
    def paint(canvas: Canvas) -> None:
        ax = canvas.axes()
        canvas.points(ax, [1, 2, 3], [1, 2, 3], ["0001", "0002", "0003"], color=Ink.WINNER)
        ax.scatter([1, 2], [2, 1], c=[Ink.TEXT, Ink.FAINT])

    svg = Drawing("one", 200, 100, "", paint).svg()
    root = ElementTree.fromstring(svg)
    parents = {child: parent for parent in root.iter() for child in parent}
    marks = [element for element in root.iter() if element.get("class") == "mark"]
    assert [mark.get("data-trial") for mark in marks] == ["0001", "0002", "0003"]
    assert {mark.get("style") for mark in marks} == {None}
    assert "fill: var(--winner)" in (parents[marks[0]].get("style") or "")
    ids = [element.get("id") for element in root.iter() if element.get("id")]
    used = {element.get("href", "")[1:] for element in root.iter() if element.get("href")}
    assert used <= set(ids)
    assert len(ids) == len(set(ids))
    # Marks of different looks keep their own.
    assert "var(--ink)" in svg
    assert "var(--faint)" in svg


def front_of(*published: tuple[str, int, float]) -> str:
    """The front's figure with trials around these references."""
    sizes = ((2900, 0.97), (5000, 0.98), (6700, 0.995))
    points = tuple(SizePoint(f"000{place}", size, accuracy, 15) for place, (size, accuracy) in enumerate(sizes))
    references = tuple(PublishedPoint(*reference) for reference in published)
    front = Front(points, points[:1], 15, (), references, None)
    return front_figure(front, "front", name="front", target=None, width=520, height=300).svg()


@pytest.mark.parametrize(("largest", "even"), [(15_000, True), (14_999, False)])
def test_sizes_far_apart_stand_on_a_logarithmic_axis(largest: int, even: bool) -> None:
    """Equal ratios are equal distances then: 5,000 to 8,660 as 8,660 to 15,000."""
    points = tuple(SizePoint(f"000{k}", size, 0.98, 15) for k, size in enumerate((5_000, 8_660, largest)))
    svg = front_figure(Front(points, points[:1], 15, (), (), None), "front", name="front").svg()
    first, second, third = (float(x) for x in re.findall(r'class="mark" data-trial="\d+" cx="([\d.]+)"', svg))
    assert (third - second == pytest.approx(second - first, rel=0.01)) is even
    assert ">10,000<" in svg


def test_names_that_find_no_room_on_a_narrow_page_are_marked() -> None:
    """There letters are larger: what would run into another name is hidden by report.css."""
    near = front_of(("left-1", 3000, 0.99), ("a-long-name-between", 5000, 0.99), ("right-9", 6600, 0.9901))
    far = front_of(("left-1", 3000, 0.99), ("right-9", 9000, 0.98))
    assert all(name in near for name in ("left-1", "a-long-name-between", "right-9"))
    assert near.count('id="front-roomy-') == 1
    assert 'id="front-roomy-' not in far
    css = (Path(templates.__file__).parent / "assets" / "report.css").read_text(encoding="utf-8")
    assert '[id^="front-roomy-"]' in css


def test_a_name_stands_on_no_axis() -> None:
    """At the left end of the axis only the mark's right side has room, and here another mark is there."""
    crowded = front_of(("left-1", 3000, 0.99), ("next", 3300, 0.99), ("far", 6000, 0.98))
    free = front_of(("left-1", 3000, 0.99), ("far", 6000, 0.98))
    assert ">left-1<" not in crowded
    assert ">next<" in crowded
    assert re.search(r"text-anchor: start[^>]*>left-1<", free)


@pytest.mark.parametrize(("cap", "anchor"), [(6_100, "end"), (4_500, "middle"), (3_050, "start")])
def test_the_caps_words_stay_within_the_figure(cap: int, anchor: str) -> None:
    """Letters are larger on a narrow page: at an end of the axis they grow away from it."""
    point = SizePoint("0001", 4000, 0.98, 15)
    references = (PublishedPoint("small", 3000, 0.97), PublishedPoint("large", 6000, 0.99))
    svg = front_figure(Front((point,), (point,), 15, (), references, cap), "front", name="front").svg()
    assert re.search(rf"text-anchor: {anchor}[^>]*>cap {cap:,}<", svg)
