"""What holds for every test: drawings are empty unless a test is marked `draws`; fake workers are forked; no example has a deadline."""

from __future__ import annotations

import hypothesis
import pytest

from tests.kit import drawings
from tests.kit.processes import forked_workers

drawings.leave_drawings_empty()
forked_workers.install()
# A busy machine is no fault of a test.
hypothesis.settings.register_profile("project", deadline=None)
hypothesis.settings.load_profile("project")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Before any fixture, so that those of a whole module find the setting too."""
    drawings.set_drawing(item.get_closest_marker("draws") is not None)
