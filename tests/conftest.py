"""
What holds for every test: missing programs, and how much Hypothesis tries.
"""

from __future__ import annotations

import os

import hypothesis
import pytest

from tests.tools import Missing, azurite, chromium

# Every exchange with a local Azure is checked against Azure's specification, where that is at hand.
pytest_plugins = ["tests.conformance.plugin", "tests.campaign.figures"]

NEEDED = {"chromium": chromium, "azurite": azurite}

# No deadline: the machine may be shared, and time is measured by the benchmarks.
hypothesis.settings.register_profile("quick", max_examples=100, deadline=None)
hypothesis.settings.register_profile("thorough", max_examples=2_000, deadline=None)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test whose program is missing, naming the program."""
    for mark, find in NEEDED.items():
        if item.get_closest_marker(mark) is not None:
            try:
                find()
            except Missing as missing:
                pytest.skip(str(missing))
