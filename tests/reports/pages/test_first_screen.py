"""The first screen: the headline, its ladder of accuracies, what to do next, the network's strip, an unfinished run."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

import templates
from mnist_tune.cli import export, predict, train
from reports.analysis.model.network import network
from reports.analysis.search.pareto import ConfirmedPoint, Front, PublishedPoint, SizePoint
from reports.analysis.search.slices import Slice, SliceGroup, SlicePoint
from reports.analysis.search.trials import best, explored
from reports.figures.search.pareto import front_figure
from reports.figures.search.slices import slice_figure
from reports.figures.theme_colours import ROLES, Ink, css_variable, text_colour
from reports.formatting import between, day
from reports.pages.page import OF_A_MODEL, render_run, sections_of
from reports.run.reading import read_run
from reports.run.run_data import RunData
from reports.sections.data_name import format_data, format_images
from reports.sections.model.network_strip import format_network, strip
from reports.sections.search.headline import answer_of
from reports.sections.search.ladder import ladder
from reports.sections.search.next_steps import next_steps
from search_spaces.networks.costs import LayerSummary
from tests.kit.page import HOSTILE, SMALL, Page
from tests.kit.run_builder import FakeRun, build_run
from tests.kit.study_builder import STUDIES, build_study, build_training

UNFINISHED: dict[str, Any] = {**SMALL, "confirm": False}


def run_of(tmp_path: Path, **changes: Any) -> RunData:
    """A small run with these changes."""
    return read_run(build_run(tmp_path / "run", FakeRun(**{**SMALL, **changes})))


# --- the headline ----------------------------------------------------------------------------------------------------


def test_a_tested_run_says_interval_errors_seeds_and_effort(tmp_path: Path) -> None:
    answer = answer_of(run_of(tmp_path))
    assert answer.kicker == "mnist-tune · compact8k on MNIST · 1 Mar 2026"
    assert re.fullmatch(r"\d\d\.\d\d%", answer.number)
    assert re.fullmatch(r"of MNIST's test images right, with [\d,]+ parameters", answer.words)
    interval, seeds, effort = answer.measures
    assert re.fullmatch(r"95% interval \d\d\.\d\d–\d+\.\d\d \(\d+ errors? of 400\)", interval)
    assert re.fullmatch(r"\d\d\.\d\d ± \d\.\d\d over 2 seeds", seeds)
    assert re.fullmatch(r"\d+ trials under 8,000 parameters, 1 h 05 min", effort)
    assert answer.progress is None


def test_one_seed_has_no_mean(tmp_path: Path) -> None:
    run = run_of(tmp_path, seeds=1)
    assert not any("over" in part for part in answer_of(run).measures)
    assert "mean of 1" not in render_run(run)
    assert "over 1 seed" not in render_run(run)


def test_a_run_without_a_test_is_of_validation_images(tmp_path: Path) -> None:
    answer = answer_of(run_of(tmp_path, meet_test=False))
    assert answer.words.startswith("of MNIST's validation images right, with ")
    assert re.fullmatch(r"\d\d\.\d\d ± \d\.\d\d over 2 seeds, 300 validation images", answer.measures[0])
    assert "the test set was not used" in answer.measures


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("running", "done so far"),
        ("interrupted", "done when the run was interrupted; nothing is confirmed"),
        ("failed", "done when the run failed; nothing is confirmed"),
    ],
)
def test_an_unfinished_run_claims_no_accuracy(status: str, words: str, tmp_path: Path) -> None:
    run = run_of(tmp_path, **{**UNFINISHED, "status": status})
    answer = answer_of(run)
    ended = len(run.every)
    assert (answer.number, answer.words) == (f"{ended} of {ended} trials", words)
    assert answer.progress is not None
    assert (answer.progress.ended, answer.progress.planned) == (ended, ended)
    top = best(explored(run.records))
    assert top is not None
    assert re.match(
        rf"Best so far {100 * (top.val_accuracy or 0):.2f}% \[\d\d\.\d\d–\d+\.\d\d\] of 300 ", answer.measures[0]
    )
    assert answer.measures[0].endswith("one seed, not confirmed")
    assert ladder(run) == ()


def test_the_planned_trials_are_the_measure_of_progress(tmp_path: Path) -> None:
    run = run_of(tmp_path, **{**UNFINISHED, "status": "running"})
    run.info.plan.trials = 30
    answer = answer_of(run)
    assert answer.number == f"{len(run.every)} of 30 trials"
    assert '<progress class="progress" value="7" max="30"' in render_run(run)


@pytest.mark.parametrize("planned", [None, 0, 3])
def test_a_plan_that_says_nothing_gives_no_progress(planned: int | None, tmp_path: Path) -> None:
    run = run_of(tmp_path, **{**UNFINISHED, "status": "running"})
    run.info.plan.trials = planned
    answer = answer_of(run)
    assert (answer.number, answer.progress) == (f"{len(run.every)} trials", None)
    assert "<progress" not in render_run(run)


def test_a_confirmation_is_named(tmp_path: Path) -> None:
    run = replace(run_of(tmp_path, status="running"), result=None)
    assert answer_of(run).words == "done; the best ones are being confirmed"


def test_nothing_finished_is_no_answer(tmp_path: Path) -> None:
    answer = answer_of(run_of(tmp_path, brackets=(), confirm=False, status="running"))
    assert (answer.number, answer.words) == ("No answer", "yet: no trial has finished")


@pytest.mark.parametrize(
    ("name", "shown", "images"),
    [
        ("mnist", "MNIST", "MNIST's test images"),
        ("fashion_mnist", "Fashion-MNIST", "Fashion-MNIST's test images"),
        ("digits", "scikit-learn's digits", "scikit-learn's 8×8 test digits"),
        ("clothing", "clothing", "clothing's test images"),
        ("shoes", "shoes", "shoes' test images"),
        ("x" * 60, "x" * 39 + "…", "x" * 39 + "…'s test images"),
        (HOSTILE, HOSTILE[:39] + "…", HOSTILE[:39] + "…'s test images"),
    ],
)
def test_data_are_named_as_a_reader_writes_them(name: str, shown: str, images: str, tmp_path: Path) -> None:
    run = run_of(tmp_path / "named", data=name)
    data = run.info.data
    assert (format_data(data), format_images(data, "test")) == (shown, images)
    assert "<script>alert" not in render_run(run).split("<footer>")[0]


def test_memory_stands_beside_its_caps(tmp_path: Path) -> None:
    run = run_of(tmp_path)
    assert run.result is not None
    result = msgspec.structs.replace(run.result, ram=20_480, flash=10_240)

    def last(**caps: int) -> str:
        space = msgspec.structs.replace(run.info.space, **caps)
        return answer_of(replace(run, result=result, info=msgspec.structs.replace(run.info, space=space))).measures[-1]

    assert "RAM" not in last()
    assert last(max_ram=32_768) == "int8, computed: 20.0 KiB of 32.0 KiB RAM"
    assert (
        last(max_ram=32_768, max_flash=65_536) == "int8, computed: 20.0 KiB of 32.0 KiB RAM, 10.0 KiB of 64.0 KiB flash"
    )


# --- the ladder ------------------------------------------------------------------------------------------------------


def test_the_ladder_has_three_accuracies_with_their_n(tmp_path: Path) -> None:
    run = run_of(tmp_path)
    searched, confirmed, tested = ladder(run)
    top = best(explored(run.records))
    assert top is not None
    assert searched.value == f"{100 * (top.val_accuracy or 0):.2f}%"
    assert searched.of.startswith(f"300 validation images, one seed: trial {top.trial}")
    assert confirmed.of == "300 validation images, mean of 2 seeds, 5 epochs"
    assert (tested.value, tested.of) == (answer_of(run).number, "400 test images, the exported model")
    page = Page(render_run(run)).text
    assert all(f"{item.name} {item.value} {item.of}" in page for item in ladder(run))


def test_a_ladder_without_a_test_ends_with_the_confirmation(tmp_path: Path) -> None:
    assert [item.name for item in ladder(run_of(tmp_path, meet_test=False))] == [
        "Best trial of the search",
        "Confirmed",
    ]


def test_another_configurations_best_trial_is_said_to_be_one(tmp_path: Path) -> None:
    run = run_of(tmp_path)
    assert run.result is not None
    run.result.configuration["filters"] = 99
    assert ladder(run)[0].of.endswith(", not the winner's")


# --- what next -------------------------------------------------------------------------------------------------------


def test_the_commands_are_ones_that_the_program_takes(tmp_path: Path) -> None:
    steps = next_steps(run_of(tmp_path))
    assert [step.purpose for step in steps] == ["Classify a picture", "Export it", "Train it again"]
    parsers = {"predict": predict, "export": export, "train": train}
    for step in steps:
        program, command, *words = f"{step.before}a-run{step.after}".split()
        assert program == "mnist-tune"
        parsers[command].make_command_parser().parse_args(words)


@pytest.mark.parametrize(
    ("status", "purposes"), [("running", []), ("interrupted", ["Resume it"]), ("failed", ["Resume it"])]
)
def test_a_run_that_broke_off_is_resumed(status: str, purposes: list[str], tmp_path: Path) -> None:
    run = run_of(tmp_path, **{**UNFINISHED, "status": status})
    assert [step.purpose for step in next_steps(run)] == purposes
    assert ('<dl class="next"' in render_run(run)) is bool(purposes)


# --- an unfinished page ------------------------------------------------------------------------------------------------


def test_what_cannot_be_said_yet_is_one_line(tmp_path: Path) -> None:
    run = run_of(tmp_path, **{**UNFINISHED, "status": "running"})
    identities = [section.id for section in sections_of(run)]
    assert not {"confusion", "errors", "robustness", "weights", "model-card"} & set(identities)
    text = Page(render_run(run)).text
    assert text.count("Confusion, errors, robustness, memory, weights and the model card come with the result.") == 1
    assert len(OF_A_MODEL) == 7


@pytest.mark.parametrize("kind", ["search", "train", "study"])
def test_every_section_is_in_a_part_of_the_page(tmp_path: Path, kind: str) -> None:
    build: dict[str, Callable[[Path], Path]] = {
        "search": lambda folder: build_run(folder, FakeRun(**SMALL)),
        "train": build_training,
        "study": lambda folder: build_study(folder, STUDIES["dropout"]),
    }
    parts = [section.part for section in sections_of(read_run(build[kind](tmp_path / "run")))]
    assert parts[0] == "Answer"
    assert all(parts)
    # Each part is in one piece, or the table of contents would name it twice.
    assert len([part for part, _ in itertools.groupby(parts)]) == len(set(parts))


def test_notes_follow_the_answer_and_alarms_precede_it(tmp_path: Path) -> None:
    run = run_of(tmp_path, data="digits", fallback=True, notes=["4 trials were not run."])
    text = Page(render_run(run)).text
    alarm, number, note = (
        text.index(words) for words in ("8×8 digits, not MNIST.", answer_of(run).kicker, "4 trials were not run.")
    )
    assert alarm < number < note


# --- references ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "shown"), [("mnist", True), ("clothing", False), ("digits", False), ("fashion_mnist", False)]
)
def test_published_networks_stand_beside_mnist_only(data: str, shown: bool, tmp_path: Path) -> None:
    text = render_run(run_of(tmp_path, data=data))
    assert ('id="references-table"' in text) is shown


def front_svg(*references: PublishedPoint) -> str:
    points = tuple(SizePoint(f"000{place}", 4000 + 1000 * place, 0.98 + place / 1000, 15) for place in range(3))
    return front_figure(Front(points, points, 15, (), references, 8000), "front", name="front").svg()


def test_the_axes_fit_the_trials_whatever_was_published() -> None:
    marks = r'class="mark" data-trial="\d+" cx="([\d.]+)"'
    near, far = front_svg(PublishedPoint("near", 5000, 0.981)), front_svg(PublishedPoint("far", 900_000, 0.9998))
    assert re.findall(marks, near) == re.findall(marks, far)


@pytest.mark.parametrize(
    ("reference", "marker", "label"),
    [
        (PublishedPoint("inside", 5000, 0.981), "", "inside"),
        (PublishedPoint("larger", 900_000, 0.981), ">", "larger 98.10%"),
        (PublishedPoint("smaller", 10, 0.981), "<", "smaller 98.10%"),
        (PublishedPoint("better", 5000, 0.9998), "^", "better 99.98%"),
        (PublishedPoint("worse", 5000, 0.5), "v", "worse 50.00%"),
    ],
)
def test_a_reference_beyond_the_axes_is_a_tick_at_the_edge(reference: PublishedPoint, marker: str, label: str) -> None:
    svg = front_svg(reference)
    assert f">{label}<" in svg
    assert (f'id="front-published-{ord(marker)}"' if marker else 'id="front-published"') in svg
    assert "published: test" in svg
    assert "this run: validation" in svg


def test_no_reference_no_key() -> None:
    assert "published" not in front_svg()


# --- the strip -------------------------------------------------------------------------------------------------------


def layer(kind: str, shape: tuple[int, ...], parameters: int) -> LayerSummary:
    return LayerSummary(name=kind, kind=kind, shape=shape, parameters=parameters, multiply_adds=1, non_trainable=0)


def test_kernels_are_named_of_colour_images_and_separable_ones_too() -> None:
    layers = (layer("conv", (30, 30, 25), 3 * 9 * 25), layer("separable_conv", (28, 28, 19), 9 * 25 + 25 * 19 + 19))
    first, second = strip(network(layers, channels=3))
    assert (first.kind, second.kind) == ("3×3 conv", "3×3 separable")
    assert (second.meaning, second.share) == ("height × width × channels", "51.6%")
    (grey, _) = strip(network(layers))
    assert grey.kind == "conv"
    assert strip(None) == ()
    assert format_network(None) == ""


def test_the_strip_has_row_labels_and_says_what_each_number_is(tmp_path: Path) -> None:
    text = render_run(run_of(tmp_path))
    labels = text.split('<li class="labels"')[1].split("</li>")[0]
    assert all(f">{word}<" in labels for word in ("Layer", "Output", "Parameters", "Multiply-adds"))
    assert 'title="output: height × width × channels"' in text
    assert 'title="multiply-adds for one image"' in text


# --- words and colours -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("iso", "expected"),
    [
        ("2026-11-22T10:00:00+00:00", "22 Nov 2026"),
        ("2026-01-02", "2 Jan 2026"),
        ("", ""),
        (None, ""),
        ("nonsense!!", ""),
        ("2026-13-45", ""),
    ],
)
def test_day(iso: str | None, expected: str) -> None:
    assert day(iso) == expected


def test_between() -> None:
    assert between((0.9942, 0.9968)) == "99.42–99.68"


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_every_colour_of_words_has_a_contrast_of_four_and_a_half(theme: int) -> None:
    blocks = templates.colours().split("@media")
    values = dict(re.findall(r"(--[\w-]+): (#[0-9a-f]{6}|#[0-9a-f]{3});", blocks[theme]))
    full = {
        name: value if len(value) == 7 else "#" + "".join(2 * digit for digit in value[1:])
        for name, value in values.items()
    }
    roles = [role for role in ROLES if "heat" not in role and role not in (Ink.HAIRLINE, Ink.PAPER)]
    words = {css_variable(text_colour(role)) for role in roles} | {"--chosen"}
    ratios = {name: round(contrast(full[name], full["--paper"]), 2) for name in words}
    assert {name: ratio for name, ratio in ratios.items() if ratio < 4.5} == {}


def test_a_winner_without_room_for_its_label_has_a_shorter_one() -> None:
    trial = SizePoint("0001", 6900, 0.98, 15)
    winner = ConfirmedPoint("0002", 7000, 0.9815, 0.981, 0.982, 3, winner=True)
    neighbours = tuple(PublishedPoint(f"r{place}", 6900 - 60 * place, 0.9813 + place / 20_000) for place in range(8))
    for references, label in (((), "winner, mean of 3"), (neighbours, "winner")):
        front = Front(
            (SizePoint("0000", 1000, 0.95, 15), SizePoint("0003", 9000, 0.96, 15), trial),
            (trial,),
            15,
            (winner,),
            references,
            None,
        )
        assert f">{label}<" in front_figure(front, "front", name="front", width=520, height=300).svg()


@pytest.mark.parametrize("values", [(2, 3), (1, 4, 9), (1, 2, 3, 4)])
def test_ticks_between_whole_numbers_are_whole(values: tuple[int, ...]) -> None:
    points = tuple(SlicePoint(trial=f"000{place}", x=value, accuracy=0.98) for place, value in enumerate(values))
    group = SliceGroup(epochs=2, points=points, medians=())
    item = Slice(name="convolutions_1", log=False, categories=None, groups=(group,))
    labels = re.findall(r">([\d.]+)</text>", slice_figure(item, [0.98], 0, "slice").svg())
    assert not [label for label in labels if "." in label and float(label) < 50]
