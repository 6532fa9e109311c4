"""How a search came by each configuration: in its journal, after a resumption, in trials.csv and on the page."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from pathlib import Path

import pytest

from reports.pages.page import render_report
from reports.pages.trials_csv import trials_csv
from reports.run.reading import read_run
from reports.sections.search.trials_table import trials_table
from reports.sections.section import Table
from search_spaces.families.compact.family import CompactFamily
from tests.kit.records import record, trial
from tests.kit.run_builder import FakeRun, build_run
from tests.kit.runs.searches import Killed, resume, start, whole
from tuner.core.records import configuration_key, to_json
from tuner.oracle.warm_starts import warm_starts
from tuner.storage.journal import read_state
from tuner.storage.schema.documents import validate
from tuner.storage.schema.trials import Finished, Started


def origins(path: Path) -> dict[str, str]:
    return {name: own.origin for name, own in read_state(path / "trials.jsonl").finished.items()}


def test_a_journal_says_how_each_configuration_was_come_by() -> None:
    state = read_state(whole()[0] / "trials.jsonl")
    known = warm_starts(CompactFamily(classes=10), references=True)
    search = [own for own in state.finished.values() if own.phase == "search"]
    first = {own.origin: own.configuration for own in search[: len(known)]}
    assert {origin: dict(own) for origin, own in first.items()} == {
        own.origin: dict(own.configuration) for own in known
    }
    allowed = {"random", *(own.origin for own in known), *(f"near {own.origin}" for own in known)}
    assert {own.origin for own in search} <= allowed
    assert "random" in {own.origin for own in search}
    of = {configuration_key(own.configuration): own.origin for own in search}
    assert all(own.origin == of[configuration_key(own.configuration)] for own in state.finished.values())


def test_a_resumed_run_has_the_same_origins(tmp_path: Path) -> None:
    with pytest.raises(SystemExit):
        start(tmp_path / "cut", Killed("search", after=9))
    resume(tmp_path / "cut")
    assert origins(tmp_path / "cut") == origins(whole()[0])


def test_without_references_nothing_is_near_a_published_network() -> None:
    assert set(origins(whole(references=False)[0]).values()) == {"default", "near default", "random"}


def test_the_journals_of_older_versions_have_no_origin() -> None:
    one, ended = to_json(trial(31, origin="random")), to_json(record(31, phase="confirm", origin="random"))
    assert (
        validate({"event": "started", **one}, Started).origin
        == validate({"event": "finished", **ended}, Finished).origin
        == "random"
    )
    del one["origin"], ended["origin"]
    assert (
        validate({"event": "started", **one}, Started).origin
        == validate({"event": "finished", **ended}, Finished).origin
        == ""
    )


def test_the_table_and_the_csv_say_it_where_it_is_known(tmp_path: Path) -> None:
    run = read_run(build_run(tmp_path / "run", FakeRun()))
    assert "Drawn" not in heads(trials_table(run))
    told = tuple(replace(own, origin="near <b>default</b>" if own.phase == "search" else "") for own in run.records)
    run = replace(run, records=told)
    table = trials_table(run)
    place = heads(table).index("Drawn")
    assert table is not None
    assert {row.cells[place].text for row in table.rows} == {"near <b>default</b>", "–"}
    rows = list(csv.DictReader(io.StringIO(trials_csv(run))))
    assert {row["origin"] for row in rows} == {"near <b>default</b>", ""}


def test_the_page_says_it_too() -> None:
    path = whole(references=False)[0]
    page = render_report(path)
    assert ">near default</td>" in page
    run = read_run(path)
    assert run.result is not None
    winner = run.record(run.result.trials[0])
    words = {
        "default": "configuration is the space&#39;s default one.",
        "near default": "configuration was sampled near the space&#39;s default one.",
        "random": "configuration was sampled at random.",
    }
    assert winner is not None
    assert words[winner.origin] in page.replace("'", "&#39;")


def heads(table: Table | None) -> list[str]:
    assert table is not None
    return [column.label for column in table.columns]
