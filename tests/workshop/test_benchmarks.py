"""Benchmarks that are compared do the same work."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from benchmarks import growth, images, memory, schedules, start, together
from benchmarks.report import Report, Series
from benchmarks.schedules import Bench
from seedstory_core.engine import StoryEngine
from seedstory_core.evaluation.classifier import AttributeClassifier
from seedstory_core.generation.policies import MemoryPolicy
from seedstory_core.session import SessionStore
from seedstory_core.story.archive import StoryArchive


@pytest.fixture
def bench(small_engine: StoryEngine) -> Bench:
    _, bench = memory.bench_of("tiny", small_engine, torch.device("cpu"))
    return bench


@pytest.mark.parametrize("panels", [1, 4])
def test_every_schedule_regresses_the_same_image(bench: Bench, panels: int) -> None:
    policy = MemoryPolicy(policy="dense")
    segments, context = bench.segments(panels, policy)
    ours = schedules.ours(bench, segments, context, policy)
    whole = schedules.released(bench, panels, None)
    window = schedules.released(bench, panels, 8)
    assert torch.allclose(ours.features, whole.features, atol=1e-4)
    assert torch.equal(whole.features, window.features)
    # A pass per word and two more, against one per word and per image token.
    num_queries = len(bench.marks.queries)
    assert ours.num_forwards == schedules.CAPTION_TOKENS + 2
    assert whole.num_forwards == schedules.CAPTION_TOKENS + num_queries + 2
    assert whole.num_tokens > panels * (schedules.CAPTION_TOKENS + num_queries)
    assert 0 < ours.first_seconds < ours.seconds


def test_memory_is_measured_in_all_its_parts(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(memory, "PANELS", (2, 5, 10, 25, 100))
    monkeypatch.setattr(schedules, "CAPTION_TOKENS", 3)
    report = memory.measure(("small", bench), 1)
    text = report.markdown()
    for said in ("image queries", "a new branch", "memory of a branch", "read", "panel 100"):
        assert said in text
    report.save(tmp_path, "memory")
    assert json.loads((tmp_path / "memory.json").read_text())["key"] == "small"
    assert (tmp_path / "memory-turn.svg").exists()


def test_a_long_story_is_told_under_every_policy(small_engine: StoryEngine, tmp_path: Path) -> None:
    store = SessionStore(small_engine, StoryArchive(str(tmp_path)))
    report = growth.measure(store, 30)
    rows = report.series["rows"]
    assert all(line[30] for line in rows.values.values())
    assert rows.median("dense", 30) > rows.median("multimodal attention sink", 30)
    capped = rows.values["capped multimodal attention sink"]
    assert max(values[0] for values in capped.values()) <= small_engine.policy.max_rows


def test_stories_at_once_and_images_are_measured(
    small_engine: StoryEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = SessionStore(small_engine, StoryArchive(str(tmp_path)))
    report = together.measure(store, 1)
    assert len(report.lines) == 3
    monkeypatch.setattr(images, "REFERENCE_STEPS", 20)
    monkeypatch.setattr(images, "PASSES", (2, 8))
    monkeypatch.setattr(images, "NUM_IMAGES", 4)
    report = images.measure(small_engine, 1, AttributeClassifier().eval())
    assert "small decoder" in report.markdown()
    distance = report.series["distance"]
    name = next(iter(distance.values))
    assert distance.median(name, 8) < distance.median(name, 2)


@pytest.mark.slow
def test_a_start_is_measured_from_the_help_to_the_first_word(tmp_path: Path) -> None:
    found = start.one_start(["--set", f"runtime.stories_folder={tmp_path}"])
    assert len(found) == 6
    for clock in (list(found.values())[::2], list(found.values())[1::2]):
        help_shown, first_byte, first_word = clock
        assert 0 < help_shown < first_byte < first_word


def test_a_table_has_medians_and_their_spread() -> None:
    series = Series("Time", "s", "panel")
    series.add("ours", 2, [0.3, 0.1, 0.2])
    series.add("theirs", 2, [1.0])
    series.add("ours", 10, [0.25])
    report = Report("key", "a machine", "a model", {"time": series}, ["so it is"])
    assert "| ours | 0.2 (0.1–0.3) | 0.25 |" in report.markdown()
    assert "| theirs | 1 | – |" in report.markdown()
    assert report.markdown().endswith("- so it is")
