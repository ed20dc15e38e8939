"""Stories on disk: they are read back unchanged, and writing resumes where it was cut off."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from PIL import Image

from storyworld import dataset
from storyworld.dataset import (
    draw,
    read_lines,
    scene_from_json,
    scene_to_json,
    story_to_json,
    tell_family,
    write_scenes,
    write_stories,
)
from storyworld.drawing.compose import render_image
from storyworld.drawing.sampling import random_scene
from storyworld.scene import Actor, Scene, Thing
from storyworld.stories import Story, tell


def test_a_scene_comes_back_from_its_json():
    rng = random.Random(0)
    for _ in range(200):
        scene = random_scene(rng)
        assert scene_from_json(json.loads(json.dumps(scene_to_json(scene)))) == scene


def test_a_scene_that_is_none_is_refused():
    content = scene_to_json(Scene("garden", (Actor("fox"),), (Thing("kite", "sky"),)))
    for key, value in (("place", "moon"), ("time", "noon"), ("actors", [])):
        with pytest.raises(ValueError, match=r"moon|noon|actors"):
            scene_from_json({**content, key: value})


def test_a_story_is_a_line_of_the_data_set(families: list[list[Story]]):
    for story in families[0]:
        line = json.loads(json.dumps(story_to_json(story)))
        count = len(story.panels)
        assert line["id"] == story.id and line["shared"] == story.shared
        assert line["orders"] == list(range(count))
        for key in ("images", "captions", "reader_texts", "hints", "scenes", "events"):
            assert len(line[key]) == count
        assert line["captions"] == [panel.text for panel in story.panels]
        assert line["images"][0] == f"{story.id}/00.png" and len(set(line["images"])) == count
        assert [scene_from_json(each) for each in line["scenes"]] == [p.scene for p in story.panels]
        for caption, written in zip(line["captions"], line["reader_texts"], strict=True):
            assert caption.startswith(written)
        assert [tuple(wish) for wish in line["wishes"]] == [
            (k, dict(r), s) for k, r, s in story.wishes
        ]


def test_every_fourth_family_has_branches(families: list[list[Story]]):
    lines = tell_family(4, "train")
    assert [line["id"] for line in lines] == ["train-0000004", "train-0000004-0", "train-0000004-1"]
    assert lines[0]["captions"] == [panel.text for panel in tell(4)[0].panels]
    assert len(tell_family(5, "train")) == 1


# --- writing --------------------------------------------------------------------------------------


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Replace families by one short line, told in this process; collect the seeds told."""
    told: list[int] = []

    class Pool:
        def __init__(self, processes: int) -> None: ...
        def __enter__(self) -> Pool:
            return self

        def __exit__(self, *error: object) -> None: ...
        def imap(self, function, seeds, chunksize):
            return map(function, seeds)

    def family(seed: int, split: str) -> list[dict[str, object]]:
        told.append(seed)
        names = ["", "-0", "-1"] if seed % 4 == 0 else [""]
        return [{"id": f"{split}-{seed:07d}{name}", "captions": ["{}"]} for name in names]

    monkeypatch.setattr(dataset.multiprocessing, "Pool", Pool)
    monkeypatch.setattr(dataset, "tell_family", family)
    return told


def ids(path: Path) -> list[str]:
    return [line["id"] for line in read_lines(path)]


def test_writing_goes_on_where_it_ended(tmp_path: Path, quick: list[int]):
    path = write_stories(tmp_path / "new", "train", range(3))
    assert path == tmp_path / "new" / "train.jsonl"
    first = path.read_text()
    write_stories(tmp_path / "new", "train", range(6))
    assert path.read_text().startswith(first)
    assert quick == [0, 1, 2, 2, 3, 4, 5], "only the last may have been cut off"
    assert len(ids(path)) == len(set(ids(path))) == 10
    assert write_stories(tmp_path, "test", range(1), name="few").name == "few.jsonl"


def test_a_last_line_that_was_cut_off_is_told_again(tmp_path: Path, quick: list[int]):
    whole = write_stories(tmp_path, "train", range(6), name="whole")
    size = len(whole.read_text())
    line = size // len(ids(whole))
    for lost in (1, 2, 5, 30, line, line + 1, 2 * line, 3 * line + 7, size - 4, size):
        path = tmp_path / f"cut{lost}.jsonl"
        path.write_text(whole.read_text()[:-lost])
        write_stories(tmp_path, "train", range(6), name=path.stem)
        assert ids(path) == ids(whole), f"{lost} bytes lost"


def test_a_line_that_is_cut_off_is_not_read(tmp_path: Path):
    path = tmp_path / "few.jsonl"
    path.write_text('{"id": "a"}\n{"id": "b", "captions": ["x"]}\n{"id": "c", "capt')
    assert ids(path) == ["a", "b"]
    path.write_text('{"id": "a"}\n{"id": "c", "scenes": [{"time": "day"}')
    assert ids(path) == ["a"], "a line may be cut off behind a brace"


def test_processes_write_what_one_writes(tmp_path: Path):
    path = write_stories(tmp_path, "validation", range(1, 3), processes=2)
    lines = [line for seed in (1, 2) for line in tell_family(seed, "validation")]
    assert list(read_lines(path)) == json.loads(json.dumps(lines))


# --- images ---------------------------------------------------------------------------------------


def test_scenes_without_words_are_stories_of_one_panel(tmp_path: Path):
    path = write_scenes(tmp_path, 5)
    lines = list(read_lines(path))
    assert [line["id"] for line in lines] == [f"scene-{number}" for number in range(5)]
    assert all(line["captions"] == [""] and len(line["scenes"]) == 1 for line in lines)
    assert len({json.dumps(line["scenes"]) for line in lines}) == 5
    before = path.read_text()
    assert write_scenes(tmp_path, 5).read_text() == before


def test_images_are_drawn_beside_their_lines(tmp_path: Path):
    path = write_scenes(tmp_path, 2)
    draw(path, size=32)
    for line in read_lines(path):
        with Image.open(tmp_path / line["images"][0]) as image:
            expected = render_image(scene_from_json(line["scenes"][0]), 32)
            assert image.size == (32, 32) and image.tobytes() == expected.tobytes()
