"""Stories of the simulated world that several of its tests read."""

from __future__ import annotations

import random

import pytest

from storyworld.stories import Story, tell

try:
    import skia  # noqa: F401
except ImportError:
    # Nothing can be drawn here; `tests/conftest.py` says so.
    collect_ignore = [
        "test_attributes.py",
        "test_world_dataset.py",
        "test_world_images.py",
    ]

SEEDS = range(13)
BRANCHED = 4
"""Every so many families have branches."""


@pytest.fixture
def rng() -> random.Random:
    return random.Random(0)


@pytest.fixture(scope="session")
def families() -> list[list[Story]]:
    """Families of training stories, every fourth with two branches."""
    return [tell(seed, branches=0 if seed % BRANCHED else 2) for seed in SEEDS]


@pytest.fixture(scope="session")
def test_stories() -> list[Story]:
    """Stories of the test split."""
    return [tell(seed, "test")[0] for seed in range(8)]


@pytest.fixture(scope="session")
def stories(families: list[list[Story]], test_stories: list[Story]) -> list[Story]:
    """All of them."""
    return [story for family in families for story in family] + test_stories
