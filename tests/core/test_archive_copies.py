"""Deleted stories come back, copies are stories of their own, and a reading key opens no more."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from seedstory_core.errors import StorageError, StoryNotFoundError
from seedstory_core.story.archive import StoryArchive, reading_key_of
from tests.helpers.archives import check_consistent, image_of, on_disk, place_of, write_story


@pytest.fixture(params=["disk", "memory"])
def archive(request: pytest.FixtureRequest, tmp_path: Path) -> StoryArchive:
    place = place_of(request.param, tmp_path)
    return on_disk(place) if request.param == "disk" else StoryArchive(place)


def test_a_deleted_story_comes_back_whole(archive: StoryArchive) -> None:
    story_id, tree = write_story(archive, None, "p1", "p1")
    archive.set_title(story_id, "The Kite")
    archive.delete(story_id)
    with pytest.raises(StoryNotFoundError):
        archive.load(story_id)
    archive.restore(story_id)
    found = archive.load(story_id)
    assert found.tree.panels == tree.panels and found.tree.title == "The Kite"
    assert found.warnings == []
    check_consistent(archive, story_id)
    with pytest.raises(StoryNotFoundError, match="not in the bin"):
        archive.restore(story_id)
    archive.delete(story_id)
    archive.restore(story_id)
    assert len(archive.load(story_id).tree) == 3


@pytest.mark.parametrize("bad", ["../x", "", "a" * 22, 7, None, "r." + "0" * 32])
def test_what_was_never_deleted_is_not_restored(archive: StoryArchive, bad: str) -> None:
    with pytest.raises(StoryNotFoundError):
        archive.restore(bad)


def test_a_copy_is_a_story_of_its_own(archive: StoryArchive) -> None:
    story_id, tree = write_story(archive, None, "p1", "p2", "p1")
    settings = {"pinned": ["p2", "p4"], "star:p2": True, "star:p4": True, "name:p4": "A bay"}
    archive.set_settings(story_id, {**settings, "undo": [1], "redo": [2]})
    painted = dataclasses.replace(tree.panel("p2"), image_seed=9)
    both = dataclasses.replace(painted, pictures=tree.panel("p2").all_pictures)
    assert len(archive.replace(story_id, both, image_of(9)).pictures) == 2
    copied = archive.copy(story_id, {"p1", "p2", "p3"}, "Mine")
    found = archive.load(copied.id)
    assert found.warnings == [] and found.tree.title == "Mine"
    assert [panel.id for panel in found.tree] == ["p1", "p2", "p3"]
    # The next page of the copy will be p4, too.
    assert found.header.settings == {"pinned": ["p2"], "star:p2": True}
    for panel in found.tree:
        source = archive.load(story_id).tree.panel(panel.id)
        assert panel == source
        assert archive.image(copied.id, panel).tobytes() == (
            archive.image(story_id, source).tobytes()
        )
        for picture in panel.pictures:
            shown = panel.showing(picture.name)
            assert archive.image(copied.id, shown).size == (16, 12)
        assert (archive.features(copied.id, panel) == archive.features(story_id, source)).all()
    archive.delete(story_id)
    assert len(archive.load(copied.id).tree) == 3


def test_a_copy_that_fails_leaves_nothing(
    archive: StoryArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    story_id, _ = write_story(archive, None, "p1")

    def full(*values: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(archive, "_copy_panel", full)
    with pytest.raises(StorageError, match="The disk is full, so the story was not copied"):
        archive.copy(story_id, {"p1", "p2"})
    assert [story.id for story in archive.list()] == [story_id]


def test_a_reading_key_leads_to_its_story_and_tells_nothing_of_its_id(
    archive: StoryArchive,
) -> None:
    story_id, _ = write_story(archive, None)
    key = reading_key_of(story_id)
    assert archive.story_of(key) == story_id
    assert story_id not in key and key != reading_key_of(story_id + "x")
    # No key is a story's id, and no id is a key.
    with pytest.raises(StoryNotFoundError):
        archive.load(key)
    for bad in (story_id, key[:-1], key + "0", key.upper(), "", None, 5, "r." + "0" * 32):
        with pytest.raises(StoryNotFoundError):
            archive.story_of(bad)  # type: ignore[arg-type]
    later, _ = write_story(archive, None)
    assert archive.story_of(reading_key_of(later)) == later
    archive.delete(story_id)
    with pytest.raises(StoryNotFoundError):
        archive.story_of(key)
