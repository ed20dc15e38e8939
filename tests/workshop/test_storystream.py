"""Stories on disk in StoryStream's format."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from PIL import Image

from seedstory_core.data.draw import render
from seedstory_core.data.stories import tell
from seedstory_core.data.storystream import (
    read_stories,
    scene_from_json,
    scene_to_json,
    write_scenes,
    write_stories,
)


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    jsonl = write_stories(tmp_path, "validation", range(3), image_size=64)
    stories = list(read_stories(jsonl))
    assert len(stories) == 3
    for seed, story in enumerate(stories):
        told = tell(seed, "validation")
        assert story.id == told.id
        assert story.captions == tuple(panel.text for panel in told.panels)
        assert story.reader_texts == tuple(panel.reader_text for panel in told.panels)
        assert story.scenes == tuple(panel.scene for panel in told.panels)
        with Image.open(story.images[-1]) as image:
            assert np.array_equal(np.asarray(image), render(told.panels[-1].scene, 64))


def test_lines_hold_what_published_readers_expect(tmp_path: Path) -> None:
    jsonl = write_stories(tmp_path, "test", range(1), image_size=32)
    row = json.loads(jsonl.read_text().splitlines()[0])
    assert len(row["images"]) == len(row["captions"]) == len(row["orders"]) >= 10
    assert all((tmp_path / name).exists() for name in row["images"])


def test_published_lines_are_read_in_their_order(tmp_path: Path) -> None:
    path = tmp_path / "published.jsonl"
    row = {"id": 102, "images": ["b.jpg", "a.jpg"], "captions": ["B", "A"], "orders": [1, 0]}
    path.write_text(json.dumps(row) + "\n")
    (story,) = read_stories(path)
    assert story.id == "102"
    assert story.captions == ("A", "B")
    assert story.images == (tmp_path / "a.jpg", tmp_path / "b.jpg")
    assert story.reader_texts == ("", "")
    assert story.scenes == ()


def test_several_processes_write_the_same(tmp_path: Path) -> None:
    one = write_scenes(tmp_path / "one", 9, image_size=32)
    two = write_scenes(tmp_path / "two", 9, image_size=32, processes=2)
    assert one.read_text() == two.read_text()
    for story in read_stories(two):
        assert story.captions == ("",)
        with Image.open(story.images[0]) as image:
            assert np.array_equal(np.asarray(image), render(story.scenes[0], 32))


def test_every_other_loose_scene_is_somebody_alone_who_looks_to_the_left(tmp_path: Path) -> None:
    scenes = [story.scenes[0] for story in read_stories(write_scenes(tmp_path, 40, image_size=16))]
    assert all(len(scene.actors) == 1 and scene.facing(0) == "left" for scene in scenes[1::2])
    assert {len(scene.actors) for scene in scenes[::2]} == {1, 2, 3}


def test_a_finished_file_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "scenes.jsonl").write_text("finished\n")
    assert write_scenes(tmp_path, 5).read_text() == "finished\n"


def test_scenes_survive_json() -> None:
    for panel in tell(3).panels:
        row = json.loads(json.dumps(scene_to_json(panel.scene)))
        assert scene_from_json(row) == panel.scene
