"""Child processes: what is sent arrives, what is printed is kept, and an end of either side is noticed."""

from __future__ import annotations

import os
import queue
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tuner.core.records import Json
from tuner.processes.child import OUT_OF_MEMORY_CODE, ChildProcess

WAIT_S = 60.0


class Echo(ChildProcess):
    def __init__(self, log: Path) -> None:
        self.heard: queue.SimpleQueue[Json | None] = queue.SimpleQueue()
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        super().__init__(("tests.kit.processes.echo_process", "a", "b"), environment, log.open("w+b"), self.heard.put)


@pytest.fixture
def echo(tmp_path: Path) -> Iterator[Echo]:
    child = Echo(tmp_path / "log")
    yield child
    child.end()


def test_requests_are_answered_in_order_and_prints_are_no_answers(echo: Echo, tmp_path: Path) -> None:
    for number in range(3):
        echo.send({"number": number, "print": f"line {number}\n\n"})
    answers = [echo.heard.get(timeout=WAIT_S) for _ in range(3)]
    assert [answer and answer["echo"]["number"] for answer in answers] == [0, 1, 2]
    assert answers[0] is not None
    assert answers[0]["arguments"] == ["a", "b"]
    echo.end()
    assert echo.heard.get(timeout=WAIT_S) is None
    assert [line for line in (tmp_path / "log").read_text().split("\n") if line] == ["line 0", "line 1", "line 2"]


@pytest.mark.parametrize(
    ("code", "reason"), [(7, "it ended with exit code 7"), (OUT_OF_MEMORY_CODE, "it ran out of memory")]
)
def test_a_death_is_noticed_with_its_reason_and_last_lines(code: int, reason: str, echo: Echo) -> None:
    echo.send({"exit": code, "print": f"{'x' * 200_000}\nlast\nwords"})
    assert echo.heard.get(timeout=WAIT_S) is None
    assert echo.exit_reason() == reason
    assert echo.last_lines()[-2:] == ["last", "words"]
    with pytest.raises(OSError, match=r"."):
        echo.send({"late": True})


def test_a_child_ends_with_its_parent(echo: Echo) -> None:
    assert echo.popen.stdin is not None
    echo.popen.stdin.close()
    assert echo.heard.get(timeout=WAIT_S) is None
    assert echo.popen.wait(WAIT_S) == 0


def test_a_kill_is_told_as_one(echo: Echo) -> None:
    echo.popen.kill()
    assert echo.exit_reason() == "it was killed (signal 9; out of memory?)"
