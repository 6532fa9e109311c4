"""Figures as files for slides and papers: literal colours, the same bytes, nothing of others written over."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib import image
from matplotlib.colors import to_rgb

from mnist_tune import cli
from reports.figures.canvas import Canvas, Drawing
from reports.figures.standalone_files import make_files
from reports.figures.theme_colours import ROLES, STAND_INS, Ink, light_colours
from reports.pages.figure_files import write_figures
from reports.pages.page import figures
from tests.kit.marks import slow_after
from tests.kit.page import HOSTILE, SMALL
from tests.kit.run_builder import FakeRun, build_run
from tuner.core.errors import UsageError

TINY: dict[str, Any] = {"brackets": ((0, ((3, 2),)),), "failed": 0, "confirm": False}
"""A run with few figures."""

DARKEST_STAND_IN = 0x80
"""Stand-in colours are #000100 to #00017f."""


def build(folder: Path, **changes: Any) -> Path:
    return build_run(folder, FakeRun(**{**SMALL, **changes}))


def files_in(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A run and the folder of its figures."""
    run = build(tmp_path_factory.mktemp("run") / "run")
    folder = tmp_path_factory.mktemp("files") / "new" / "figures"
    write_figures(run, folder)
    return run, folder


@pytest.mark.slow
def test_every_figure_of_the_page_is_there_in_both_forms(written: tuple[Path, Path]) -> None:
    run, folder = written
    names = set(figures(run))
    assert {"pareto", "confusion-counts", "curves-accuracy", "slice-0"} <= names
    assert set(files_in(folder)) == {f"{name}.{form}" for name in names for form in ("svg", "png")}


def test_svg_files_are_whole_and_their_colours_literal(written: tuple[Path, Path]) -> None:
    for name, content in files_in(written[1]).items():
        if name.endswith(".svg"):
            root = ElementTree.fromstring(content)
            assert root.tag == "{http://www.w3.org/2000/svg}svg"
            assert root.get("width", "").endswith("pt")
            assert root.find("{http://www.w3.org/2000/svg}title") is not None
            assert b"#0001" not in content, name
            assert b"var(" not in content


def test_png_files_have_no_stand_in_colour(written: tuple[Path, Path]) -> None:
    for name, content in files_in(written[1]).items():
        if name.endswith(".png"):
            pixels = np.rint(255 * image.imread(io.BytesIO(content), format="png")).astype(int)
            red, green, blue = pixels[..., 0], pixels[..., 1], pixels[..., 2]
            assert not ((red == 0) & (green == 1) & (blue < DARKEST_STAND_IN)).any(), name
            assert tuple(pixels[0, 0]) == (255, 255, 255, 255)


@pytest.mark.slow
def test_the_same_run_gives_the_same_bytes(tmp_path: Path) -> None:
    run = build(tmp_path / "run", **TINY)
    write_figures(run, tmp_path / "one")
    write_figures(run, tmp_path / "other")
    assert files_in(tmp_path / "one") == files_in(tmp_path / "other") != {}


def test_every_kind_of_artist_gets_the_light_colour() -> None:
    def paint(canvas: Canvas) -> None:
        ax = canvas.axes()
        ax.plot([0, 1], [0, 1], color=Ink.WINNER, marker="o", markerfacecolor="none", markeredgecolor=Ink.PUBLISHED)
        ax.fill_between([0, 1], [0, 1], [1, 2], color=Ink.CATEGORY[0], alpha=0.25)
        ax.stairs([1, 2], [0, 0.5, 1], fill=True, color=Ink.ORDER[2])
        ax.text(0.5, 0.5, "here", color=Ink.HEAT_TEXT[7])
        ax.grid(color=Ink.FAINT)

    files = make_files(Drawing("one", 300, 200, "A title", paint))
    for role in (Ink.WINNER, Ink.PUBLISHED, Ink.CATEGORY[0], Ink.ORDER[2], Ink.HEAT_TEXT[7], Ink.FAINT, Ink.MUTED):
        assert light_colours()[role] in files.svg
    assert "opacity: 0.25" in files.svg
    assert ">A title</text>" in files.svg
    height, width, _ = image.imread(io.BytesIO(files.png), format="png").shape
    assert (width, height) == (600, 2 * (200 + 27))


def test_every_stand_in_has_a_light_colour() -> None:
    assert set(light_colours()) == set(ROLES) == set(STAND_INS)
    assert to_rgb(light_colours()[Ink.PAPER]) == (1.0, 1.0, 1.0)
    assert not set(light_colours().values()) & set(STAND_INS.values())


def test_of_layered_marks_the_largest_layer_is_shown() -> None:
    def paint(canvas: Canvas) -> None:
        ax = canvas.axes()
        for place, marks in enumerate((1, 3, 2)):
            canvas.marks[f"length-{place}"] = ("0001",) * marks
            ax.plot(range(marks), range(marks), gid=f"length-{place}")
            ax.plot(range(marks), range(marks), gid=f"length-{place}-medians")

    svg = make_files(Drawing("one", 300, 200, "", paint)).svg
    assert 'id="length-1"' in svg
    assert 'id="length-1-medians"' in svg
    assert "length-0" not in svg
    assert "length-2" not in svg


@pytest.mark.parametrize(
    "changes",
    slow_after(1, [{**TINY, "status": "running"}, {"hostile": HOSTILE + "\x00\x1b"}]),
    ids=["running", "hostile"],
)
def test_any_run_s_figures_are_well_formed(tmp_path: Path, changes: dict[str, Any]) -> None:
    run = build(tmp_path / "run", **changes)
    number = write_figures(run, tmp_path / "figures")
    contents = files_in(tmp_path / "figures")
    assert len(contents) == 2 * number > 0
    assert all(ElementTree.fromstring(text) is not None for name, text in contents.items() if name.endswith(".svg"))


def test_a_run_without_trials_has_few_figures(tmp_path: Path) -> None:
    run = build(tmp_path / "run", brackets=(), confirm=False)
    assert write_figures(run, tmp_path / "figures") == len(figures(run))


@pytest.mark.slow
def test_others_files_are_kept_and_own_ones_renewed(tmp_path: Path) -> None:
    run, folder = build(tmp_path / "run", **TINY), tmp_path / "figures"
    folder.mkdir()
    (folder / "pareto.svg").write_text("<svg>mine</svg>")
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(UsageError, match=r"pareto\.svg is there already"):
        write_figures(run, folder)
    assert set(files_in(folder)) == {"pareto.svg", "notes.txt"}
    write_figures(run, folder, force=True)
    assert (folder / "pareto.svg").read_text() != "<svg>mine</svg>"
    number = write_figures(run, folder)
    assert (folder / "notes.txt").read_text() == "mine"
    assert len(files_in(folder)) == 2 * number + 1


@pytest.mark.parametrize(
    ("words", "told"),
    [(("--figures", "file"), "is a file"), (("--figures",), "--figures"), (("--figures", "file/below"), "")],
)
def test_a_mistake_is_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: Sequence[str],
    told: str,
) -> None:
    build(tmp_path / "run")
    monkeypatch.chdir(tmp_path)
    Path("file").write_text("mine")
    assert cli.main(["report", "run", *words]) == 2
    captured = capsys.readouterr()
    assert told in captured.err
    assert captured.err.count("\n") == 1
    assert captured.out == ""
    assert Path("file").read_text() == "mine"
    assert not Path("run/report.html").exists()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_can_t_be_written_is_told(tmp_path: Path) -> None:
    run = build(tmp_path / "run")
    (tmp_path / "locked").mkdir(mode=0o500)
    with pytest.raises(UsageError, match="can't be written"):
        write_figures(run, tmp_path / "locked")


def test_a_full_disk_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = build(tmp_path / "run", brackets=(), confirm=False)

    def full(*_: Any) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UsageError, match="No space left on device"):
        write_figures(run, tmp_path / "figures")


def test_command_writes_page_and_figures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = build(tmp_path / "run", brackets=(), confirm=False)
    assert cli.main(["report", str(run), "--figures", str(tmp_path / "figures")]) == 0
    number = len(figures(run))
    words = (
        f"Wrote {number} figure{'' if number == 1 else 's'} to {tmp_path / 'figures'}\nWrote {run / 'report.html'}\n"
    )
    assert capsys.readouterr().out == words
