"""What the benchmark of C programs keeps and prints."""

from __future__ import annotations

import json

from benchmarks.c_export import RESULT, Measured, table

ROW = Measured(
    "deep", 3762, 9000, 3000, 784, 200, 12_345_678, 20, 20, 1000, 1000, 0.995, 0.9951, 0.9952, 0.9999, 15000, None
)


def test_all_ram_is_static_memory_stack_and_image() -> None:
    assert ROW.ram == 3984
    assert "| deep | 3,762 | 9,000 | 3,000 | 200 | 3,984 | 12.3 | 99.50 | 99.52 | 15,000 |  |" in table([ROW])


def test_what_is_kept_is_equal_to_the_reference_kernels() -> None:
    rows = [Measured(**row) for row in json.loads(RESULT.read_text(encoding="utf-8"))["rows"]]
    assert rows
    for row in rows:
        assert row.reference_equal == row.compared
        assert row.emulated_equal == row.emulated
        assert row.same_class >= 0.999
        assert row.arena is not None
        assert row.ram < row.arena
        assert row.flash < row.file
