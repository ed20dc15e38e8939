"""Archived stories, as if a storyteller had told them.

For tests and screenshots that need a long, branched story to look at: the words were told once, the
images are the shelf's, and there are no visual features, so a model encodes the images when it goes
on from there.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from seedstory_core.config import project_path
from seedstory_core.story.archive import StoryArchive
from seedstory_core.story.tree import Panel, StoryTree

TOLD = Path(__file__).parent.parent / "data" / "told_stories.json"
SIDE = 256


class Shelf:
    """Writes stories into an archive, panel by panel."""

    def __init__(self, archive: StoryArchive, title: str = "") -> None:
        self.archive = archive
        self.story_id = archive.create(title).id
        self.tree = StoryTree(title=title)
        self.images = [
            _small(path) for path in sorted(project_path("assets/openings").glob("*.webp"))
        ]

    def add(self, told: dict[str, Any], parent: str | None) -> str:
        panel = Panel(
            id=self.tree.next_id(),
            parent=parent,
            author="reader" if told["reader_text"] else "model",
            created_at=time.time(),
            **told,
        )
        image = self.images[len(self.tree) % len(self.images)]
        panel = self.archive.append(self.story_id, panel, image)
        self.tree.add(panel)
        return panel.id

    def add_path(self, panels: Sequence[dict[str, Any]], parent: str | None = None) -> list[str]:
        added = []
        for told in panels:
            parent = self.add(told, parent)
            added.append(parent)
        return added


def _small(path: Path) -> Image.Image:
    with Image.open(path) as image:
        return image.convert("RGB").resize((SIDE, SIDE))


def branched_story(archive: StoryArchive) -> Shelf:
    """Tell one story to its end, and three branches from panels 4 and 6."""
    shelf = Shelf(archive)
    main, other = json.loads(TOLD.read_text("utf-8"))
    ids = shelf.add_path(main)
    ways = shelf.add_path(other[4:7], ids[3])
    shelf.add_path(other[5:6], ways[0])
    shelf.add_path(other[6:8], ids[5])
    return shelf
