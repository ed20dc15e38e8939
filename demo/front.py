"""Middleware that completes the studio's own document at `/` before it is sent.

Gradio writes that document, with a preview of its own in it and nothing to see without JavaScript.
Here it gets the studio's title and preview, that of the tale if the address names one, and a
`<noscript>` with the shelf; then it is compressed. A document that does not look as expected,
such as one of another version of Gradio, is sent as it is.
"""

from __future__ import annotations

import html
import logging
import re
from collections.abc import Sequence
from urllib.parse import parse_qs

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from demo.addresses import path_of, reading_url, studio_url
from demo.books import load_books
from demo.openings import Opening
from demo.previews import STUDIO, Preview, preview_of
from demo.reading import reading_tree
from demo.render import fill
from seedstory_core import (
    SeedStoryError,
    SessionStore,
    css_variables,
    load_palette,
    reading_key_of,
)

log = logging.getLogger(__name__)

DESCRIPTION = (
    "Tell a picture story page by page, turn it wherever you like, and keep every branch: a "
    "storyteller that writes and paints, on your own machine."
)
COMPRESSED = re.compile(r"/(read/[^/]+)?")
"""Documents that are long and not compressed by anybody else."""
MIN_BYTES = 1000
LEVEL = 6

CHARSET = re.compile(r"<meta\s+charset=[^>]*>", re.I)
APP = re.compile(r"<gradio-app\b")
SCRIPT = "<script"
PREVIEW = re.compile(
    r"\s*<meta\b(?=[^>]*\b(?:property|name)=\"(?:og|twitter):)(?:\"[^\"]*\"|[^\">])*>", re.I
)
TITLE = re.compile(r"\s*<title>.*?</title>", re.I | re.S)


class Front:
    """The middleware."""

    def __init__(self, app: ASGIApp, store: SessionStore, openings: Sequence[Opening]) -> None:
        """Stand before an application.

        Args:
            app: The application.
            store: The stories that addresses name.
            openings: The shelf.
        """
        self.app = app
        self._store = store
        self._openings = openings
        self._compressed = GZipMiddleware(self._completed, MIN_BYTES, LEVEL)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or let it pass to the application."""
        is_document = (
            scope["type"] == "http"
            and scope["method"] == "GET"
            and COMPRESSED.fullmatch(path_of(scope)) is not None
        )
        await (self._compressed if is_document else self.app)(scope, receive, send)

    async def _completed(self, scope: Scope, receive: Receive, send: Send) -> None:
        if path_of(scope) != "/":
            await self.app(scope, receive, send)
            return
        start: Message = {}
        body = bytearray()

        async def hold(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                start = message
                return
            body.extend(message.get("body", b""))
            if message.get("more_body", False):
                return
            headers = MutableHeaders(raw=list(start["headers"]))
            data = bytes(body)
            if start["status"] == 200 and _is_plain_html(headers):
                data = await run_in_threadpool(self._complete, data, scope)
                headers["Content-Length"] = str(len(data))
            await send({**start, "headers": headers.raw})
            await send({**message, "body": data})

        await self.app(scope, receive, hold)

    def _complete(self, data: bytes, scope: Scope) -> bytes:
        try:
            preview, read_url = self._preview(scope)
            no_script = fill(
                "no_script",
                site=STUDIO,
                variables=css_variables(load_palette("page")),
                openings=self._openings,
                books=list(load_books().values()),
                title=preview.title if read_url else "",
                read_url=read_url,
            )
            return complete(data.decode("utf-8"), preview, no_script).encode("utf-8", "replace")
        except Exception:
            # The document is whole without all of this.
            log.exception("The page's preview was not made.")
            return data

    def _preview(self, scope: Scope) -> tuple[Preview, str]:
        """Return the preview of an address, and where its tale can be read; '' without one."""
        asked = parse_qs(scope["query_string"].decode("latin-1"))
        story_id, key = (asked.get(name, [""])[0] for name in ("story", "fork"))
        studio = studio_url(scope)
        if story_id or key:
            try:
                story_id = story_id or self._store.archive.story_of(key)
                tree = reading_tree(self._store, story_id)
                key = reading_key_of(story_id)
                return preview_of(tree, key, studio), reading_url(key)
            except SeedStoryError:
                pass  # the page says why
        image = self._openings[0].url if self._openings else "studio/logo.svg"
        return Preview(STUDIO, DESCRIPTION, studio + image, studio), ""


def complete(document: str, preview: Preview, no_script: str) -> str:
    """Return Gradio's document with a title, a preview and a `<noscript>` of our own.

    It is returned as it is if a place where they belong is not found.
    """
    head = document[: max(document.find(SCRIPT), 0)]
    if not CHARSET.search(head) or not APP.search(document):
        return document
    rest = document[len(head) :]
    head = TITLE.sub("", PREVIEW.sub("", head))
    title = preview.title if preview.title == STUDIO else f"{preview.title} – {STUDIO}"
    own = f"<title>{html.escape(title)}</title>\n{preview.head()}"
    head = CHARSET.sub(lambda found: f"{found[0]}\n{own}", head, count=1)
    return head + APP.sub(lambda found: f"{no_script}\n{found[0]}", rest, count=1)


def _is_plain_html(headers: Headers) -> bool:
    is_html = headers.get("content-type", "").startswith("text/html")
    return is_html and "content-encoding" not in headers
