"""When trials ran: workers, pauses, and the best over time."""

from __future__ import annotations

from typing import Any

import pytest

from reports.analysis.search.timeline import best_over_time, busy_shares, last_improvement_s, timeline
from reports.sections.search import search as section
from tests.kit.drawings import svg_of
from tests.kit.run_builder import clock, make_record, make_run
from tuner.core.records import TrialRecord


def ran(trial: str, start: float, end: float, accuracy: float | None = 0.9, **changes: Any) -> TrialRecord:
    return make_record(trial, accuracy, finished_at=clock(end), duration_s=end - start, **changes)


TWO = [ran("0001", 0, 100), ran("0002", 0, 60, worker=1), ran("0003", 60, 100, 0.95, worker=1)]


def test_bars_and_utilisation() -> None:
    found = timeline(TWO)
    assert [(bar.trial, bar.worker, bar.start_s, bar.end_s) for bar in found.bars] == [
        ("0002", 1, 0, 60),
        ("0001", 0, 0, 100),
        ("0003", 1, 60, 100),
    ]
    assert (found.workers, found.span_s, found.pauses_s, found.utilisation) == ((0, 1), 100, (), 1.0)
    assert timeline([*TWO, ran("0004", 100, 200)]).utilisation == pytest.approx(0.75)


@pytest.mark.parametrize("records", [[], [make_record("0001")], [make_record("0001", finished_at="never")]])
def test_no_times(records: list[TrialRecord]) -> None:
    found = timeline(records)
    assert (found.bars, found.utilisation, found.span_s) == ((), None, 0.0)
    assert busy_shares(found, 10) == {}
    assert best_over_time(records, found) == ()


def test_a_trial_without_length_has_no_utilisation() -> None:
    assert timeline([ran("0001", 5, 5)]).utilisation is None


def test_pauses_are_left_out_and_short_waits_are_not() -> None:
    found = timeline([ran("0001", 0, 100), ran("0002", 150, 200), ran("0003", 5000, 5100), ran("0004", 9100, 9150)])
    assert found.pauses_s == (4800, 4000)
    assert [(bar.start_s, bar.end_s) for bar in found.bars] == [(0, 100), (150, 200), (200, 300), (300, 350)]
    assert found.span_s == 350
    # A trial of another worker that runs on is no pause.
    assert timeline([ran("0001", 0, 10), ran("0002", 0, 500, worker=1), ran("0003", 490, 600)]).pauses_s == ()


def test_best_over_time_is_of_the_search_and_never_falls() -> None:
    records = [
        ran("0001", 0, 10, 0.9),
        ran("0002", 10, 20, None),
        ran("0003", 20, 30, 0.95, epochs=5),
        ran("0004", 30, 40, 0.93),
        ran("0005", 40, 50, 0.99, phase="confirm"),
    ]
    moments = best_over_time(records, timeline(records))
    assert [(m.trial, m.time_s, m.best) for m in moments] == [("0001", 10, 0.9), ("0003", 30, 0.95), ("0004", 40, 0.95)]
    assert last_improvement_s(moments) == 30
    assert last_improvement_s([]) is None


def test_busy_shares() -> None:
    found = timeline([ran("0001", 0, 25), ran("0002", 75, 100), ran("0003", 0, 100, worker=1)])
    assert busy_shares(found, 4) == {0: (1.0, 0.0, 0.0, 1.0), 1: (1.0, 1.0, 1.0, 1.0)}
    assert busy_shares(found, 2)[0] == (0.5, 0.5)


def titles(records: list[TrialRecord]) -> dict[str, str]:
    body = section.build(make_run(records)).body
    return {name: getattr(body[name], "title", "") for name in ("history", "timeline")} | {
        "caption": getattr(body["history"], "caption", "")
    }


def test_titles_say_the_numbers() -> None:
    found = titles(TWO)
    assert found["history"] == "Best so far: 95.00%, reached by trial 3 of 3 that ended"
    assert found["caption"] == "The best was reached after 1 min 40 s of 1 min 40 s of search."
    assert found["timeline"] == "2 workers were training 100% of 1 min 40 s"


def test_pauses_are_said() -> None:
    body = section.build(make_run([ran("0001", 0, 100), ran("0002", 7300, 7400)])).body
    assert "1 pause of 2 h 00 min in all" in getattr(body["history"], "caption", "")
    assert getattr(body["timeline"], "title", "") == "1 worker was training 100% of 3 min 20 s"


def test_many_trials_are_drawn_together() -> None:
    few = [ran(f"{k:04d}", 10 * k, 10 * k + 9) for k in range(1, 400)]
    many = [ran(f"{k:04d}", 10 * k, 10 * k + 9) for k in range(1, 700)]
    drawn = svg_of(section.build(make_run(few)).body["timeline"])
    timeline = section.build(make_run(many)).body["timeline"]
    together = svg_of(timeline)
    assert drawn.count('class="mark"') == 399
    assert together.count('class="mark"') == 0
    assert "699 trials" in getattr(timeline, "caption", "")
    assert len(together) < 30_000


def test_runs_without_times_say_so() -> None:
    body = section.build(make_run([make_record("0001"), make_record("0002", 0.5)])).body
    assert getattr(body["history"], "caption", "") == ""
    assert body["timeline"] is None
    assert "has no times" in str(body["no_times"])
    assert section.build(make_run([])).body["no_times"] == ""


def test_the_best_of_any_length_is_told_from_the_best_of_the_longest() -> None:
    records = [make_record("0001", 0.97, epochs=15), make_record("0002", 0.98, epochs=2)]
    figure = section.build(make_run(records)).body["history"]
    assert getattr(figure, "title", "").startswith("Best so far, of any length: 98.00%, reached by trial 2 of 2")
    alike = section.build(make_run(records[:1])).body["history"]
    assert getattr(alike, "title", "").startswith("Best so far: 97.00%")
