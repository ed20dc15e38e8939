"""Finished books on the shelf: branching tales that the shipped model told, to be read at once.

A book is a folder under `assets/books`: `book.json` (title and panels) and a WebP image for each
panel. It lies outside the stories, so nobody can change it; whoever tells it on gets a copy.

    python -m demo.books lulu mira

tells a book for each of these openings with the shipped model and saves it there.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import logging
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from demo.openings import load_openings
from seedstory_core import (
    Panel,
    SessionStore,
    StoryArchive,
    StoryNotFoundError,
    StorySession,
    StoryTree,
    TurnRequest,
    build_engine,
    lay_out,
    load_config,
    make_request,
    project_path,
    suggest_title,
)
from seedstory_core.story import records
from seedstory_core.story.layout import Layout

log = logging.getLogger(__name__)

FOLDER = "assets/books"
INDEX = "book.json"
KEY = "book-"
"""Before a book's name in its address."""
QUALITY = 82
LONGEST = 12
"""Pages after which a way ends, if the tale has not come to its end."""
FORKS = (0.25, 0.5, 0.75)
"""Where other ways begin, as shares of the first one."""


@dataclass(frozen=True)
class Book:
    """A finished book.

    Attributes:
        key: Its key in addresses.
        tree: Its panels; their images have names as in a story folder.
        images: The WebP files of the images, by name.
    """

    key: str
    tree: StoryTree
    images: Mapping[str, Path]

    @property
    def url(self) -> str:
        """The address at which it is read."""
        return f"read/{self.key}"

    @property
    def cover_url(self) -> str:
        """Address of its first image."""
        return f"{self.url}/pictures/{next(iter(self.images), '')}"

    @property
    def layout(self) -> Layout:
        """The places of its pages, for a small drawing of its branches."""
        return lay_out(self.tree)

    @property
    def lines(self) -> list[str]:
        """The lines of that drawing, as SVG paths, in units of 10 a page and 9 a branch."""
        places = self.layout.places
        joined = [(places[panel.parent], places[panel.id]) for panel in self.tree if panel.parent]
        return [
            f"M{a.column * 10 + 5} {a.row * 9 + 5}V{b.row * 9 + 5}H{b.column * 10 + 5}"
            for a, b in joined
        ]

    @property
    def num_ends(self) -> int:
        """Ways on which the tale comes to an end."""
        return sum(panel.is_end for panel in self.tree.leaves())

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
        first = next(iter(tree))
        header = records.StoryHeader(
            id="", title=tree.title, settings={}, created_at=first.created_at
        )
        return archive.add_story(header, tree, files.__getitem__).id


@functools.cache
def load_books(folder_name: str = FOLDER) -> dict[str, Book]:
    """Return the books of a folder by key; without the folder there are none."""
    folder = project_path(folder_name)
    found = [_load(path.parent) for path in sorted(folder.glob(f"*/{INDEX}"))]
    return {book.key: book for book in found}


def _load(folder: Path) -> Book:
    content = json.loads((folder / INDEX).read_text("utf-8"))
    tree = StoryTree(title=content["title"])
    images = {}
    for record in content["panels"]:
        panel = records.panel_from_record(record["id"], INDEX, record)
        tree.add(panel)
        if panel.image_name is not None:
            images[panel.image_name] = folder / f"{panel.id}.webp"
    return Book(f"{KEY}{folder.name}", tree, images)


def _png(path: Path) -> bytes:
    with Image.open(path) as image:
        return records.to_png(image.convert("RGB"))


def save_book(session: StorySession, folder: Path) -> None:
    """Save a story as a book."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.webp"):
        old.unlink()
    panels = []
    for panel in session.tree:
        session.image(panel.id).convert("RGB").save(
            folder / f"{panel.id}.webp", "WEBP", quality=QUALITY, method=6
        )
        plain = dataclasses.replace(
            panel, features_name=None, features_sha256=None, pictures=(), image_sha256=None
        )
        panels.append({**records.panel_to_record(plain), "id": panel.id})
    content = {"title": session.tree.title, "panels": panels}
    (folder / INDEX).write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", "utf-8")


def tell_book(store: SessionStore, opening_id: str) -> StorySession:
    """Tell a tale from an opening to its end, and then other ways from some of its pages."""
    opening = next(one for one in load_openings("assets/openings") if one.id == opening_id)
    session = store.create()
    request = make_request(
        store.config, text=opening.sentence, image=opening.image(), keep_words=True
    )
    _tell(session, None, request)
    first = session.tree.newest
    assert first is not None
    trunk = _tell_to_the_end(store, session, first)
    for share in FORKS:
        _tell_to_the_end(store, session, trunk[max(0, round(share * len(trunk)) - 1)])
    title = suggest_title([panel.text for panel in session.tree.path(trunk[-1].id)])
    session.rename(title or session.tree.title)
    return session


def _tell_to_the_end(store: SessionStore, session: StorySession, panel: Panel) -> list[Panel]:
    way = [panel]
    while not way[-1].is_end and session.tree.depth(way[-1].id) < LONGEST:
        _tell(session, way[-1].id, make_request(store.config))
        newest = session.tree.newest
        assert newest is not None
        way.append(newest)
        log.info("%s: page %d: %s", panel.id, session.tree.depth(newest.id), newest.text)
    return way


def _tell(session: StorySession, parent: str | None, request: TurnRequest) -> None:
    for _ in session.turn(parent, request):
        pass


def main(names: list[str]) -> None:
    """Tell a book for each opening."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    store = SessionStore(build_engine(load_config()), StoryArchive("memory://books"))
    for name in names:
        save_book(tell_book(store, name), project_path(FOLDER) / name)


if __name__ == "__main__":
    main(sys.argv[1:])
