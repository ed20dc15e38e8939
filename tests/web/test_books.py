"""The finished books on the shelf: read at once, and told on in a copy."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from demo.books import FOLDER, ShelfBook, load_books
from demo.reading import reading_routes
from seedstory_core.config import project_path
from seedstory_core.errors import StoryNotFoundError
from seedstory_core.session import SessionStore
from seedstory_core.story.archive import StoryArchive

BOOKS = list(load_books().values())
MOST_BYTES = 2**20
"""Of all images together."""


def test_the_books_are_small_and_branch() -> None:
    assert len(BOOKS) >= 2
    size = sum(path.stat().st_size for path in project_path(FOLDER).glob("*/*.webp"))
    assert size <= MOST_BYTES
    for book in BOOKS:
        assert book.num_ends >= 2 and len(book.book.tree) >= 12
        assert {panel.image_name for panel in book.book.tree} == set(book.book.images)
        assert len(book.lines) == len(book.book.tree) - 1


@pytest.mark.parametrize("book", BOOKS, ids=lambda book: book.key)
def test_a_book_is_copied_as_a_story_that_can_be_told_on(book: ShelfBook, tmp_path: Path) -> None:
    archive = StoryArchive(str(tmp_path))
    stored = archive.load(book.book.copy_to(archive))
    assert not stored.warnings and stored.tree.title == book.book.tree.title
    assert [panel.text for panel in stored.tree] == [panel.text for panel in book.book.tree]
    newest = stored.tree.newest
    assert newest is not None and archive.image(stored.header.id, newest).size[0] >= 256
    assert not any(panel.problem for panel in stored.tree)


def test_a_book_is_read_without_a_script(store: SessionStore) -> None:
    book = BOOKS[0]
    client = TestClient(Starlette(routes=reading_routes(store, load_books())))
    page = client.get(f"/{book.url}")
    assert page.status_code == 200 and book.book.tree.title in page.text
    assert f"?fork={book.key}" in page.text
    cover = client.get(f"/{book.cover_url}")
    assert cover.headers["content-type"] == "image/webp" and len(cover.content) > 1000
    assert client.get("/read/book-of-nobody").status_code == 404
    with pytest.raises(StoryNotFoundError):
        book.book.image_bytes("p1-00000000.png")


def test_without_a_folder_there_are_no_books() -> None:
    assert load_books("assets/no-such-folder") == {}
