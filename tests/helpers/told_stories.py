"""Stories of the world as archived stories, as if a perfect storyteller had told them.

For tests and screenshots that need a long, branched story to look at: the words are the data's, the
images are drawn, and the visual features are zeros, so a model encodes the images when it goes
on from there.
"""

from __future__ import annotations

import time

import pytest

from seedstory_core.data.stories import StoryPanel, tell
from seedstory_core.story.archive import StoryArchive
from seedstory_core.story.tree import Panel, StoryTree

NO_SKIA = "skia cannot draw here; on Linux it needs the system's libEGL and libGL"


class Shelf:
    """Writes stories into an archive, panel by panel."""

    def __init__(self, archive: StoryArchive, title: str = "") -> None:
        self.archive = archive
        self.story_id = archive.create(title).id
        self.tree = StoryTree(title=title)

    def add(self, told: StoryPanel, parent: str | None) -> str:
        panel = Panel(
            id=self.tree.next_id(),
            parent=parent,
            text=told.text,
            reader_text=told.reader_text,
            author="reader" if told.reader_text else "model",
            is_end=told.is_end,
            created_at=time.time(),
        )
        pytest.importorskip("skia", reason=NO_SKIA, exc_type=ImportError)
        from seedstory_core.data.draw import render_image

        panel = self.archive.append(self.story_id, panel, render_image(told.scene, 256))
        self.tree.add(panel)
        return panel.id

    def add_path(self, panels: tuple[StoryPanel, ...], parent: str | None = None) -> list[str]:
        added = []
        for told in panels:
            parent = self.add(told, parent)
            added.append(parent)
        return added


def branched_story(archive: StoryArchive, seed: int = 3) -> Shelf:
    """Tell one story to its end, and three branches from panels 4 and 6."""
    shelf = Shelf(archive)
    main = tell(seed, num_panels=(12, 14))
    ids = shelf.add_path(main.panels)
    other = tell(seed + 1, num_panels=(10, 14)).panels
    ways = shelf.add_path(other[4:7], ids[3])
    shelf.add_path(other[5:6], ways[0])
    shelf.add_path(other[6:8], ids[5])
    return shelf
