"""Finished books on the shelf: branching tales that the shipped model told, to be read at once.

    python -m demo.books lulu mira

tells a book for each of these openings with the shipped model and saves it under `assets/books`.
"""

from __future__ import annotations

import functools
import logging
import sys
from dataclasses import dataclass

from demo.addresses import reading_image_url, reading_url
from demo.openings import Opening, load_openings
from seedstory_core import (
    FinishedBook,
    Layout,
    Panel,
    SessionStore,
    StoryArchive,
    StorySession,
    TurnRequest,
    build_engine,
    lay_out,
    load_config,
    load_finished,
    make_request,
    project_path,
    save_finished,
    suggest_title,
)

log = logging.getLogger(__name__)

FOLDER = "assets/books"
KEY = "book-"
"""Before a book's name in its address; no reading key of a story begins so."""
LONGEST = 12
"""Pages after which a way ends, if the tale has not come to its end."""
FORKS = (0.25, 0.5, 0.75)
"""Where other ways begin, as shares of the first one."""


@dataclass(frozen=True)
class ShelfBook:
    """A finished book with its address and what the shelf shows of it."""

    book: FinishedBook

    @property
    def key(self) -> str:
        """Its key in addresses."""
        return KEY + self.book.name

    @property
    def url(self) -> str:
        """The address at which it is read."""
        return reading_url(self.key)

    @property
    def cover_url(self) -> str:
        """Address of its first image."""
        return reading_image_url(self.key, next(iter(self.book.images), ""))

    @property
    def num_ends(self) -> int:
        """Ways on which the tale comes to an end."""
        return sum(panel.is_end for panel in self.book.tree.leaves())

    @property
    def layout(self) -> Layout:
        """The places of its pages, for a small drawing of its branches."""
        return lay_out(self.book.tree)

    @property
    def lines(self) -> list[str]:
        """The lines of that drawing, as SVG paths, in units of 10 a page and 9 a branch."""
        places = self.layout.places
        joined = [
            (places[panel.parent], places[panel.id]) for panel in self.book.tree if panel.parent
        ]
        return [
            f"M{a.column * 10 + 5} {a.row * 9 + 5}V{b.row * 9 + 5}H{b.column * 10 + 5}"
            for a, b in joined
        ]


@functools.cache
def load_books(folder_name: str = FOLDER) -> dict[str, ShelfBook]:
    """Return the books of a folder by key; without the folder there are none."""
    books = (ShelfBook(book) for book in load_finished(project_path(folder_name)))
    return {book.key: book for book in books}


def tell_book(store: SessionStore, opening: Opening) -> StorySession:
    """Tell a tale from an opening to its end, and then other ways from some of its pages."""
    session = store.create()
    image = opening.image()
    first = _tell(
        session,
        None,
        make_request(store.config, text=opening.sentence, image=image, keep_words=True),
    )
    trunk = _tell_to_the_end(store, session, first)
    for share in FORKS:
        _tell_to_the_end(store, session, trunk[max(0, round(share * len(trunk)) - 1)])
    title = suggest_title([panel.text for panel in session.tree.path(trunk[-1].id)])
    session.rename(title or session.tree.title)
    return session


def _tell_to_the_end(store: SessionStore, session: StorySession, panel: Panel) -> list[Panel]:
    way = [panel]
    while not way[-1].is_end and session.tree.depth(way[-1].id) < LONGEST:
        way.append(_tell(session, way[-1].id, make_request(store.config)))
        log.info("After %s: %s", panel.id, way[-1].text)
    return way


def _tell(session: StorySession, parent: str | None, request: TurnRequest) -> Panel:
    for _ in session.turn(parent, request):
        pass
    newest = session.tree.newest
    assert newest is not None
    return newest


def main(names: list[str]) -> None:
    """Tell a book for each opening."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    config = load_config()
    store = SessionStore(build_engine(config), StoryArchive("memory://books"))
    openings = {one.id: one for one in load_openings(config.runtime.openings_folder)}
    for name in names:
        session = tell_book(store, openings[name])
        save_finished(session.tree, session.image, project_path(FOLDER) / name)


if __name__ == "__main__":
    main(sys.argv[1:])
