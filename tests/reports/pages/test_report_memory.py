"""RAM and flash on the page: columns, axes of the front, lines of the model card. Absent where they are unknown."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from reports.analysis.search.pareto import size_front
from reports.pages.page import render_run
from reports.pages.trials_csv import trials_csv
from reports.run.reading import read_run
from reports.sections.model.card import card_of
from reports.sections.search import pareto
from reports.sections.search.trials_table import trials_table
from reports.sections.section import Table
from tests.kit.replacing import replace
from tests.kit.run_builder import FakeRun, build_run, make_record, make_run

RECORDS = [
    make_record("0001", 0.98, ram=9_000, flash=12_000),
    make_record("0002", 0.99, ram=16_000, flash=11_000),
    make_record("0003", 0.97, ram=None, flash=10_000),
]


def test_columns_are_hidden_and_hold_bytes() -> None:
    table = trials_table(make_run(RECORDS))
    assert table is not None
    columns = {column.label: place for place, column in enumerate(table.columns)}
    assert table.columns[columns["RAM"]].extra
    rows = {row.trial: [cell.text for cell in row.cells] for row in table.rows}
    assert (rows["0002"][columns["RAM"]], rows["0002"][columns["Flash"]]) == ("16,000", "11,000")
    assert rows["0003"][columns["RAM"]] == "–"


def test_no_columns_where_nothing_is_known() -> None:
    table = trials_table(make_run([make_record("0001", 0.98)]))
    assert table is not None
    assert not {"RAM", "Flash"} & {column.label for column in table.columns}


def test_the_fronts_have_the_points_whose_size_is_known() -> None:
    run = make_run(RECORDS)
    assert [point.trial for point in size_front(run, "ram").front] == ["0001", "0002"]
    assert [point.trial for point in size_front(run, "flash").front] == ["0003", "0002"]
    assert len(size_front(run, "ram").points) == 2


def test_a_cap_of_memory_is_the_front_s() -> None:
    run = make_run(RECORDS)
    capped = replace(run, info=replace(run.info, space=replace(run.info.space, max_ram=20_000)))
    assert size_front(capped, "ram").cap == 20_000
    assert size_front(capped, "flash").cap is None


@pytest.mark.parametrize(("records", "figures"), [(RECORDS, 2), (RECORDS[2:], 1), ([make_record("0001", 0.98)], 0)])
def test_the_section_draws_what_is_known(records: list[object], figures: int) -> None:
    assert len(pareto.build(make_run(records)).body["memory"]) == figures  # type: ignore[arg-type]


def test_the_card_says_both(tmp_path: Path) -> None:
    run = read_run(build_run(tmp_path / "run", FakeRun(validation=300, test=400)))
    assert run.result is not None
    plain = dict(card_of(run, run.result, ()).facts[0].rows)
    assert not [name for name in plain if "int8" in name]
    known = replace(run.result, ram=9_000, flash=12_000)
    rows = dict(card_of(run, known, ()).facts[0].rows)
    assert rows["RAM of the int8 network (bytes, computed)"] == "9,000"
    assert rows["Flash of the int8 network (bytes, computed)"] == "12,000"


def test_the_csv_has_both() -> None:
    rows = list(csv.DictReader(io.StringIO(trials_csv(make_run(RECORDS)))))
    assert [(row["ram"], row["flash"]) for row in rows] == [("9000", "12000"), ("16000", "11000"), ("", "10000")]


def test_the_front_s_size_is_a_choice_where_several_are_known(tmp_path: Path) -> None:
    plain = read_run(build_run(tmp_path / "run", FakeRun(validation=300, test=400)))
    known = replace(plain, records=tuple(replace(record, ram=9_000, flash=12_000) for record in plain.records))
    page = render_run(known)
    assert page.count('name="front-size"') == 3
    assert page.count('name="front-size" class="pick-0" checked') == 1
    for name in ("Multiply-adds", "RAM", "Flash"):
        assert f"> {name}</label>" in page
    assert 'name="front-size"' not in render_run(plain)


def test_the_front_s_table_has_the_memory_that_is_known() -> None:
    tables = [pareto.build(make_run(records)).body["table"] for records in (RECORDS, [make_record("0001", 0.98)])]
    heads = [[column.label for column in table.columns] for table in tables if isinstance(table, Table)]
    assert heads[0][-2:] == ["RAM", "Flash"]
    assert heads[1][-1] == "Multiply-adds"
