"""Story folders: all is read back bit for bit, and no crash, damage or bad id loses a story."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import io
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from seedstory_core.errors import StorageError, StoryNotFoundError
from seedstory_core.story import records
from seedstory_core.story.archive import LEFTOVER_SECONDS, StoryArchive
from seedstory_core.story.files import Files, LocalFiles, RemoteFiles, open_files
from seedstory_core.story.tree import Panel, StoryTree
from tests.helpers.archives import (
    features_of,
    image_of,
    on_disk,
    panel_of,
    place_of,
    write_story,
)

STRANGE_TEXT = 'Żółw & <img_00003> "ok" 🐢 \ud800 \x00 \u202e end\n'


class Refusing:
    """Files that raise an error on request."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._refused = ""

    @contextlib.contextmanager
    def refuse_after(self, method: str, allowed: int, number: int) -> Iterator[None]:
        """Raise this error from the call after `allowed` ones on."""
        self._refused, self._allowed, self._number = method, allowed, number
        try:
            yield
        finally:
            self._refused = ""

    def __getattr__(self, name: str) -> Any:
        if name == self._refused:
            self._allowed -= 1
            if self._allowed < 0:
                raise OSError(self._number, os.strerror(self._number))
        return getattr(self._files, name)


class Untouchable:
    """Files that nobody may read or write."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError("the disk was touched")


@pytest.fixture(params=["disk", "memory"])
def archive(request, tmp_path) -> StoryArchive:
    place = place_of(request.param, tmp_path)
    return on_disk(place) if request.param == "disk" else StoryArchive(place)


@pytest.fixture
def disk(tmp_path) -> StoryArchive:
    return on_disk(tmp_path / "stories")


def folder(archive: StoryArchive, story_id: str) -> Path:
    return Path(archive.root) / story_id


# What is written comes back


def test_a_story_comes_back_to_the_bit(archive):
    header = archive.create("  Oto's\nbell ", "tiny-1", {"policy": "sink", "rows": [4, 8]})
    story_id = header.id
    tree = StoryTree(title=header.title)
    features = np.array([[np.nan, -0.0, 1e-45], [np.inf, np.pi, 3.4e38]], np.float32)
    first = Panel(
        id="p1",
        parent=None,
        text=STRANGE_TEXT,
        reader_text="🐢 \ud800",
        author="reader",
        image_source="reader",
        token_ids=(0, 31999, 7),
        seed=2**63 + 1,
        image_seed=3,
        settings={"top_p": 0.1 + 0.2, "stop": None, "nested": {"a": [1, True]}},
        is_end=True,
        notes=("closed after 120 words without a picture",),
        created_at=time.time(),
    )
    tree.add(archive.append(story_id, first, image_of(1), features))
    tree.add(archive.append(story_id, Panel("p2", "p1", "No picture."), None))

    found = archive.load(story_id)
    assert found.warnings == []
    assert found.header == header and found.header.title == "Oto's bell"
    assert found.tree == tree
    back = found.tree.panel("p1")
    assert archive.features(story_id, back).tobytes() == features.tobytes()
    assert archive.features(story_id, back).dtype == np.float32 and back.seed == 2**63 + 1
    assert archive.image(story_id, back).tobytes() == image_of(1).tobytes()
    assert found.tree.panel("p2").image_name is None
    with pytest.raises(StoryNotFoundError, match="p2 has no picture"):
        archive.image(story_id, found.tree.panel("p2"))
    with pytest.raises(StoryNotFoundError, match="p2 has no features"):
        archive.features(story_id, found.tree.panel("p2"))
    for wrong in (np.zeros((2, 3)), np.zeros(3, np.float32)):
        with pytest.raises(ValueError, match=r"float32 \[V, C\]"):
            archive.append(story_id, Panel("p3", "p2", ""), image_of(3), wrong)
    assert archive.load(story_id).tree == tree


def test_branches_and_removed_ids_come_back(archive):
    story_id, tree = write_story(archive, None, "p1", "p2", "p1", "p4", None)
    for top in ("p4", "p6"):
        archive.remove_branch(story_id, tree.branch(top))
        tree.remove_branch(top)
    found = archive.load(story_id)
    assert found.tree == tree and found.warnings == []
    assert [p.id for p in found.tree] == ["p1", "p2", "p3"]
    assert found.tree.next_id() == "p7"
    assert archive.list()[0].num_panels == 3


def test_replacing_keeps_the_older_files_and_writes_features_only_when_they_are_given(archive):
    story_id, tree = write_story(archive, None, "p1")
    old = tree.panel("p1")
    redrawn = archive.replace(story_id, dataclasses.replace(old, image_seed=99), image_of(50))
    tree.replace(redrawn)
    assert redrawn.image_name != old.image_name
    assert archive.image(story_id, redrawn).tobytes() == image_of(50).tobytes()
    assert archive.image(story_id, old).tobytes() == image_of(1).tobytes()
    tree.replace(archive.replace(story_id, dataclasses.replace(redrawn, is_end=True)))
    assert archive.load(story_id).tree == tree
    files = archive._files.names(story_id)
    assert len([n for n in files if n.startswith("p1-") and n.endswith(".npy")]) == 1
    changed = archive.replace(story_id, tree.panel("p1"), features=features_of(77))
    tree.replace(changed)
    assert archive.load(story_id).tree == tree
    assert archive.features(story_id, changed).tobytes() == features_of(77).tobytes()
    assert archive.features(story_id, old).tobytes() == features_of(1).tobytes()
    with pytest.raises(StoryNotFoundError, match="no saved page p9"):
        archive.replace(story_id, panel_of(9, "p1"))


def test_the_shelf_shows_the_newest_story_first(archive):
    assert archive.list() == ()
    one, _ = write_story(archive, None, "p1")
    two, tree = write_story(archive, None)
    empty = archive.create("Nothing yet").id
    archive.set_title(one, "The first")
    archive.append(one, panel_of(3, "p2"), image_of(3), features_of(3))
    shelf = archive.list()
    assert [s.id for s in shelf] == [one, empty, two]
    assert [s.title for s in shelf] == ["The first", "Nothing yet", "Panel 1 of the story"]
    assert [s.num_panels for s in shelf] == [3, 0, 1]
    assert all(s.problem == "" for s in shelf)
    assert shelf[2].thumbnail == tree.panel("p1").image_name and shelf[1].thumbnail is None
    data = archive.image_bytes(two, shelf[2].thumbnail)
    assert data.startswith(b"\x89PNG")
    assert [s.id for s in archive.list([two, "x" * 22, "../" + one])] == [two]


def test_a_deleted_story_is_gone_from_the_shelf_and_kept_in_the_trash(archive):
    story_id, tree = write_story(archive, None)
    other, _ = write_story(archive, None)
    archive.delete(story_id)
    assert [s.id for s in archive.list()] == [other]
    for call in (
        lambda: archive.load(story_id),
        lambda: archive.append(story_id, panel_of(2, "p1"), image_of(2), features_of(2)),
        lambda: archive.replace(story_id, tree.panel("p1")),
        lambda: archive.remove_branch(story_id, tree.branch("p1")),
        lambda: archive.set_title(story_id, "x"),
        lambda: archive.delete(story_id),
        lambda: archive.image(story_id, tree.panel("p1")) and None,
    ):
        with pytest.raises(StoryNotFoundError, match="no story under this address"):
            call()
    (trashed,) = archive._files.names(".trash")
    assert trashed.startswith(story_id)
    assert {"story.json", "p1.json"} <= archive._files.names(f".trash/{trashed}")


def test_an_image_carries_no_metadata(disk):
    photo = image_of(1)
    photo.info["icc_profile"] = b"secret place"
    exif = photo.getexif()
    exif[0x010F] = "secret camera"
    story_id = disk.create().id
    panel = disk.append(story_id, panel_of(1, None), photo)
    with Image.open(io.BytesIO(disk.image_bytes(story_id, panel.image_name))) as saved:
        assert saved.info == {} and not saved.getexif()


# Ids at the door


@pytest.mark.parametrize(
    "bad",
    [
        "../../etc/passwd",
        "/etc/passwd",
        "..",
        ".",
        "",
        ".trash",
        "a" * 15,
        "a" * 65,
        "a" * 100_000,
        "a" * 20 + "\x00",
        "a" * 20 + "\n",
        "a" * 20 + "/..",
        "a" * 20 + "\\x",
        "ａ" * 20,
        "١" * 20,
        "é" * 20,
        "%2e%2e%2f%2e%2e%2fetc",
        "<script>alert(1)</script>",
        None,
        7,
        ["a" * 20],
        b"a" * 20,
    ],
)
def test_strange_ids_meet_a_clear_sentence_and_touch_nothing(bad):
    untouchable: Any = Untouchable()
    disk = StoryArchive("stories", untouchable)
    panel = dataclasses.replace(panel_of(1, None), image_name="p1-00000000.png")
    for call in (
        lambda: disk.load(bad),
        lambda: disk.append(bad, panel, None),
        lambda: disk.replace(bad, panel, None),
        lambda: disk.remove_branch(bad, [panel]),
        lambda: disk.set_title(bad, "x"),
        lambda: disk.delete(bad),
        lambda: disk.image(bad, panel),
        lambda: disk.image_bytes(bad, "p1-00000000.png"),
    ):
        with pytest.raises(StoryNotFoundError) as error:
            call()
        assert str(error.value).startswith("There is no story under this address.")
        assert str(error.value).isascii() and len(str(error.value)) < 120


@pytest.mark.parametrize(
    "bad", ["../story.json", "story.json", "p1.json", "p1-0.png\x00", "", None]
)
def test_only_images_are_given_out_as_images(disk, bad):
    story_id, _ = write_story(disk, None)
    with pytest.raises(StoryNotFoundError, match="no such picture"):
        disk.image_bytes(story_id, bad)


def test_ids_are_long_random_and_never_like_an_option(disk):
    found = {disk.create().id for _ in range(50)}
    assert len(found) == 50
    assert all(re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_-]{21}", story_id) for story_id in found)


# Damage


def test_a_newer_story_says_so(archive):
    story_id, _ = write_story(archive, None)
    header = json.loads(archive._files.read(f"{story_id}/story.json"))
    record = json.loads(archive._files.read(f"{story_id}/p1.json"))
    sentence = (
        "This story was saved by a newer version (format 3, this one reads up to 1). "
        "Update the studio to open it."
    )
    for name, data in (("story.json", header), ("p1.json", record)):
        newer = records.to_json({"format": 3, "what": "nobody knows"})
        archive._files.write(f"{story_id}/{name}", newer)
        with pytest.raises(StorageError) as error:
            archive.load(story_id)
        assert str(error.value) == sentence
        assert archive.list()[0].problem == sentence
        archive._files.write(f"{story_id}/{name}", json.dumps(data).encode())
    assert archive.load(story_id).warnings == []


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[: len(data) // 2],
        lambda data: b"",
        lambda data: b"\x00" * len(data),
        lambda data: b"\xff\xfe" + data,
        lambda data: b"[]",
        lambda data: b"[" * 100_000,
        lambda data: data.replace(b'"id": "p2"', b'"id": "p9"'),
        lambda data: data.replace(b'"parent": "p1"', b'"parent": "p3"'),
        lambda data: data.replace(b'"parent": "p1"', b'"parent": 1'),
        lambda data: data.replace(b'"seed"', b'"sed"'),
        lambda data: data.replace(b'"token_ids": [2', b'"token_ids": ["x"'),
        lambda data: data.replace(b'"image_name": "', b'"image_name": "../'),
        lambda data: re.sub(rb'"name": "', rb'"name": "/etc/', data),
        lambda data: data.replace(b'"format": 1', b'"format": Infinity'),
        lambda data: data.replace(b'"author": "model"', b'"author": "god"'),
    ],
)
def test_a_damaged_record_costs_only_its_own_page(archive, damage):
    story_id, tree = write_story(archive, None, "p1", "p2", "p1")
    path = f"{story_id}/p2.json"
    data = archive._files.read(path)
    assert damage(data) != data
    archive._files.write(path, damage(data))
    found = archive.load(story_id)
    assert [(p.id, p.parent) for p in found.tree] == [(p.id, p.parent) for p in tree]
    assert [p for p in found.tree if p.id != "p2"] == [p for p in tree if p.id != "p2"]
    placeholder = found.tree.panel("p2")
    assert placeholder.is_placeholder and "the file p2.json of this story is damaged" in (
        placeholder.problem
    )
    (warning,) = found.warnings
    assert warning.startswith("Page 2 (p2): This page could not be read, because the file p2.json")
    assert found.tree.next_id() == "p5"
    archive._files.write(path, data)
    assert archive.load(story_id).tree == tree


def test_damaged_features_cost_the_features(archive):
    story_id, tree = write_story(archive, None, "p1")
    (name,) = (n for n in archive._files.names(story_id) if re.fullmatch(r"p1-.*npy", n))
    whole = archive._files.read(f"{story_id}/{name}")
    flipped = whole[:-1] + bytes([whole[-1] ^ 1])
    pickled = b"\x80\x04N."
    for data in (flipped, whole[:-7], b"", pickled):
        archive._files.write(f"{story_id}/{name}", data)
        found = archive.load(story_id)
        lost: dict[str, Any] = {"features_name": None, "features_sha256": None}
        assert found.tree.panel("p1") == dataclasses.replace(tree.panel("p1"), **lost)
        with pytest.raises(StorageError, match=f"{name} of this story is damaged"):
            archive.features(story_id, tree.panel("p1"))
        assert found.tree.panel("p2") == tree.panel("p2")
        (warning,) = found.warnings
        assert warning.startswith(
            f"Page 1 (p1): The file {name} of this story is damaged. It can be read, but"
        )
    # Saving the panel with its features again makes it whole.
    tree.replace(archive.replace(story_id, tree.panel("p1"), features=features_of(1)))
    assert archive.load(story_id) == (tree, found.header, [])


def test_a_damaged_or_lost_image_costs_the_image(archive):
    story_id, tree = write_story(archive, None, "p1")
    panel = tree.panel("p1")
    whole = archive.image_bytes(story_id, panel.image_name)
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 1
    for data in (bytes(flipped), whole[:-20], whole[:40], b"", b"GIF89a"):
        archive._files.write(f"{story_id}/{panel.image_name}", data)
        with pytest.raises(StorageError, match=f"{panel.image_name} of this story is damaged"):
            archive.image(story_id, panel)
        assert archive.load(story_id).tree == tree
    archive._files.remove(f"{story_id}/{panel.image_name}")
    with pytest.raises(StorageError, match=f"{panel.image_name} of this story is missing"):
        archive.image(story_id, panel)
    found = archive.load(story_id)
    assert found.tree == tree
    assert found.warnings == [
        f"Page 1 (p1): Its picture {panel.image_name} is missing. Redraw it to have one again."
    ]
    assert archive.list()[0].thumbnail == tree.panel("p2").image_name


def test_a_damaged_header_costs_nothing_once_it_was_changed(archive):
    story_id, tree = write_story(archive, None)
    archive.set_title(story_id, "The Bell")
    archive.set_settings(story_id, {"pinned": ["p1"]})
    before = archive.load(story_id)
    for data in (b'{"format": 1, "title', b"", None):
        if data is None:
            archive._files.remove(f"{story_id}/story.json")
        else:
            archive._files.write(f"{story_id}/story.json", data)
        found = archive.load(story_id)
        assert found.tree.panels == tree.panels and found.header == before.header
        (warning,) = found.warnings
        assert warning.startswith("The file story.json of this story is ")
        assert warning.endswith("A copy was read instead.")
        (summary,) = archive.list()
        assert summary.title == "The Bell" and "story.json" in summary.problem
    archive.set_title(story_id, "Other")
    assert archive.load(story_id).warnings == []
    assert archive.load(story_id).header.settings == {"pinned": ["p1"]}


@pytest.mark.parametrize("data", [b"{", b"", b"\x00" * 99, None])
def test_a_header_is_made_again_from_the_records(archive, data):
    story_id = archive.create("The Bell", "weights-1").id
    memory = {"policy": "window", "window_panels": 3, "pinned_panels": [0]}
    settings = {"fingerprint": "weights-2", "memory": memory}
    for number, parent in ((1, None), (2, "p1")):
        panel = dataclasses.replace(panel_of(number, parent), settings=settings)
        archive.append(story_id, panel, image_of(number), features_of(number))
    if data is None:
        archive._files.remove(f"{story_id}/story.json")
    else:
        archive._files.write(f"{story_id}/story.json", data)
    found = archive.load(story_id)
    assert len(found.tree) == 2 and found.tree.title == "Panel 1 of the story"
    assert found.header.engine_fingerprint == "weights-2"
    assert found.header.settings == {
        "memory": {"policy": "window", "window_panels": 3},
        "pinned": ["p1"],
    }
    assert found.header.created_at == panel_of(1, None).created_at
    (warning,) = found.warnings
    assert "The title is the story's first words until the story is renamed" in warning
    (summary,) = archive.list()
    assert summary.num_panels == 2 and summary.thumbnail and "story.json" in summary.problem
    # It can be renamed and pinned again, and goes on.
    archive.set_title(story_id, "Found again")
    archive.set_settings(story_id, {"pinned": ["p2"]})
    archive.append(story_id, panel_of(3, "p2"), image_of(3), features_of(3))
    found = archive.load(story_id)
    assert found.warnings == [] and found.tree.title == "Found again" and len(found.tree) == 3
    assert found.header.settings == {"pinned": ["p2"]}


def test_a_flipped_header_keeps_its_title(archive):
    story_id, _ = write_story(archive, None)
    archive.set_title(story_id, "The Bell")
    archive._files.remove(f"{story_id}/story-1.json")
    data = archive._files.read(f"{story_id}/story.json")
    archive._files.write(f"{story_id}/story.json", data.replace(b'"settings"', b'"settingz"'))
    assert archive.load(story_id).tree.title == "The Bell"
    archive._files.write(f"{story_id}/story.json", data.replace(b"The Bell", b"The Ball"))
    found = archive.load(story_id)
    assert found.tree.title == "The Ball"
    assert found.warnings == ["The file story.json of this story is not the one that was saved."]


def test_a_damaged_tombstone_still_buries_its_branch(archive):
    story_id, tree = write_story(archive, None, "p1", "p2")
    archive.remove_branch(story_id, tree.branch("p2"))
    archive._files.write(f"{story_id}/p2.removed", b"")
    found = archive.load(story_id)
    assert [p.id for p in found.tree] == ["p1"] and found.tree.next_id() == "p4"
    assert found.warnings == ["The file p2.removed of this story is damaged."]


def test_a_story_with_nothing_whole_still_has_its_shape(archive):
    story_id, tree = write_story(archive, None, "p1", "p1")
    for number in (1, 2, 3):
        archive._files.write(f"{story_id}/p{number}.json", b"{")
    found = archive.load(story_id)
    assert [p.id for p in found.tree] == ["p1", "p2", "p3"] and len(found.warnings) == 3
    assert all(p.is_placeholder for p in found.tree) and found.tree.panel("p1").parent is None
    assert found.tree.next_id() == "p4" and found.tree.title == "Untitled story"


def test_foreign_things_under_the_root_are_no_stories(disk):
    story_id, _ = write_story(disk, None)
    root = Path(disk.root)
    (root / "README_of_these_stories").write_text("x")
    (root / "aaaaaaaaaaaaaaaaaaaaaa").mkdir()
    (root / "lost+found").mkdir()
    (folder(disk, story_id) / "Thumbs.db").write_text("x")
    (folder(disk, story_id) / "p01.json").write_text("x")
    assert [s.id for s in disk.list()] == [story_id]
    assert disk.load(story_id).warnings == []


# Full and read-only disks


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        (errno.ENOSPC, "The disk is full, so page p2 was not saved. The story so far is safe."),
        (errno.EDQUOT, "The disk is full, so page p2 was not saved. The story so far is safe."),
        (errno.EROFS, "cannot be written to, so page p2 was not saved. The story so far is safe."),
        (
            errno.EACCES,
            "cannot be written to, so page p2 was not saved. The story so far is safe.",
        ),
        (errno.EIO, "Input/output error), so page p2 was not saved. The story so far is safe."),
    ],
)
@pytest.mark.parametrize("kind", ["disk", "memory"])
def test_a_disk_that_refuses_leaves_the_story_as_it_was(tmp_path, kind, number, sentence):
    place = place_of(kind, tmp_path)
    files: Any = Refusing(on_disk(place)._files if kind == "disk" else open_files(place))
    archive = StoryArchive(place, files)
    story_id, tree = write_story(archive, None)
    before = archive._files.names(story_id)
    # Image, features, (their names settle,) record, (its name settles.)
    for method, allowed in (("write", 0), ("write", 1), ("write", 2), ("settle", 0), ("settle", 1)):
        with files.refuse_after(method, allowed, number), pytest.raises(StorageError) as error:
            archive.append(story_id, panel_of(2, "p1"), image_of(2), features_of(2))
        assert sentence in str(error.value)
        left = archive._files.names(story_id) - before
        # A record whose removal the disk does not confirm may come back, so its files stay.
        assert len(left) == (2 if (method, allowed) == ("settle", 1) else 0)
        assert archive.load(story_id).tree == tree
    before = archive._files.names(story_id)
    for method, allowed in (("write", 0), ("write", 1), ("write", 2), ("settle", 0)):
        refused = pytest.raises(StorageError, match="page p1 was not saved")
        with files.refuse_after(method, allowed, number), refused:
            archive.replace(story_id, tree.panel("p1"), image_of(2), features_of(9))
        assert archive._files.names(story_id) == before
        assert archive.load(story_id).tree == tree
    tree.add(archive.append(story_id, panel_of(2, "p1"), image_of(2), features_of(2)))
    assert archive.load(story_id).tree == tree


def test_a_write_that_dies_half_way_leaves_no_file(disk):
    story_id, tree = write_story(disk, None)
    before = disk._files.names(story_id)

    def no_room(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    full = on_disk(disk.root, fsync=no_room)
    for call in (
        lambda: full.append(story_id, panel_of(2, "p1"), image_of(2), features_of(2)),
        lambda: full.remove_branch(story_id, tree.branch("p1")),
        lambda: full.set_title(story_id, "Other"),
    ):
        with pytest.raises(StorageError, match="The disk is full"):
            call()
        assert disk._files.names(story_id) == before
    with pytest.raises(StorageError, match="the new story was not created"):
        full.create()
    assert disk.load(story_id)[::2] == (tree, []) and len(disk.list()) == 1


@pytest.fixture
def small_disk(tmp_path):
    """A real disk of 256 KiB."""
    mount = tmp_path / "small"
    mount.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(mount)]
    if sys.platform != "linux" or shutil.which("mount") is None:
        pytest.skip("needs Linux")
    if subprocess.run(command, capture_output=True).returncode:
        pytest.skip("needs the right to mount a tmpfs")
    try:
        yield mount
    finally:
        subprocess.run(["umount", "-l", str(mount)], check=True)


def test_a_really_full_disk_then_a_really_read_only_one(small_disk):
    archive = on_disk(small_disk)
    story_id, tree = write_story(archive, None)
    with pytest.raises(StorageError, match="The disk is full, so page p.* was not saved"):
        for number in range(2, 200):
            tree.add(
                archive.append(
                    story_id, panel_of(number, "p1"), image_of(number), features_of(number)
                )
            )
    assert len(tree) > 5
    assert archive.load(story_id)[::2] == (tree, [])
    names = archive._files.names(story_id)
    assert not [n for n in names if n.startswith(".tmp")]
    assert len([n for n in names if n.endswith(".png")]) == len(tree)

    newest = tree.newest
    assert newest is not None and newest.image_name is not None
    os.truncate(small_disk / story_id / newest.image_name, 0)
    (small_disk / story_id / f"{newest.id}.json").unlink()
    tree = StoryTree(tree.panels[:-1])
    assert archive.load(story_id).tree == tree  # room was made

    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(StorageError, match="cannot be written to, so page"):
        archive.append(story_id, panel_of(len(tree) + 1, "p1"), image_of(1))
    with pytest.raises(StorageError, match="the new story was not created"):
        archive.create()
    with pytest.raises(StorageError, match="the story was not deleted"):
        archive.delete(story_id)
    assert archive.load(story_id).tree == tree
    assert archive.list()[0].num_panels == len(tree)


# Two writers


def test_the_second_writer_of_a_panel_is_refused(archive):
    story_id, tree = write_story(archive, None)
    other = StoryArchive(archive.root)
    first = archive.append(story_id, panel_of(2, "p1"), image_of(2), features_of(2))
    with pytest.raises(StorageError, match=r"already has a page p2.*Open the story again"):
        other.append(story_id, panel_of(2, "p1"), image_of(3), features_of(3))
    found = other.load(story_id)
    assert found.tree.panel("p2") == first and found.warnings == []
    assert other.image(story_id, first).tobytes() == image_of(2).tobytes()


def test_a_link_that_was_sent_twice_meets_itself(tmp_path):
    def twice(source, target):
        os.link(source, target)
        os.link(source, target)

    disk = on_disk(tmp_path / "stories", link=twice)
    story_id, tree = write_story(disk, None, "p1")
    assert disk.load(story_id)[::2] == (tree, [])
    assert not [name for name in disk._files.names(story_id) if name.startswith(".tmp")]


def test_a_disk_without_hard_links_refuses_the_second_writer_too(tmp_path):
    def no_links(*args, **kwargs):
        raise OSError(errno.EPERM, "Operation not permitted")

    disk = on_disk(tmp_path / "stories", link=no_links)
    story_id, tree = write_story(disk, None, "p1")
    with pytest.raises(StorageError, match="already has a page p2"):
        disk.append(story_id, panel_of(2, "p1"), image_of(3), features_of(3))
    assert disk.load(story_id)[::2] == (tree, [])


def test_a_panel_written_behind_a_removed_one_is_kept_and_named(archive):
    story_id, tree = write_story(archive, None, "p1", "p2")
    archive.remove_branch(story_id, tree.branch("p2"))
    orphan = archive.append(
        story_id, panel_of(4, "p3"), image_of(4), features_of(4), grandparent="p2"
    )
    found = archive.load(story_id)
    assert [p.id for p in found.tree.path("p4")] == ["p1", "p2", "p3", "p4"]
    assert found.tree.panel("p4") == orphan
    assert [p.id for p in found.tree if p.is_placeholder] == ["p2", "p3"]
    assert "Panel 2" not in str([p.text for p in found.tree])  # what was removed stays removed
    assert found.warnings[1].startswith("Page 3 (p3): This page was removed in another window or")
    assert "while the story went on below it with p4." in found.warnings[1]
    archive.remove_branch(story_id, found.tree.branch("p2"))
    found = archive.load(story_id)
    assert [p.id for p in found.tree] == ["p1"] and found.warnings == []
    assert found.tree.next_id() == "p5"


# Killed writers


def test_reading_deletes_nothing_but_stale_temporary_files(disk):
    story_id, tree = write_story(disk, None, "p1")
    kept = [".tmp-2233", "p3-00000000.png", "p3-00000000.npy", "p1-00000000.png", "notes.txt"]
    for name in [".tmp-0011", *kept]:
        (folder(disk, story_id) / name).write_bytes(b"half")
    past = time.time() - LEFTOVER_SECONDS - 60
    for name in [".tmp-0011", *kept[1:]]:
        os.utime(folder(disk, story_id) / name, (past, past))
    found = disk.load(story_id)
    assert found.tree == tree
    assert found.warnings == [
        "There are files of a page p3 without its record: it was never finished, or its record is "
        "lost."
    ]
    assert found.tree.next_id() == "p4"  # the traces of p3 may be those of a lost page
    names = disk._files.names(story_id)
    assert ".tmp-0011" not in names and set(kept) <= names


def test_the_stores_are_chosen_by_the_root(tmp_path):
    assert isinstance(StoryArchive(str(tmp_path))._files, LocalFiles)
    assert isinstance(StoryArchive(f"file://{tmp_path}")._files, LocalFiles)
    assert isinstance(StoryArchive("memory://a")._files, RemoteFiles)
    story_id, tree = write_story(StoryArchive(f"file://{tmp_path}/s"), None)
    assert StoryArchive(str(tmp_path / "s")).load(story_id).tree == tree
    assert list(tmp_path.iterdir()) == [tmp_path / "s"]
    with contextlib.chdir(tmp_path):
        assert StoryArchive("s").load(story_id).tree == tree
        assert records.FORMAT == 1


def test_two_colons_belong_to_the_name_of_a_folder(tmp_path: Path) -> None:
    for place in (f"{tmp_path}/tales::2026", f"file://{tmp_path}/more::tales"):
        header = StoryArchive(place).create("x")
        assert StoryArchive(place).load(header.id).header.title == "x"
    assert sorted(os.listdir(tmp_path)) == ["more::tales", "tales::2026"]
    StoryArchive("memory://tales::here").create("x")
    assert isinstance(open_files("simplecache::memory://tales"), RemoteFiles)


def test_a_record_saved_by_an_editor_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    archive = StoryArchive(str(tmp_path))
    story_id = archive.create("x").id
    archive.append(story_id, Panel("p1", None, "Mira waves."), None)
    for name in ("story.json", "p1.json"):
        file = tmp_path / story_id / name
        file.write_text(file.read_text(), encoding="utf-8-sig")
    stored = archive.load(story_id)
    assert not stored.warnings and stored.tree.panel("p1").text == "Mira waves."
