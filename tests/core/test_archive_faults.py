"""Story folders under faults, case by case; `tests/reliability/test_disk.py` tries them all."""

from __future__ import annotations

import dataclasses
import json
import threading
from pathlib import Path
from typing import Any

import pytest

from seedstory_core.errors import StorageError, StoryChangedError, UnconfirmedError
from seedstory_core.story import records
from seedstory_core.story.archive import StoryArchive
from seedstory_core.story.files import CREATES_AT_ONCE, RemoteFiles
from tests.helpers.archives import (
    features_of,
    group_of,
    image_of,
    new_story,
    on_disk,
    panel_of,
    place_of,
    write_story,
)
from tests.helpers.faults import FailingFiles, Nth


def test_a_failure_that_cannot_be_looked_into_says_so(tmp_path):
    archive = on_disk(tmp_path)
    story_id, tree = new_story(archive)

    class Dead(FailingFiles):
        def read(self, path: str) -> bytes:
            if self.faults.has_failed:
                raise OSError(5, "Input/output error")
            return self._files.read(path)

    files: Any = Dead(archive._files, Nth(0, took_effect=True, for_ever=True))
    with pytest.raises(UnconfirmedError, match=r"it is not known whether the branch at p2 was rem"):
        StoryArchive(str(tmp_path), files).remove_branch(story_id, tree.branch("p2"))


def test_a_panel_of_an_unfinished_group_can_be_redrawn_and_removed(tmp_path):
    archive = on_disk(tmp_path)
    story_id, tree = new_story(archive)
    archive.append_group(story_id, group_of(4, 5, 6, parent="p3"))
    for number in (4, 5, 6):
        archive._files.remove(f"{story_id}/p{number}.json")
    tree = archive.load(story_id).tree
    assert len(tree) == 6 and archive.list()[0].num_panels == 6
    archive.replace(story_id, dataclasses.replace(tree.panel("p5"), image_seed=70), image_of(70))
    archive.remove_branch(story_id, tree.branch("p6"))
    tree = archive.load(story_id).tree
    assert [p.id for p in tree] == ["p1", "p2", "p3", "p4", "p5"]
    assert tree.panel("p5").image_seed == 70


def test_a_group_meets_another_servers_panel(tmp_path):
    archive = on_disk(tmp_path)
    story_id, _ = new_story(archive)
    archive.append(story_id, panel_of(5, "p3"), image_of(5), features_of(5))
    before = archive._files.names(story_id)
    with pytest.raises(StoryChangedError, match="already has a page"):
        archive.append_group(story_id, group_of(4, 5, 6, parent="p3"))
    assert archive._files.names(story_id) == before


# Damage


def test_a_story_goes_on_below_a_placeholder_and_the_placeholder_can_be_removed(tmp_path):
    archive = on_disk(tmp_path)
    story_id, _ = write_story(archive, None, "p1", "p2")
    archive._files.write(f"{story_id}/p1.json", b"")
    archive.append(story_id, panel_of(4, "p3"), image_of(4), features_of(4))
    tree = archive.load(story_id).tree
    assert [p.id for p in tree.path("p4")] == ["p1", "p2", "p3", "p4"]
    archive.remove_branch(story_id, tree.branch("p1"))
    found = archive.load(story_id)
    assert len(found.tree) == 0 and found.warnings == []


def test_a_lost_record_is_placed_by_its_children(tmp_path):
    archive = on_disk(tmp_path)
    story_id, _ = write_story(archive, None, "p1", "p1")
    archive.append(story_id, panel_of(4, "p2"), image_of(4), features_of(4), grandparent="p1")
    archive._files.remove(f"{story_id}/p2.json")
    found = archive.load(story_id)
    assert [p.id for p in found.tree.path("p4")] == ["p1", "p2", "p4"]
    assert found.tree.panel("p2").problem == (
        "This page could not be read, because the file p2.json of this story is missing."
    )
    # Without a child that knows it, it is guessed, and that is said.
    archive._files.write(f"{story_id}/p3.json", b"")
    found = archive.load(story_id)
    assert "Its place is lost, too; it was put after p2." in found.tree.panel("p3").problem


def test_swapped_files_are_noticed(tmp_path):
    archive = on_disk(tmp_path)
    story_id, tree = write_story(archive, None, "p1")
    other, _ = write_story(archive, None, "p1")
    one, two = (str(tree.panel(i).image_name) for i in ("p1", "p2"))
    images = [archive.image_bytes(story_id, name) for name in (one, two)]
    for name, data in ((one, images[1]), (two, images[0])):
        archive._files.write(f"{story_id}/{name}", data)
    for panel in archive.load(story_id).tree:
        with pytest.raises(StorageError, match="is not the one that was saved"):
            archive.image(story_id, panel)
        with pytest.raises(StorageError, match="is not the one that was saved"):
            archive.image_bytes(story_id, str(panel.image_name))
    foreign = archive._files.read(f"{other}/p1.json")
    archive._files.write(f"{story_id}/p1.json", foreign)
    found = archive.load(story_id)
    assert "Page 1 (p1): The file p1.json of this page was saved in another story." in (
        found.warnings
    )
    assert found.tree.panel("p1").problem and not found.tree.panel("p1").is_placeholder


def test_an_edited_record_is_shown_and_said(tmp_path):
    archive = on_disk(tmp_path)
    story_id, _ = write_story(archive, None, "p1")
    data = archive._files.read(f"{story_id}/p1.json")
    archive._files.write(f"{story_id}/p1.json", data.replace(b"Panel 1 of", b"Panel 9 of"))
    found = archive.load(story_id)
    assert found.tree.panel("p1").text == "Panel 9 of the story."
    assert found.warnings == [
        "Page 1 (p1): The file p1.json of this page is not the one that was saved."
    ]
    archive.replace(story_id, found.tree.panel("p1"))  # saving it again accepts it
    found = archive.load(story_id)
    assert found.warnings == [] and found.tree.panel("p1").text == "Panel 9 of the story."


def as_before_checksums(archive: StoryArchive, story_id: str) -> None:
    """Write a story's files as versions before 0.3 did."""
    for name in archive._files.names(story_id):
        if not name.endswith((".json", ".removed")):
            continue
        record = records.from_json(name, archive._files.read(f"{story_id}/{name}"))
        if name.startswith("story-"):
            archive._files.remove(f"{story_id}/{name}")
            continue
        for key in ("sealed", "sha256", "image_sha256", "story", "grandparent", "revision"):
            record.pop(key, None)
        data = (json.dumps(record) + "\n").encode("ascii")
        archive._files.write(f"{story_id}/{name}", data)


@pytest.mark.parametrize("kind", ["disk", "memory"])
def test_a_story_without_checksums_opens_and_goes_on(tmp_path, kind):
    archive = StoryArchive(place_of(kind, tmp_path))
    story_id, tree = write_story(archive, None, "p1", "p1")
    archive.set_title(story_id, "Old")
    archive.remove_branch(story_id, tree.branch("p3"))
    as_before_checksums(archive, story_id)
    found = archive.load(story_id)
    assert found.warnings == [] and found.tree.title == "Old"
    assert [dataclasses.replace(p, image_sha256=None) for p in tree][:2] == list(found.tree)
    assert archive.image_bytes(story_id, str(found.tree.panel("p1").image_name))
    archive.append(story_id, panel_of(4, "p2"), image_of(4), features_of(4))
    archive.set_title(story_id, "New", was="Old")
    archive.replace(story_id, found.tree.panel("p1"), image_of(70))
    found = archive.load(story_id)
    assert found.warnings == [] and found.tree.title == "New" and len(found.tree) == 3


def test_one_bit_of_a_story_without_checksums_hides_nothing_but_its_page(tmp_path):
    archive = on_disk(tmp_path)
    story_id, tree = write_story(archive, None, "p1")
    as_before_checksums(archive, story_id)
    for name in ("p1.json", "story.json"):
        whole = archive._files.read(f"{story_id}/{name}")
        for bit in range(8):
            number = bytes([ord("1") ^ 1 << bit])
            flipped = whole.replace(b'"format": 1', b'"format": ' + number)
            archive._files.write(f"{story_id}/{name}", flipped)
            found = archive.load(story_id)  # a 3, 5 or 9 is no newer version
            assert len(found.tree) == 2 and found.tree.panel("p2").text == tree.panel("p2").text
            assert f"{name} of this story is damaged" in found.warnings[0]
        archive._files.write(f"{story_id}/{name}", whole)
    picture = str(tree.panel("p2").image_name)
    data = archive._files.read(f"{story_id}/{picture}")
    for place in range(0, len(data), 97):
        flipped = data[:place] + bytes([data[place] ^ 4]) + data[place + 1 :]
        archive._files.write(f"{story_id}/{picture}", flipped)
        with pytest.raises(StorageError, match="is damaged"):
            archive.image_bytes(story_id, picture)


def test_a_title_given_by_an_older_version_is_the_newest(tmp_path):
    archive = on_disk(tmp_path)
    story_id, _ = write_story(archive, None)
    archive.set_title(story_id, "One")
    header = {"format": 1, "title": "By an older version", "engine_fingerprint": ""}
    older = {**header, "settings": {}, "created_at": 0.0}
    archive._files.write(f"{story_id}/story.json", json.dumps(older).encode())
    assert archive.load(story_id).tree.title == "By an older version"
    archive.set_title(story_id, "Two")
    assert archive.load(story_id).tree.title == "Two"


def test_a_story_whose_only_record_is_lost_is_not_deleted_for_good(tmp_path):
    archive = on_disk(tmp_path)
    story_id, _ = write_story(archive, None)
    archive._files.remove(f"{story_id}/p1.json")
    archive.delete(story_id)
    assert list(Path(archive.root, ".trash").glob(f"{story_id}-*/p1-*.png"))


def test_a_disk_that_gives_nothing_is_no_damaged_story(tmp_path, monkeypatch):
    archive = on_disk(tmp_path)
    story_id, _ = write_story(archive, None, "p1", "p2")
    read = archive._files.read
    refused = {"p2.json"}

    def fail(path: str) -> bytes:
        if path.split("/")[1] in refused:
            raise OSError(5, "Input/output error")
        return read(path)

    monkeypatch.setattr(archive._files, "read", fail)
    found = archive.load(story_id)  # one bad sector costs one page
    assert [p.id for p in found.tree if p.is_placeholder] == ["p2"]
    assert "could not be read: Input/output error" in found.warnings[0]
    refused |= {"p1.json", "p3.json"}
    with pytest.raises(StorageError, match="could not be read: Input/output error"):
        archive.load(story_id)
    refused = {"story.json"}
    assert len(archive.load(story_id).tree) == 3
    with pytest.raises(StorageError, match=r"story\.json of this story could not be read"):
        archive.set_title(story_id, "This would lose what story.json holds")


# Two servers


@pytest.fixture(params=["disk", "memory"])
def servers(request, tmp_path) -> tuple[StoryArchive, StoryArchive]:
    place = place_of(request.param, tmp_path)
    return StoryArchive(place), StoryArchive(place)


def test_pins_of_two_servers_are_both_kept_and_titles_are_not_overwritten(servers):
    one, two = servers
    story_id, _ = write_story(one, None, "p1")
    one.set_settings(story_id, {"pinned": ["p1"]}, was={})
    both = two.set_settings(story_id, {"pinned": ["p2"], "memory": {"a": 1}}, was={})
    assert both.settings == {"pinned": ["p1", "p2"], "memory": {"a": 1}}
    gone = one.set_settings(story_id, {"pinned": []}, was={"pinned": ["p1"]})
    assert gone.settings == {"pinned": ["p2"], "memory": {"a": 1}}
    with pytest.raises(StoryChangedError, match="The setting memory of this story was changed"):
        two.set_settings(story_id, {"memory": {"a": 2}}, was={})
    one.set_title(story_id, "One", was="")
    with pytest.raises(StoryChangedError, match="was renamed to “One” in another window or by an"):
        two.set_title(story_id, "Two", was="")
    two.set_title(story_id, "Two", was="One")
    header = one.load(story_id).header
    assert header.title == "Two" and header.settings == gone.settings


def test_a_branch_that_two_servers_remove_stays_removed_whoever_knew_more(servers):
    one, two = servers
    story_id, tree = write_story(one, None, "p1", "p2")
    one.append(story_id, panel_of(4, "p3"), image_of(4), features_of(4), grandparent="p2")
    one.remove_branch(story_id, one.load(story_id).tree.branch("p3"))
    two.remove_branch(story_id, tree.branch("p3"))  # it has not heard of p4
    assert [panel.id for panel in one.load(story_id).tree] == ["p1", "p2"]


def test_changes_of_many_servers_at_once_are_all_kept(tmp_path):
    one = StoryArchive(str(tmp_path))
    story_id, _ = write_story(one, None)
    failures: list[BaseException] = []

    def pin(number: int) -> None:
        try:
            StoryArchive(one.root).set_settings(story_id, {"pinned": [f"p{number}"]}, was={})
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=pin, args=(number,)) for number in range(1, 7)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert sorted(one.load(story_id).header.settings["pinned"]) == [f"p{n}" for n in range(1, 7)]
    left = [n for n in one._files.names(story_id) if n.startswith("story-")]
    assert 1 <= len(left) <= 6


def test_a_create_only_write_is_one_request_where_the_file_system_can():
    calls: list[dict[str, Any]] = []

    class Bucket:
        def __init__(self, protocol: Any, wins: bytes | None = None) -> None:
            self.protocol, self.held = protocol, wins

        def exists(self, path: str) -> bool:
            return False  # the other server has not written yet

        def cat_file(self, path: str) -> bytes:
            return self.held or b""

        def pipe_file(self, path: str, data: bytes, **kwargs: Any) -> None:
            calls.append(kwargs)
            if kwargs.get("mode") == "create" and self.held is not None:
                raise FileExistsError
            self.held = data

    for protocol in sorted(CREATES_AT_ONCE):
        files = RemoteFiles(Bucket((protocol, "other"), b"theirs"), "bucket/stories")
        with pytest.raises(FileExistsError):
            files.write("a/p1.json", b"ours", new=True)
        assert calls.pop() == {"mode": "create"} and files.read("a/p1.json") == b"theirs"
        # A put that was sent twice, because its answer was lost, meets itself.
        RemoteFiles(Bucket(protocol, b"ours"), "bucket").write("a/p1.json", b"ours", new=True)
        calls.clear()
    files = RemoteFiles(Bucket("sftp", b"theirs"), "host/stories")
    assert not files.creates_at_once
    files.write("a/p1.json", b"ours", new=True)
    assert calls == [{}]


def test_the_errors_of_a_bucket_are_errors_of_files():
    class Angry:
        protocol = "s3"

        def cat_file(self, path: str) -> bytes:
            raise RuntimeError("secret address")

    with pytest.raises(OSError, match="RuntimeError") as error:
        RemoteFiles(Angry(), "bucket").read("a/p1.json")
    assert "secret" not in str(error.value)


def test_a_bucket_whose_move_to_the_trash_was_killed_shows_no_half_story(tmp_path, monkeypatch):
    archive = StoryArchive(place_of("memory", tmp_path))
    other, _ = write_story(archive, None)
    assert isinstance(archive._files, RemoteFiles)
    fs = archive._files.fs
    move = fs.mv
    for allowed in range(20):
        story_id, _ = write_story(archive, None, "p1")
        left = iter(range(allowed))

        def mortal(*args: Any, left: Any = left) -> None:
            if next(left, None) is None:
                raise KeyboardInterrupt
            move(*args)

        monkeypatch.setattr(fs, "mv", mortal)
        try:
            archive.delete(story_id)
        except KeyboardInterrupt:
            assert [summary.id for summary in archive.list()] == [other]
        else:
            break
        finally:
            monkeypatch.undo()
    assert allowed >= 6
    trashed = [n for n in archive._files.names(".trash") if n.startswith(story_id)]
    assert "deleted.json" not in archive._files.names(f".trash/{trashed[0]}")
