"""The schema of a run's documents: docs/run-folder.md names its keys, and what is written is what was read."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import inspect

from tests.kit.documents import DOCS
from tests.kit.journal_files import read_journal
from tests.kit.run_builder import FakeRun, build_run, make_record
from tests.kit.study_builder import STUDIES, build_study
from tuner.core.records import to_json
from tuner.storage.schema.documents import as_json, parse, read_document, readable, validate
from tuner.storage.schema.export import ExportDocument
from tuner.storage.schema.fields import Table
from tuner.storage.schema.result import ResultDocument
from tuner.storage.schema.run import RunDocument
from tuner.storage.schema.trials import Finished, Layer, Started

SECTIONS = {
    "run.json": RunDocument,
    "trials.jsonl": Finished,
    "result.json": ResultDocument,
    "export.json": ExportDocument,
}
TINY = FakeRun(brackets=((0, ((2, 2),)),), failed=0, finalists=1, test=80, validation=80, refit=True)


def keys_of(kind: Any) -> Iterator[str]:
    """Every key of a document and of the objects in it."""
    if isinstance(kind, (inspect.StructType, inspect.DataclassType)):
        if isinstance(kind, inspect.StructType) and kind.tag_field:
            yield kind.tag_field
        for field in kind.fields:
            yield field.encode_name
            yield from keys_of(field.type)
    elif isinstance(kind, inspect.UnionType):
        for part in kind.types:
            yield from keys_of(part)
    elif isinstance(kind, (inspect.VarTupleType, inspect.ListType)):
        yield from keys_of(kind.item_type)
    elif isinstance(kind, inspect.DictType):
        if isinstance(kind.key_type, inspect.LiteralType):
            yield from (str(value) for value in kind.key_type.values)
        yield from keys_of(kind.value_type)


def documented(section: str) -> set[str]:
    """The keys that a section of docs/run-folder.md names: first cells of its table, and names in its objects."""
    text = (DOCS / "run-folder.md").read_text(encoding="utf-8")
    (body,) = re.findall(rf"^## {re.escape(section)}\n(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE)
    cells = [
        cell for row in re.findall(r"^\| (`[^|]*?) \|", body, re.MULTILINE) for cell in re.findall(r"`(\w+)`", row)
    ]
    objects = re.findall(r"`(\[?\{[^`]*\}\]?)`", body)
    # What follows a colon or a bar is a value: "kind": "choice"\|"int".
    names = [name for found in objects for name in re.findall(r'(?<!: )(?<!\|)(?<!\| )"(\w+)"', found)]
    return {*cells, *names}


@pytest.mark.parametrize("section", SECTIONS)
def test_the_docs_name_exactly_the_keys_of_the_schema(section: str) -> None:
    assert documented(section) == set(keys_of(inspect.type_info(SECTIONS[section])))


def test_the_events_have_the_fields_of_the_records() -> None:
    record = make_record(objective="balanced_accuracy", val_balanced_accuracy=0.9, val_int8_accuracy=0.9)
    assert set(Finished.__struct_fields__) - {"time", "previous", "check"} == set(to_json(record)) - {"finished_at"}
    assert set(Started.__struct_fields__) <= set(Finished.__struct_fields__)


def test_a_folder_is_written_as_it_was_read(tmp_path: Path) -> None:
    for folder in (build_run(tmp_path / "run", TINY), build_study(tmp_path / "study", STUDIES["dropout"])):
        for name, kind in (("run.json", RunDocument), ("result.json", ResultDocument)):
            written = json.loads((folder / name).read_bytes())
            again: dict[str, Any] = as_json(read_document(folder / name, kind))
            assert again == written
            assert list(again) == list(written)
        for event in read_journal(folder / "trials.jsonl"):
            read = validate(event, Finished if event["event"] == "finished" else Started)
            assert {**event, **as_json(read)} == event


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("seed",), True),
        (("seed",), -1),
        (("seed",), 2**63 - 1 + 1),
        (("seed",), 1.0),
        (("status",), "done"),
        (("data", "classes"), 0),
        (("data", "classes"), "10"),
        (("data", "class_names"), ["x"] * 1001),
        (("data", "class_names"), ["x" * 100_001]),
        (("options", "deep"), {"a": {"b": 1}}),
        (("options", "deep"), [[1]]),
        (("plan", "brackets"), [{"bracket": 0, "rungs": [{"rung": 0, "size": 1, "epochs": 2.5}]}]),
        (("times", "elapsed_s"), float("nan")),
        (("times", "phases"), {"another": 1.0}),
        (("references",), [{"name": "x", "parameters": 1, "trial": "0001\n"}]),
        (("space", "hyperparameters"), {"name": "x"}),
    ],
)
def test_what_is_no_run_is_refused_in_one_line_with_its_path(
    path: tuple[str, ...], value: object, tmp_path: Path
) -> None:
    folder = build_run(tmp_path / "run", TINY)
    document = json.loads((folder / "run.json").read_bytes())
    validate(document, RunDocument)
    place = document
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value
    with pytest.raises(ValueError, match=rf"\$\.{path[0]}") as caught:
        validate(document, RunDocument)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_unknown_keys_are_passed_over_and_missing_ones_named(tmp_path: Path) -> None:
    document = json.loads((build_run(tmp_path / "run", TINY) / "run.json").read_bytes())
    assert validate({**document, "of a later version": [[{}]]}, RunDocument) == validate(document, RunDocument)
    del document["data"]["classes"]
    with pytest.raises(ValueError, match=r"`classes` - at `\$\.data`"):
        validate(document, RunDocument)


def test_a_reason_is_short_and_has_no_controls() -> None:
    for value in ("\x1b[2J" * 100_000, "a\nb", "\u202e", "\udcff"):
        with pytest.raises(ValueError, match=r".") as caught:
            validate({"phase": value}, Started)
        assert len(str(caught.value)) < 400
        assert readable(str(caught.value)) == str(caught.value)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["NaN", "[1e999]", "9" * 5000, str(2**63), "[" * 100_000 + "]" * 100_000, "{"])
def test_what_json_must_not_hold(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse(text)


def test_whole_numbers_stay_whole() -> None:
    table: Any = validate({"a": 1, "b": 1.0, "c": True, "d": None, "e": [1, "x"], "f": {"g": 0.5}}, Table)
    assert [type(table[name]) for name in "abc"] == [int, float, bool]
    with pytest.raises(ValueError, match="length"):
        validate({"a": ["x"] * 100_001}, Table)
    assert isinstance(Layer(name="a", kind="b", shape=(1,), parameters=1, multiply_adds=2), msgspec.Struct)
