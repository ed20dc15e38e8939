"""The campaigns: how often each is repeated, what it drew, and how much it tried.

Every campaign is a test whose count is an argument. By default the counts are short, as in the
ordinary suite; `python -m pytest tests/reliability --whole -m ""` takes the whole ones, also in a
browser, and an option of its own sets each, such as `--kills 50 --seed 3`. What was tried is
printed at the end.
"""

from __future__ import annotations

import random
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from seedstory_core.config import StudioConfig
from tests.helpers.small import SMALL_WORDS
from tests.helpers.studio import Server


@dataclass(frozen=True)
class Count:
    """How often a campaign is repeated."""

    short: float
    whole: float
    meaning: str


COUNTS = {
    "cuts": Count(2, 100, "outcomes of a power cut before each step of each change"),
    "writers": Count(3, 200, "kills of a process that only writes pages"),
    "damages": Count(1, 30, "times that every file is damaged in every way"),
    "kills": Count(1, 200, "kills of `python app.py` in the middle of turns"),
    "visitors": Count(5, 50, "visitors at once"),
    "minutes": Count(0.1, 20, "minutes of their visit"),
    "turns": Count(24, 1000, "turns of one story"),
    "stories": Count(6, 500, "stories in sequence"),
    "runs": Count(8, 500, "runs of two servers on one folder"),
    "steps": Count(12, 40, "most steps of such a run"),
    "inputs": Count(150, 5000, "inputs of each fuzzer"),
    "texts": Count(0, 18, "hostile texts shown in a browser"),
}
"""The counts of all campaigns by the names of their options."""


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("campaigns")
    group.addoption("--whole", action="store_true", help="whole campaigns instead of short ones")
    group.addoption("--seed", type=int, default=0, help="draws other cases; default: 0")
    for name, count in COUNTS.items():
        text = f"{count.meaning}; {count.short:g}, or {count.whole:g} with --whole"
        group.addoption(f"--{name}", type=type(count.short), default=None, help=text)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let campaigns take their time if counts were chosen; short ones end as all tests do."""
    given = [config.getoption(f"--{name}", None) for name in COUNTS]
    if config.getoption("--whole", False) or any(one is not None for one in given):
        for item in items:
            if "reliability" in item.path.parts:
                item.add_marker(pytest.mark.timeout(0))


@pytest.fixture(scope="session")
def count(request: pytest.FixtureRequest) -> Callable[[str], Any]:
    """Return the count of a campaign by name."""
    option = request.config.getoption

    def chosen(name: str) -> Any:
        # In a run of the whole suite these options do not exist.
        given = option(f"--{name}", None)
        is_whole = option("--whole", False)
        return (
            given if given is not None else getattr(COUNTS[name], "whole" if is_whole else "short")
        )

    return chosen


@pytest.fixture(scope="session")
def seed(request: pytest.FixtureRequest) -> int:
    return int(request.config.getoption("--seed", 0))


@pytest.fixture
def chance(request: pytest.FixtureRequest, seed: int) -> random.Random:
    """Return the draws of one test; another seed gives others."""
    return random.Random(f"{seed} {request.node.name}")


@pytest.fixture
def tally(request: pytest.FixtureRequest) -> Iterator[Counter[str]]:
    """Count what a campaign tried; printed at the end, also if it fails."""
    counted: Counter[str] = Counter()
    yield counted
    request.node.user_properties.append(("tally", dict(counted)))


@pytest.fixture
def small_server(small_config: StudioConfig, tmp_path: Path) -> Iterator[Server]:
    """Return `python app.py` with the small models and a folder of its own, not started yet."""
    server = Server(small_config, tmp_path / "stories", *SMALL_WORDS)
    yield server
    server.kill()
    if server.log.exists():
        sys.stdout.write(server.log.read_text()[-8000:])  # shown if the test failed


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print what every campaign has tried."""
    files: dict[str, Counter[str]] = {}
    for reports in list(terminalreporter.stats.values()):
        for report in reports:
            if getattr(report, "when", "") != "teardown":
                continue
            for name, counted in report.user_properties:
                if name == "tally":
                    files.setdefault(report.location[0], Counter()).update(counted)
    if files:
        terminalreporter.section("campaigns")
        for file, counted in sorted(files.items()):
            found = ", ".join(f"{number:g} {what}" for what, number in counted.items())
            terminalreporter.write_line(f"{file}: {found}")
