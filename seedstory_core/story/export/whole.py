"""The whole story as one file that can be brought back: `title.story.zip`.

It is a ZIP without folders that holds what a story folder holds (`archive.py`), nothing compressed:

    story.json       title, settings, engine, time: the header
    p1.json          a page: parent, texts, tokens, seeds, settings, its files and their checksums
    p1-3f9c2a1b.png  its picture, and every other one that was painted for it
    p1-3f9c2a1b.npy  the picture's visual features, float32 `[V, C]`, as NumPy writes them

Headers and records are JSON with a checksum of themselves (`records.py`). All branches are in it.
Branches in the bin, the notes of undo and redo, and the story's id are not: the id is the key to
write the story. `importing.py` makes a new story of such a file.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from seedstory_core.errors import StorageError
from seedstory_core.story import records
from seedstory_core.story.archive import StoryArchive, settings_with
from seedstory_core.story.export.files import pack
from seedstory_core.story.reading import HEADER, StoredStory, UnreadableError
from seedstory_core.story.tree import Panel, StoryTree
from seedstory_core.story.zipped import MAX_ENTRIES, MAX_TOTAL_BYTES

EXTENSION = "story.zip"


def to_story_file(tree: StoryTree, archive: StoryArchive, story_id: str, leaf_id: str) -> bytes:
    """Return the whole story, as it is saved, as one file that can be brought back.

    A picture that is missing or damaged is left out. A page that cannot be read is in the file
    without words, so that the pages after it keep their place; a note says why.

    Raises:
        StorageError: The story cannot be read, or is too large for one file.
    """
    tree.panel(leaf_id)
    stored = archive.load(story_id)
    newest = stored.tree.newest
    return pack(
        _limited(_files(archive, story_id, stored)),
        newest.created_at if newest else 0.0,
        stored=(".json", ".png", ".npy"),
    )


def _files(
    archive: StoryArchive, story_id: str, stored: StoredStory
) -> Iterator[tuple[str, bytes]]:
    header = stored.header
    settings = settings_with(header.settings, {panel.id for panel in stored.tree})
    record = dataclasses.asdict(dataclasses.replace(header, settings=settings))
    left_out = ("id", "format", "revision")
    yield HEADER, records.to_json({k: v for k, v in record.items() if k not in left_out})
    for panel in stored.tree:
        if panel.is_placeholder:
            panel = dataclasses.replace(panel, problem="", notes=(panel.problem,))
        yield f"{panel.id}.json", records.to_json(records.panel_to_record(panel))
        yield from _parts(archive, story_id, panel)


def _parts(archive: StoryArchive, story_id: str, panel: Panel) -> Iterator[tuple[str, bytes]]:
    """Yield images and features of a panel, as far as they are what was saved."""
    for picture in panel.all_pictures:
        try:
            data = archive.file_bytes(story_id, picture.name)
            records.check_image(picture.name, data, picture.sha256)
            if picture.sha256 is None:
                records.from_png(picture.name, data)
        except UnreadableError:
            raise
        except StorageError:
            continue
        yield picture.name, data
    if panel.features_name is not None:
        yield panel.features_name, archive.file_bytes(story_id, panel.features_name)


def _limited(files: Iterator[tuple[str, bytes]]) -> Iterator[tuple[str, bytes]]:
    """Pass files on, as long as they can be brought back."""
    num_bytes = 0
    for number, (name, data) in enumerate(files, start=1):
        num_bytes += len(data)
        if number > MAX_ENTRIES or num_bytes > MAX_TOTAL_BYTES:
            raise StorageError(
                f"This story is too large for one file: more than {MAX_TOTAL_BYTES // 2**30} GB or "
                f"{MAX_ENTRIES:,} pages and pictures. Take its branches home one by one."
            )
        yield name, data
