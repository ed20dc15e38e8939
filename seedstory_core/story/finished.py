"""Finished books: stories that are shipped to be read, and told on in a copy.

A book is a folder with `book.json` (title and panel records) and a WebP image for each panel, which
is a quarter of a PNG. Nobody can change it; a copy is a story like any other.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from seedstory_core.errors import StoryNotFoundError
from seedstory_core.story import records
from seedstory_core.story.archive import StoryArchive
from seedstory_core.story.tree import Panel, StoryTree

INDEX = "book.json"
QUALITY = 82


@dataclass(frozen=True)
class FinishedBook:
    """A finished book.

    Attributes:
        name: Name of its folder.
        tree: Its panels; their images have names as in a story folder.
        images: The WebP files of the images, by name.
    """

    name: str
    tree: StoryTree
    images: Mapping[str, Path]

    def image_bytes(self, name: str) -> bytes:
        """Return an image as WebP.

        Raises:
            StoryNotFoundError: The book has no such image.
        """
        if name not in self.images:
            raise StoryNotFoundError("This book has no such picture.")
        return self.images[name].read_bytes()

    def copy_to(self, archive: StoryArchive) -> str:
        """Save the book as a new story and return its id.

        Raises:
            StorageError: It could not be saved; nothing of it is left.
        """
        files = {name: _png(path) for name, path in self.images.items()}
        tree = StoryTree(title=self.tree.title)
        for panel in self.tree:
            digest = records.sha256(files[panel.image_name]) if panel.image_name else None
            tree.add(dataclasses.replace(panel, image_sha256=digest))
        created_at = next(iter(tree)).created_at
        header = records.StoryHeader(id="", title=tree.title, created_at=created_at)
        return archive.add_story(header, tree, files.__getitem__).id


def load_finished(folder: Path) -> tuple[FinishedBook, ...]:
    """Return the books in the folders of a folder, by name; none if there is no such folder."""
    return tuple(_load(path.parent) for path in sorted(folder.glob(f"*/{INDEX}")))


def _load(folder: Path) -> FinishedBook:
    content = json.loads((folder / INDEX).read_text("utf-8"))
    tree = StoryTree(title=content["title"])
    images = {}
    for record in content["panels"]:
        panel = records.panel_from_record(record["id"], INDEX, record)
        tree.add(panel)
        if panel.image_name is not None:
            images[panel.image_name] = folder / f"{panel.id}.webp"
    return FinishedBook(folder.name, tree, images)


def _png(path: Path) -> bytes:
    with Image.open(path) as image:
        return records.to_png(image.convert("RGB"))


def save_finished(
    tree: StoryTree, image_of: Callable[[str], Image.Image], folder: Path
) -> FinishedBook:
    """Save a story as a book, in place of what was in the folder.

    Args:
        tree: The story.
        image_of: Returns the image of a panel.
        folder: The book's folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.webp"):
        old.unlink()
    panels = []
    for panel in tree:
        image_of(panel.id).convert("RGB").save(
            folder / f"{panel.id}.webp", "WEBP", quality=QUALITY, method=6
        )
        panels.append({**records.panel_to_record(_plain(panel)), "id": panel.id})
    # A panel a line, so that a book can be looked at and compared.
    lines = ",\n".join(json.dumps(panel, ensure_ascii=False) for panel in panels)
    title = json.dumps(tree.title, ensure_ascii=False)
    text = f'{{"title": {title}, "panels": [\n{lines}\n]}}\n'
    (folder / INDEX).write_text(text, "utf-8")
    return _load(folder)


def _plain(panel: Panel) -> Panel:
    """Return a panel without the names and checksums of files that the book has not."""
    return dataclasses.replace(
        panel, features_name=None, features_sha256=None, pictures=(), image_sha256=None
    )
