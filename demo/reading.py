"""Stories for people who may read them and not change them: `/read/{key}` and its pictures.

The address holds the reading key, from which nobody finds the story's id. So neither the page nor
its headers nor the addresses in it may name the id: whoever has it can write.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from demo.addresses import reading_image_url, studio_url
from demo.books import ShelfBook
from demo.errors import explain
from demo.pictures import FOR_EVER, PAGE_PIXELS, THUMBNAIL_PIXELS, no_picture, webp
from demo.previews import STUDIO, preview_of
from demo.render import fill
from seedstory_core import (
    Panel,
    SessionStore,
    StoryNotFoundError,
    StoryTree,
    TaleFrame,
    css_variables,
    load_palette,
    make_tale,
)

HEADERS = {"Cache-Control": "private, no-cache", "X-Robots-Tag": "noindex"}
WHAT = "An address of read/"
"""Subject of log lines."""
SOURCES = "img-src 'self'; font-src 'self'"
UP = "../"
"""From `/read/{key}` to the studio."""


def reading_routes(store: SessionStore, books: Mapping[str, ShelfBook]) -> list[Route]:
    """Return the routes of stories that can only be read, and of the finished books."""

    def page(request: Request) -> Response:
        key = request.path_params["key"]
        try:
            if key in books:
                tree = books[key].book.tree
            else:
                tree = reading_tree(store, store.archive.story_of(key))
        except Exception as error:
            return _unreadable(error)
        data = _page(tree, key, studio_url(request.scope)).encode("utf-8", "replace")
        # Weak, because the answer may be sent compressed.
        tag = f'W/"{hashlib.sha256(data).hexdigest()[:32]}"'
        headers = {**HEADERS, "ETag": tag}
        if tag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        return Response(data, media_type="text/html; charset=utf-8", headers=headers)

    def image(request: Request) -> Response:
        name = request.path_params["name"]
        try:
            key = request.path_params["key"]
            if key in books:
                data = books[key].book.image_bytes(name)
                return Response(data, media_type="image/webp", headers=FOR_EVER)
            story_id = store.archive.story_of(key)
            if all(name != panel.image_name for panel in store.open(story_id).tree):
                raise StoryNotFoundError("This story has no such picture.")
            pixels = THUMBNAIL_PIXELS if "small" in request.query_params else PAGE_PIXELS
            data = webp(store.archive, story_id, name, pixels)
        except Exception as error:
            return no_picture(error, WHAT)
        return Response(data, media_type="image/webp", headers=FOR_EVER)

    return [Route("/read/{key}", page), Route("/read/{key}/pictures/{name}", image)]


def reading_tree(store: SessionStore, story_id: str) -> StoryTree:
    """Return a copy of a story, which no turn changes while it is shown.

    Raises:
        StoryNotFoundError: There is no such story.
        StorageError: The story cannot be read.
    """
    tree = store.open(story_id).tree
    return StoryTree(tree.panels, title=tree.title)


def _page(tree: StoryTree, key: str, studio: str) -> str:
    def image(*, small: bool) -> Callable[[Panel], str]:
        # A picture that is missing is found out when it is asked for; the answer is a gap.
        return lambda panel: UP + reading_image_url(key, panel.image_name or "", small=small)

    frame = TaleFrame(
        image=image(small=False),
        small=image(small=True),
        font=f"{UP}studio/fonts/fraunces.woff2",
        sources=SOURCES,
        head=preview_of(tree, key, studio, has_url=True).head()
        + f'<link rel="icon" href="{UP}studio/logo.svg">\n',
        bar=fill("reading_bar", site=STUDIO),
        fork=lambda panel: f"{UP}?fork={quote(key)}&panel={quote(panel.id)}",
    )
    return make_tale(tree, frame)


def _unreadable(error: Exception) -> Response:
    """Return a page that says why there is nothing to read."""
    problem = explain(error, WHAT)
    is_gone = problem.status == 404
    page = fill(
        "unreadable",
        site=STUDIO,
        heading="There is no tale here" if is_gone else "This tale cannot be read just now",
        sentence="It may have been deleted, or a part of the address was lost on the way."
        if is_gone
        else problem.sentence,
        light=css_variables(load_palette("book")),
        dark=css_variables(load_palette("book-dark")),
    )
    headers = {**HEADERS, "Cache-Control": "no-store"}
    return Response(page, problem.status, headers, "text/html; charset=utf-8")
