"""A story leaves whole and comes back, and whatever a file holds, nothing is left of a failure."""

from __future__ import annotations

import dataclasses
import errno
import io
import json
import random
import re
import stat
import struct
import tracemalloc
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from seedstory_core.engine import StoryEngine, TurnRequest
from seedstory_core.errors import (
    SeedStoryError,
    StorageError,
    StoryNotFoundError,
    UnconfirmedError,
)
from seedstory_core.generation.policies import MemoryPolicy, policy_from
from seedstory_core.generation.sampling import Sampling
from seedstory_core.session import PanelAdded, SessionStore, StorySession
from seedstory_core.session.history import History
from seedstory_core.story import importing, records, zipped
from seedstory_core.story.archive import TRASH, StoryArchive
from seedstory_core.story.export import FORMATS, to_story_file
from seedstory_core.story.files import LocalFiles
from seedstory_core.story.importing import bring_in
from seedstory_core.story.tree import Panel
from tests.helpers.archives import features_of, image_of, on_disk, panel_of, place_of, write_story
from tests.helpers.faults import (
    DAMAGES,
    FailingFiles,
    FailingSystem,
    KilledError,
    MortalSystem,
    Nth,
)

Files = dict[str, bytes]


@pytest.fixture
def archive(request: pytest.FixtureRequest, tmp_path: Path) -> StoryArchive:
    kind = getattr(request, "param", "memory")
    place = place_of(kind, tmp_path)
    return on_disk(place) if kind == "disk" else StoryArchive(place)


ANYWHERE = pytest.mark.parametrize("archive", ["disk", "memory"], indirect=True)


def rich_story(archive: StoryArchive) -> str:
    """p1 ─ p2 (three pictures) ─ p3 ─ p4
    │                     └ p7, the end
    └ p5 ─ p6, both in the bin"""
    story_id, tree = write_story(archive, None, "p1", "p2", "p3", "p1", "p5")
    last = dataclasses.replace(
        panel_of(7, "p3"),
        text="“Żółw” laughed 🐢\u200d.\nThe end.",
        reader_text="“Żółw” laughed",
        hint="a turtle",
        author="reader",
        image_source="reader",
        is_end=True,
        notes=("A note.",),
    )
    tree.add(archive.append(story_id, last, image_of(7), features_of(7)))
    for seed in (20, 21):
        panel = dataclasses.replace(
            tree.panel("p2"),
            image_seed=seed,
            settings={**tree.panel("p2").settings, "guidance_scale": seed / 3},
            pictures=tree.panel("p2").all_pictures,
        )
        tree.replace(archive.replace(story_id, panel, image_of(seed)))
    tree.replace(
        archive.replace(story_id, tree.panel("p2").showing(tree.panel("p2").pictures[1].name))
    )
    archive.set_title(story_id, "Pip's 🪁")
    archive.set_settings(
        story_id,
        {
            "pinned": ["p2", "p5", "p7"],
            "memory": {"policy": "window", "window_panels": 3},
            "name:p3": "By the sea",
            "star:p3": True,
            "star:p5": True,
            "undo": [{"kind": "title"}],
            "redo": [],
        },
    )
    archive.remove_branch(story_id, tree.branch("p5"))
    return story_id


def packed(archive: StoryArchive, story_id: str) -> bytes:
    tree = archive.load(story_id).tree
    data = FORMATS["story"].write(tree, archive, story_id, tree.panels[0].id)
    assert isinstance(data, bytes)
    return data


def unzipped(data: bytes) -> Files:
    with zipfile.ZipFile(io.BytesIO(data)) as content:
        return {name: content.read(name) for name in content.namelist()}


def zipped_again(files: Files, how: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", how) as content:
        for name, data in files.items():
            content.writestr(name, data)
    return buffer.getvalue()


def changed_record(data: bytes, **fields: Any) -> bytes:
    """A record with other fields and a seal that fits."""
    record = json.loads(data)
    for name in ("format", "sealed", "sha256"):
        del record[name]
    return records.to_json({**record, **fields})


def ids(archive: StoryArchive) -> set[str]:
    """All folders of the archive, stories or not."""
    return archive._files.names("") - {TRASH}


def picture_named(files: Files, panel_id: str) -> str:
    return next(name for name in files if re.fullmatch(rf"{panel_id}-[0-9a-f]{{8}}\.png", name))


def features_named(files: Files, panel_id: str) -> str:
    return next(name for name in files if re.fullmatch(rf"{panel_id}-[0-9a-f]{{8}}\.npy", name))


# There and back


@ANYWHERE
def test_a_story_comes_back_as_it_was(archive: StoryArchive) -> None:
    story_id = rich_story(archive)
    there = archive.load(story_id)
    brought = bring_in(archive, packed(archive, story_id))
    assert brought.notes == () and brought.header.id != story_id
    back = archive.load(brought.header.id)
    assert back.warnings == []
    assert back.tree == there.tree and back.tree.own_title == "Pip's 🪁"
    assert [panel.id for panel in back.tree] == ["p1", "p2", "p3", "p4", "p7"]
    assert len(back.tree.panel("p2").pictures) == 3
    assert back.header.engine_fingerprint == "tiny-1"
    assert back.header.created_at == there.header.created_at
    # What belongs to pages in the bin would belong to other pages one day.
    assert back.header.settings == {
        "pinned": ["p2", "p7"],
        "memory": {"policy": "window", "window_panels": 3},
        "name:p3": "By the sea",
        "star:p3": True,
    }
    for panel in back.tree:
        names = [picture.name for picture in panel.all_pictures]
        for name in (*names, str(panel.features_name)):
            assert archive.file_bytes(back.header.id, name) == archive.file_bytes(story_id, name)
        assert archive.features(back.header.id, panel).tobytes() == (
            archive.features(story_id, panel).tobytes()
        )
    assert archive.removed(back.header.id) == []
    assert {summary.id for summary in archive.list()} == {story_id, back.header.id}


@ANYWHERE
def test_a_story_that_came_back_is_one_like_all_others(archive: StoryArchive) -> None:
    story_id = rich_story(archive)
    new_id = bring_in(archive, packed(archive, story_id)).header.id
    archive.delete(story_id)
    for parent in archive.load(new_id).tree:
        tree = archive.load(new_id).tree
        number = int(tree.next_id()[1:])
        panel = panel_of(number, parent.id)
        tree.add(archive.append(new_id, panel, image_of(number), features_of(number)))
    found = archive.load(new_id)
    assert len(found.tree) == 10 and found.warnings == []
    archive.set_title(new_id, "Another one")
    archive.remove_branch(new_id, found.tree.branch("p3"))
    assert archive.load(new_id).tree.title == "Another one"
    again = bring_in(archive, packed(archive, new_id)).header.id
    assert archive.load(again).tree == archive.load(new_id).tree
    History.of(archive.load(again).header.settings, archive.load(again).tree)


def test_the_file_can_be_read_by_anybody_and_does_not_hold_the_id(archive: StoryArchive) -> None:
    story_id = rich_story(archive)
    data = packed(archive, story_id)
    assert data == packed(archive, story_id)
    files = unzipped(data)
    for form in (story_id, story_id[::-1], story_id.encode().hex(), story_id[:12], story_id[-12:]):
        assert form.encode() not in data
        assert not any(form in name or form.encode() in files[name] for name in files)
    assert sorted(name for name in files if name.endswith(".json")) == sorted(
        ["story.json", "p1.json", "p2.json", "p3.json", "p4.json", "p7.json"]
    )
    assert sum(name.endswith(".png") for name in files) == 7
    assert sum(name.endswith(".npy") for name in files) == 5
    assert json.loads(files["story.json"])["title"] == "Pip's 🪁"
    assert json.loads(files["p7.json"])["parent"] == "p3"
    with zipfile.ZipFile(io.BytesIO(data)) as content:
        assert content.testzip() is None
        assert all(stat.S_ISREG(entry.external_attr >> 16) for entry in content.infolist())


@ANYWHERE
def test_a_copied_story_does_not_tell_of_the_one_it_was_copied_from(archive: StoryArchive) -> None:
    story_id = rich_story(archive)
    copied = archive.copy(story_id, {"p1", "p2", "p3"})
    data = packed(archive, copied.id)
    assert story_id.encode() not in data and copied.id.encode() not in data
    # And what belongs to pages that were not copied stays behind, too.
    assert copied.settings["pinned"] == ["p2"] and "star:p5" not in copied.settings


def test_a_file_that_was_packed_again_comes_back(archive: StoryArchive) -> None:
    story_id = rich_story(archive)
    files = unzipped(packed(archive, story_id))
    backwards = dict(reversed(files.items()))
    brought = bring_in(archive, zipped_again(backwards, zipfile.ZIP_DEFLATED))
    assert brought.notes == ()
    assert archive.load(brought.header.id).tree == archive.load(story_id).tree


@ANYWHERE
def test_a_damaged_story_leaves_with_all_that_is_left_of_it(archive: StoryArchive) -> None:
    story_id = rich_story(archive)
    tree = archive.load(story_id).tree
    archive._files.write(f"{story_id}/p2.json", b"")
    archive._files.remove(f"{story_id}/{tree.panel('p3').image_name}")
    archive._files.write(f"{story_id}/{tree.panel('p4').image_name}", b"\x89PNG")
    archive._files.write(f"{story_id}/{tree.panel('p4').features_name}", b"")
    brought = bring_in(archive, packed(archive, story_id))
    assert [re.findall(r"p\d", note)[0] for note in brought.notes] == ["p3", "p4"]
    back = archive.load(brought.header.id).tree
    assert {p.id: p.parent for p in back} == {p.id: p.parent for p in tree}
    lost = back.panel("p2")
    assert lost.text == "" and "could not be read, because the file p2.json" in lost.notes[0]
    assert back.panel("p4").text == tree.panel("p4").text
    assert back.panel("p4").features_name is None
    assert back.panel("p3").features_name == tree.panel("p3").features_name


def test_a_disk_that_does_not_answer_is_no_missing_picture(
    archive: StoryArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    story_id = rich_story(archive)
    tree, read = archive.load(story_id).tree, archive._files.read

    def fail(path: str) -> bytes:
        if path.endswith(".png"):
            raise OSError(5, "Input/output error")
        return read(path)

    monkeypatch.setattr(archive._files, "read", fail)
    with pytest.raises(StorageError, match="could not be read"):
        to_story_file(tree, archive, story_id, "p1")


def test_what_cannot_leave_says_so(archive: StoryArchive, monkeypatch: pytest.MonkeyPatch) -> None:
    story_id = rich_story(archive)
    tree = archive.load(story_id).tree
    with pytest.raises(StoryNotFoundError, match="no page p9"):
        to_story_file(tree, archive, story_id, "p9")
    monkeypatch.setattr("seedstory_core.story.export.whole.MAX_ENTRIES", 5)
    with pytest.raises(StorageError, match="too large for one file"):
        to_story_file(tree, archive, story_id, "p1")
    archive.delete(story_id)
    with pytest.raises(StoryNotFoundError):
        to_story_file(tree, archive, story_id, "p1")


def told(session: StorySession, parent: str | None, seed: int) -> Panel:
    request = TurnRequest(
        reader_text="" if parent else "Mira the fox found a kite.",
        sampling=Sampling(seed=seed),
        image_seed=seed,
        num_inference_steps=2,
    )
    *_, last = session.turn(parent, request)
    assert isinstance(last, PanelAdded)
    return last.panel


def test_a_story_that_came_back_goes_on_as_the_one_that_left(
    small_engine: StoryEngine, archive: StoryArchive
) -> None:
    store = SessionStore(small_engine, archive)
    here = store.create()
    for number, parent in enumerate([None, "p1", "p2", "p1"]):
        told(here, parent, number)
    here.pin("p2")
    here.set_policy("window")
    here.rename("The Kite")
    back = store.open(bring_in(archive, packed(archive, here.story_id)).header.id)
    assert back.tree == here.tree and back.pinned == here.pinned and back.policy == here.policy
    for parent in ("p3", "p4", "p1"):
        one, other = told(here, parent, 9), told(back, parent, 9)
        assert (one.id, one.text, one.token_ids) == (other.id, other.text, other.token_ids)
        assert one.image_sha256 == other.image_sha256
        assert one.features_sha256 == other.features_sha256


def test_tokens_that_somebody_made_up_stop_no_turn(
    small_engine: StoryEngine, archive: StoryArchive
) -> None:
    store = SessionStore(small_engine, archive)
    session = store.create()
    told(session, None, 1)
    files = unzipped(packed(archive, session.story_id))
    boi, beyond = small_engine.marks.boi, small_engine.config.decoder.vocab_size
    for changes in (
        {"token_ids": [-1]},
        {"token_ids": [beyond]},
        {"token_ids": [2**62, 7]},
        {"token_ids": [boi, boi]},
        # Those of other weights, which may have more of them.
        {"token_ids": [beyond], "settings": {"fingerprint": "others"}},
    ):
        record = changed_record(files["p1.json"], **changes)
        brought = bring_in(archive, zipped_again({**files, "p1.json": record}))
        assert brought.notes == ()
        assert told(store.open(brought.header.id), "p1", 2).parent == "p1"


# Files that are no story

SENTENCE = re.compile(r"[A-Z“].*\.", re.DOTALL)


def refusal(archive: StoryArchive, data: bytes) -> str:
    """Return the sentence with which a file is refused; nothing is left of it."""
    before = ids(archive)
    with pytest.raises(SeedStoryError) as caught:
        bring_in(archive, data)
    assert ids(archive) == before
    sentence = str(caught.value)
    assert SENTENCE.fullmatch(sentence) and len(sentence) < 300, sentence
    return sentence


def rest_of(archive: StoryArchive, data: bytes) -> tuple[str, tuple[str, ...]]:
    """Bring a file in that holds some of a story; all that came can be read and goes on."""
    brought = bring_in(archive, data)
    for note in brought.notes:
        assert SENTENCE.fullmatch(note) and len(note) < 300, note
    new_id = brought.header.id
    back = archive.load(new_id)
    assert len(back.tree) > 0
    for panel in back.tree:
        assert not panel.is_placeholder
        for picture in panel.all_pictures:
            try:
                archive.image(new_id, panel.showing(picture.name))
            except StorageError as error:
                assert "missing" in str(error)
                assert str(picture.name) in " ".join(brought.notes + tuple(back.warnings))
        if panel.features_name is not None:
            assert np.isfinite(archive.features(new_id, panel)).all()
    told = archive.append(
        new_id, Panel(back.tree.next_id(), back.tree.panels[-1].id, "On."), image_of(1)
    )
    assert archive.load(new_id).tree.panel(told.id).text == "On."
    return new_id, brought.notes


@pytest.fixture
def small(archive: StoryArchive) -> Files:
    """The files of the story p1 ─ p2 ─ p3 ─ p4 with p5 beside p2."""
    story_id, _ = write_story(archive, None, "p1", "p2", "p3", "p1")
    return unzipped(packed(archive, story_id))


def everything_as_zip(archive: StoryArchive) -> bytes:
    story_id, tree = write_story(archive, None, "p1")
    data = FORMATS["zip"].write(tree, archive, story_id, "p2")
    assert isinstance(data, bytes)
    return data


def test_a_file_that_is_no_story_is_refused_in_a_sentence(archive: StoryArchive) -> None:
    foreign = {"word/document.xml": b"<x/>", "[Content_Types].xml": b"<x/>"}
    for data in (
        b"",
        b"PK",
        b"hello",
        b"\x89PNG\r\n\x1a\n" + b"\0" * 99,
        b"%PDF-1.7\n%%EOF",
        zipped_again({}),
        zipped_again(foreign),
        zipped_again({"story.json": b"{}"}),
        zipped_again({"story.json": b"[]", "notes.txt": b"x"}),
        zipped_again({"p1.json": b"{}"}),
        everything_as_zip(archive),
    ):
        assert "ends in .story.zip" in refusal(archive, data)


def test_a_file_of_a_newer_version_says_to_update(archive: StoryArchive, small: Files) -> None:
    def newer(data: bytes) -> bytes:
        body = changed_record(data).replace(b'"format": 1', b'"format": 9', 1)
        body = body[: body.rindex(b', "sha256"')]
        return b'%s, "sha256": "%s"}\n' % (body, records.sha256(body + b"}").encode())

    for name in ("story.json", "p2.json"):
        files = {**small, name: newer(small[name])}
        assert "saved by a newer version (format 9" in refusal(archive, zipped_again(files))
    # It may have files that this one does not know.
    files = {**small, "story.json": newer(small["story.json"]), "voices.ogg": b"x"}
    assert "Update the studio" in refusal(archive, zipped_again(files))


@pytest.mark.parametrize(
    "name",
    [
        "../x.png",
        "../p9.json",
        "/etc/p9.json",
        "C:\\p9.json",
        "folder/p9.json",
        "p9.json/",
        "..",
        "p9.exe",
        "p09.json",
        "P9.json",
        "p9-3F9C2A1B.png",
        "p9-3f9c2a1b.png ",
        "story-3.json",
        "p9.removed",
        "p9.group",
        "deleted.json",
        ".tmp-1",
        "p٣.json",
        "p9.json\u202e",
        "x" * 60_000,
    ],
)
def test_names_that_the_studio_would_not_write_are_refused(
    archive: StoryArchive, small: Files, name: str
) -> None:
    assert "ends in .story.zip" in refusal(archive, zipped_again({**small, name: b"x"}))


def test_a_name_that_ends_early_is_refused(archive: StoryArchive, small: Files) -> None:
    """Python cuts names off at a zero byte."""
    data = zipped_again({**small, "p9.json?/../x": b"x"}).replace(b"p9.json?", b"p9.json\0")
    assert "ends in .story.zip" in refusal(archive, data)


def with_entry(files: Files, **fields: int) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as content:
        for name, data in files.items():
            entry = zipfile.ZipInfo(name)
            if name == "p2.json":
                for field, value in fields.items():
                    setattr(entry, field, value)
            content.writestr(entry, data)
    return buffer.getvalue()


def test_links_folders_devices_and_odd_packings_are_refused(
    archive: StoryArchive, small: Files
) -> None:
    for kind in (stat.S_IFLNK, stat.S_IFDIR, stat.S_IFCHR, stat.S_IFIFO):
        data = with_entry(small, external_attr=kind << 16)
        assert "ends in .story.zip" in refusal(archive, data)
    for packing in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        data = with_entry(small, compress_type=packing)
        assert "ends in .story.zip" in refusal(archive, data)
    assert "ends in .story.zip" in refusal(archive, patched(zipped_again(small), 8, b"\x01"))


def patched(data: bytes, offset: int, value: bytes, entry: int = 0) -> bytes:
    """Change the table of contents at an offset into one of its entries."""
    start = -1
    for _ in range(entry + 1):
        start = data.index(b"PK\x01\x02", start + 1)
    return data[: start + offset] + value + data[start + offset + len(value) :]


def test_a_name_that_is_there_twice_is_refused(archive: StoryArchive, small: Files) -> None:
    buffer = io.BytesIO(zipped_again(small))
    with (
        pytest.warns(UserWarning, match="Duplicate"),
        zipfile.ZipFile(buffer, "a") as content,
    ):
        content.writestr("p2.json", small["p3.json"])
    assert "ends in .story.zip" in refusal(archive, buffer.getvalue())


# Bombs


def bombs(small: Files) -> Iterator[bytes]:
    def packed_with(files: Files) -> bytes:
        return zipped_again({**small, **files}, zipfile.ZIP_DEFLATED)

    picture = picture_named(small, "p3")
    yield packed_with({picture: bytes(10 * 2**20)})
    yield packed_with({picture: bytes(zipped.MAX_BYTES + 1)})
    yield packed_with({"p3.json": b" " * (zipped.MAX_RECORD_BYTES + 1)})
    num_records = zipped.MAX_RECORDS_BYTES // zipped.SMALL_BYTES
    record = bytes(zipped.SMALL_BYTES)
    yield packed_with({f"p{number}.json": record for number in range(9, 9 + num_records)})
    many = packed_with({f"p{number}.json": b"" for number in range(9, 9 + zipped.MAX_ENTRIES)})
    yield many
    end = len(many) - 22
    yield many[: end + 8] + struct.pack("<HH", 3, 3) + many[end + 12 :]  # more than it admits
    whole = zipped_again(small)
    end = len(whole) - 22
    # A table of contents of four gigabytes, and an end in the form for large files.
    yield whole[: end + 12] + b"\xff\xff\xff\xff" + whole[end + 16 :]
    yield whole[:end] + b"PK\x06\x07" + bytes(16) + whole[end:]
    # All files share the packed bytes of one.
    shared = whole
    for number in range(len(small)):
        shared = patched(shared, 20, struct.pack("<I", len(whole) // 2), number)
    yield shared


def test_bombs_are_refused_before_they_are_unpacked(
    archive: StoryArchive, small: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Full counts would only take their time.
    monkeypatch.setattr(zipped, "MAX_ENTRIES", 1_000)
    monkeypatch.setattr(zipped, "MAX_BYTES", 8 * 2**20)
    for data in list(bombs(small)):
        tracemalloc.start()
        try:
            refusal(archive, data)
            assert tracemalloc.get_traced_memory()[1] < 4 * 2**20
        finally:
            tracemalloc.stop()


def test_a_file_that_lies_about_its_size_is_unpacked_no_further(
    archive: StoryArchive, small: Files
) -> None:
    picture = picture_named(small, "p5")
    files = {picture: bytes(30 * 2**20)} | {k: v for k, v in small.items() if k != picture}
    data = zipped_again(files, zipfile.ZIP_DEFLATED)
    data = patched(data, 24, struct.pack("<I", 500))
    data = data[:22] + struct.pack("<I", 500) + data[26:]
    tracemalloc.start()
    try:
        _, notes = rest_of(archive, data)
        assert tracemalloc.get_traced_memory()[1] < 16 * 2**20
    finally:
        tracemalloc.stop()
    assert notes == (f"The file {picture} of this story is damaged. It was left out.",)


def test_a_picture_of_too_many_pixels_is_not_unpacked(archive: StoryArchive, small: Files) -> None:
    name = picture_named(small, "p5")
    buffer = io.BytesIO()
    Image.new("L", (8_000, 8_000)).save(buffer, "PNG")
    record = changed_record(small["p5.json"], image_sha256=records.sha256(buffer.getvalue()))
    data = zipped_again({**small, name: buffer.getvalue(), "p5.json": record})
    new_id, notes = rest_of(archive, data)
    assert "more than 2,048 pixels on a side. It was left out." in notes[0]
    with pytest.raises(StorageError, match="missing"):
        archive.file_bytes(new_id, name)


def test_features_that_claim_to_be_huge_make_no_room(archive: StoryArchive, small: Files) -> None:
    name = features_named(small, "p5")
    buffer = io.BytesIO()
    header = {"descr": "<f4", "fortran_order": False, "shape": (2**40, 2**20)}
    np.lib.format.write_array_header_1_0(buffer, header)
    bad_values = records.to_npy(np.full((4, 6), np.nan, np.float32))
    for bad in (buffer.getvalue(), bad_values, zipped_again({"a.npy": b"x"}), b"", b"\x93NUMPY"):
        digest = {"name": name, "sha256": records.sha256(bad)}
        record = changed_record(small["p5.json"], features=digest)
        new_id, notes = rest_of(archive, zipped_again({**small, name: bad, "p5.json": record}))
        assert notes == (f"The file {name} of this story is damaged. It was left out.",)
        assert archive.load(new_id).tree.panel("p5").features_name is None


# Panels that cannot be used

WRONG: dict[str, dict[str, Any]] = {
    "another's id": {"id": "p3"},
    "no id": {"id": 7},
    "a path for an id": {"id": "../p2"},
    "a parent that is younger": {"parent": "p4"},
    "itself for a parent": {"parent": "p2"},
    "a parent that is a number": {"parent": 1},
    "a parent that is a path": {"parent": "../p1"},
    "a parent in a list": {"parent": ["p1"]},
    "no words": {"text": None},
    "words in a list": {"text": ["a"]},
    "endless words": {"text": "a" * 10_001},
    "endless words of its reader": {"reader_text": "a" * 10_001},
    "an endless hint": {"hint": "a" * 10_001},
    "endless tokens": {"token_ids": [7] * 4_097},
    "tokens that are words": {"token_ids": ["a"]},
    "tokens that are halves": {"token_ids": [0.5]},
    "a path for a picture": {"image_name": "../../p2-3f9c2a1b.png"},
    "another page's picture": {"image_name": "p1-3f9c2a1b.png"},
    "a picture that is a number": {"image_name": 7},
    "a checksum that is a number": {"image_sha256": 7},
    "a path for features": {"features": {"name": "../x.npy", "sha256": "0" * 64}},
    "another page's features": {"features": {"name": "p1-3f9c2a1b.npy", "sha256": "0" * 64}},
    "features without a checksum": {"features": {"name": "p2-3f9c2a1b.npy"}},
    "features that are words": {"features": "x"},
    "pictures without the shown one": {
        "pictures": [{"name": "p2-3f9c2a1b.png", "sha256": None, "seed": 0, "settings": {}}]
    },
    "pictures that are numbers": {"pictures": [1, 2]},
    "an author of no kind": {"author": "system"},
    "an author that is a list": {"author": []},
    "a seed that is too large": {"seed": 10**40},
    "a seed that is text": {"image_seed": "7"},
    "settings that are a list": {"settings": []},
    "bottomless settings": {"settings": {"a": [[[[[[[[[[1]]]]]]]]]]}},
    "settings beyond all numbers": {"settings": {"a": float("inf")}},
    "notes without end": {"notes": ["x"] * 51},
    "notes that are numbers": {"notes": [1]},
    "a time that is text": {"created_at": "yesterday"},
    "a number that is no time": {"created_at": 10**400},
    "an end that is text": {"is_end": "no"},
}


@pytest.mark.parametrize("what", WRONG)
def test_a_panel_that_cannot_be_used_is_left_out_with_all_after_it(
    archive: StoryArchive, small: Files, what: str
) -> None:
    files = {**small, "p2.json": changed_record(small["p2.json"], **WRONG[what])}
    new_id, notes = rest_of(archive, zipped_again(files))
    assert notes == (
        "Page p2 could not be used and was left out, with what comes after it (p3 to p4). "
        "The file p2.json of this story is damaged.",
    )
    assert [panel.id for panel in archive.load(new_id).tree][:2] == ["p1", "p5"]
    assert not any(name.startswith(("p2", "p3", "p4")) for name in archive._files.names(new_id))


@pytest.mark.parametrize(
    "text", [b"", b"null", b"[" * 90_000, b'{"a":' * 90_000, b"\xff\xfe\x00", b"{}", b"{NaN}"]
)
def test_a_record_that_is_none_is_left_out(
    archive: StoryArchive, small: Files, text: bytes
) -> None:
    new_id, notes = rest_of(archive, zipped_again({**small, "p4.json": text}))
    assert "Page p4 could not be used and was left out. The file p4.json" in notes[0]
    if text:
        refused = refusal(archive, zipped_again({**small, "p1.json": text}))
        assert refused.startswith("No page of this file can be used.")


def test_panels_without_the_one_before_them_are_left_out(
    archive: StoryArchive, small: Files
) -> None:
    del small["p2.json"]
    _, notes = rest_of(archive, zipped_again(small))
    assert notes == (
        "Page p2 could not be used and was left out, with what comes after it (p3 to p4). "
        "The file p2.json of this story is missing.",
    )


def test_circles_cannot_be_told(archive: StoryArchive, small: Files) -> None:
    circle = {
        "p2.json": changed_record(small["p2.json"], parent="p4"),
        "p1.json": changed_record(small["p1.json"], parent="p2"),
    }
    assert "No page of this file" in refusal(archive, zipped_again({**small, **circle}))


def test_numbers_leave_room_for_the_next_page(archive: StoryArchive, small: Files) -> None:
    last = changed_record(
        small["p2.json"], id="p999999999", image_name=None, image_sha256=None, features=None
    )
    new_id, notes = rest_of(archive, zipped_again({**small, "p999999999.json": last}))
    assert notes[0].startswith("Page p999999999 could not be used and was left out.")
    assert archive.load(new_id).tree.next_id() == "p7"


def test_words_are_cleaned_as_if_they_were_typed(archive: StoryArchive, small: Files) -> None:
    files = {
        **small,
        "story.json": changed_record(
            small["story.json"],
            title="Pip\x00\u202e\n" + "x" * 500,
            created_at=float("nan"),
            settings={"name:p2": "a\x1b\n" + "b" * 500, "name:p3": 7, "undo": [1], "pinned": [7]},
        ),
        "p2.json": changed_record(
            small["p2.json"], text="a\x00b\ud800\r\nc", created_at=float("inf")
        ),
    }
    new_id, notes = rest_of(archive, zipped_again(files))
    found = archive.load(new_id)
    assert notes == () and found.tree.panel("p2").text == "ab\nc"
    assert found.tree.title.startswith("Pip xxx") and len(found.tree.title) == 120
    assert found.header.settings["name:p2"].startswith("a bbb")
    assert found.header.settings["name:p3"] == "" and found.header.settings["pinned"] == []
    assert "undo" not in found.header.settings
    assert found.header.created_at == 0.0 and found.tree.panel("p2").created_at == 0.0


def test_a_record_that_was_edited_is_used_and_named(archive: StoryArchive, small: Files) -> None:
    edited = small["p2.json"].replace(b"Panel 2 of the story.", b"Panel two.")
    new_id, notes = rest_of(archive, zipped_again({**small, "p2.json": edited}))
    assert notes == ("The file p2.json is not the one that was saved.",)
    assert archive.load(new_id).tree.panel("p2").text == "Panel two."


@pytest.mark.parametrize(
    "header", [b"", b"{}", b'{"format": 1, "title": "Pip"', b"[" * 90_000, b"\xff"]
)
def test_a_story_without_a_header_comes_back_with_a_new_one(
    archive: StoryArchive, small: Files, header: bytes
) -> None:
    new_id, notes = rest_of(archive, zipped_again({**small, "story.json": header}))
    assert "The file story.json of this story is damaged." in notes[0]
    assert len(archive.load(new_id).tree) == 6


# Images that cannot be used


def test_pictures_that_cannot_be_used_are_left_out_alone(archive: StoryArchive) -> None:
    story_id = rich_story(archive)
    files = unzipped(packed(archive, story_id))
    panel = archive.load(story_id).tree.panel("p2")
    first, shown, last = (picture.name for picture in panel.pictures)
    for bad in (b"", b"GIF89a", b"<svg/>", files[first][:-30], files[last], b"x" * 70_000):
        new_id, notes = rest_of(archive, zipped_again({**files, first: bad}))
        assert len(notes) == 1 and notes[0].endswith(" It was left out.") and first in notes[0]
        back = archive.load(new_id).tree.panel("p2")
        assert [picture.name for picture in back.pictures] == [shown, last]
        assert back.image_name == shown
        new_id, notes = rest_of(archive, zipped_again({**files, shown: bad}))
        assert len(notes) == 1 and shown in notes[0]
        with pytest.raises(StorageError, match="missing"):
            archive.image(new_id, archive.load(new_id).tree.panel("p2"))
    del files[first]
    _, notes = rest_of(archive, zipped_again(files))
    assert notes == (f"The file {first} of this story is missing.",)


def test_many_damaged_files_make_few_sentences(archive: StoryArchive) -> None:
    parents: list[str | None] = [None, *(f"p{number}" for number in range(1, 12))]
    story_id, _ = write_story(archive, *parents)
    files = unzipped(packed(archive, story_id))
    bad = {name: b"x" for name in files if name.endswith(".png")}
    _, notes = rest_of(archive, zipped_again({**files, **bad}))
    assert len(notes) == 6
    assert notes[-1] == "Of its other files, 7 are damaged or missing, too."


@pytest.mark.parametrize("mode", ["P", "1", "I;16", "LA"])
def test_kinds_of_pictures_that_are_never_saved_are_left_out(
    archive: StoryArchive, small: Files, mode: str
) -> None:
    buffer = io.BytesIO()
    Image.new(mode, (8, 8)).save(buffer, "PNG")
    name = picture_named(small, "p5")
    record = changed_record(small["p5.json"], image_sha256=records.sha256(buffer.getvalue()))
    _, notes = rest_of(archive, zipped_again({**small, name: buffer.getvalue(), "p5.json": record}))
    assert notes == (f"The file {name} of this story is damaged. It was left out.",)


# Broken at random


def attempt(archive: StoryArchive, data: bytes) -> str:
    """Bring something in: it ends in a sentence, or in a story that can be read."""
    before = ids(archive)
    try:
        brought = bring_in(archive, data)
    except SeedStoryError as error:
        assert SENTENCE.fullmatch(str(error)), error
        assert ids(archive) == before
        return "refused"
    tree = archive.load(brought.header.id).tree
    assert len(tree) and not any(panel.is_placeholder for panel in tree)
    for panel in tree:
        if panel.image_name in archive._files.names(brought.header.id):
            archive.image(brought.header.id, panel)
    archive._files.remove_folder(brought.header.id)
    return "brought in"


def test_damaged_files_end_in_a_sentence_or_in_a_story(tmp_path: Path) -> None:
    archive = on_disk(tmp_path)
    story_id = rich_story(archive)
    whole, chance = packed(archive, story_id), random.Random(5)
    small = zipped_again(unzipped(whole), zipfile.ZIP_DEFLATED)
    ends = {
        attempt(archive, data[:size]) for data in (whole, small) for size in range(0, 6000, 397)
    }
    assert ends == {"refused"}
    tally = []
    for name, damage in DAMAGES.items():
        for _ in range(30 if name == "a flipped bit" else 6):
            data = damage(chance.choice([whole, small]), chance)
            tally.append(attempt(archive, data or b""))
    assert tally.count("brought in") >= 10 and tally.count("refused") >= 10
    # The table of contents, where a bit means most.
    start = whole.index(b"PK\x01\x02")
    for at in chance.sample(range(start, len(whole)), 80):
        broken = bytearray(whole)
        broken[at] ^= 1 << chance.randrange(8)
        attempt(archive, bytes(broken))
    assert ids(archive) == {story_id}


def test_damaged_contents_end_in_a_sentence_or_in_a_story(tmp_path: Path) -> None:
    """The ZIP around them is whole, and so are the seals."""
    archive = on_disk(tmp_path)
    story_id = rich_story(archive)
    files, chance = unzipped(packed(archive, story_id)), random.Random(6)
    values: list[Any] = [None, True, -1, 2**70, 0.5, [], [[]], {}, {"name": 7}]
    values += ["", "p1", "../p1", "\ud800"]
    for _ in range(60):
        changed = dict(files)
        for name in chance.sample(sorted(files), chance.randint(1, 3)):
            if name.endswith(".json"):
                record = json.loads(changed[name])
                keys = sorted(set(record) - {"format", "sealed", "sha256"})
                fields = {key: chance.choice(values) for key in chance.sample(keys, 2)}
                changed[name] = changed_record(changed[name], **fields)
            else:
                damage = chance.choice(list(DAMAGES.values()))
                changed[name] = damage(changed[name], chance) or b""
        attempt(archive, zipped_again(changed))
    assert ids(archive) == {story_id}


# When the disk fails


def test_a_full_disk_in_the_middle_leaves_nothing(tmp_path: Path) -> None:
    writer = on_disk(tmp_path)
    story_id = rich_story(writer)
    data = packed(writer, story_id)
    step = 0
    while True:
        faults = Nth(step, errno.ENOSPC, for_ever=True)
        archive = StoryArchive(str(tmp_path), LocalFiles(str(tmp_path), FailingSystem(faults)))
        try:
            bring_in(archive, data)
            break
        except StorageError as error:
            assert str(error).startswith("The disk is full, so the story was not brought back.")
        assert ids(writer) == {story_id}
        step += 5
    assert step > 50 and len(writer.list()) == 2


def test_a_bucket_that_fails_for_good_has_no_half_story(tmp_path: Path) -> None:
    """Not even what was written can be deleted then."""
    writer = StoryArchive(place_of("memory", tmp_path))
    story_id = rich_story(writer)
    data = packed(writer, story_id)
    for step in range(40):
        faults = Nth(step, errno.EIO, for_ever=True)
        archive = StoryArchive(writer.root, FailingFiles(writer._files, faults))  # type: ignore[arg-type]
        try:
            bring_in(archive, data)
        except UnconfirmedError as error:
            assert "but the story was brought back" in str(error)
            break
        except StorageError as error:
            assert "so the story was not brought back" in str(error)
        assert [summary.id for summary in writer.list()] == [story_id]
    assert step > 20
    (new_id,) = {summary.id for summary in writer.list()} - {story_id}
    assert writer.load(new_id).tree == writer.load(story_id).tree


def test_a_studio_that_is_killed_meanwhile_has_no_half_story(tmp_path: Path) -> None:
    writer = on_disk(tmp_path)
    story_id = rich_story(writer)
    data = packed(writer, story_id)
    system = MortalSystem()
    archive = StoryArchive(str(tmp_path), KeptFiles(str(tmp_path), system))
    for step in range(4, 1_000, 5):
        system.calls_left = step
        try:
            bring_in(archive, data)
            break
        except KilledError:
            for summary in writer.list():
                assert writer.load(summary.id).tree == writer.load(story_id).tree
    assert step > 50 and len(writer.list()) >= 2


class KeptFiles(LocalFiles):
    """Files of a process that is dead when it would delete a folder."""

    def remove_folder(self, folder: str) -> None:
        """Leave the folder."""


# What a turn would stumble over


def test_a_policy_of_a_wrong_kind_is_not_followed() -> None:
    usual = MemoryPolicy()
    wrong: list[dict[str, Any]] = [
        {"window_panels": 2.5},
        {"window_panels": True},
        {"policy": ["full"]},
        {"pinned_panels": [float("inf")]},
        {"pinned_panels": 7},
    ]
    for record in wrong:
        assert policy_from(record, usual) == usual
    assert policy_from({"window_panels": 3, "pinned_panels": [1]}, usual).window_panels == 3


def test_tokens_that_no_caption_has_are_not_read(tiny_engine: StoryEngine) -> None:
    vocabulary = tiny_engine.config.decoder.vocab_size
    assert tiny_engine.can_read(tiny_engine.read_ids("Mira the fox found a kite."))
    for token in (-1, vocabulary, 2**40, tiny_engine.marks.boi, tiny_engine.tokenizer.bos_id):
        assert not tiny_engine.can_read([token])


def test_limits_let_every_story_of_the_studio_through() -> None:
    assert importing.MAX_NUMBER < 10**9 - 1
    assert zipped.MAX_BYTES > 256 * 4096 * 4 and importing.MAX_SIDE_PIXELS >= 1024
