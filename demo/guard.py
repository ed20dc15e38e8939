"""Middleware before Gradio: who may ask, what a request may hold, and how answers are marked.

- The name in `Host` must be the studio's, so that a foreign name which leads to this machine (DNS
  rebinding) reaches nothing.
- Requests that change something must not come from foreign pages. Uploads need no preflight, so
  the browser alone would not stop them.
- Of Gradio's doors only those are open that the page and programs use.
- A body or a stream that Gradio could not use is answered with a sentence and 4xx, not with a
  traceback.
- Uploads are limited, and fail with a sentence (`uploads.py`).
- Answers say how they may be embedded, cached and referred to: a story's address is its key.
"""

from __future__ import annotations

import functools
import ipaddress
import json
import os
import re
import socket
from collections.abc import Sequence
from urllib.parse import urlsplit

from gradio import Blocks
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from demo.addresses import path_of
from demo.bodies import BadRequestError, Bodies
from demo.surroundings import is_space
from demo.uploads import Uploads
from demo.visitors import Visitors

API = "/gradio_api"
MAX_BODY_BYTES = 4 * 2**20
"""Most bytes of a JSON body; pictures are uploaded, not sent in it."""
OPEN = re.compile(
    rf"{API}/(info|openapi\.json|app_id|theme\.css|startup-events|upload|cancel|reset|file=.*"
    r"|queue/(join|data)|call/(v2/)?[^/]+(/[^/]+)?)/?"
)
"""Doors of Gradio that are used. Others call functions beside its queue, fetch addresses, run code
for developers, or keep something for every name that anybody asks for."""
CLOSED = re.compile(r"/(monitoring|pwa_icon|login|logout|openapi\.json)(/.*)?")
"""Doors of Gradio outside of its prefix that are not used."""
STREAMS = re.compile(rf"{API}/(queue/data|call/(v2/)?[^/]+/[^/]+)")
"""Streams of events: of a page or a client, and of one call."""
UNKNOWN = (b'"session_not_found":true', b'event: error\ndata: "404: Not Found"\n\n')
"""How Gradio says in either stream that nobody has begun it."""
PUBLIC_FILES = ("/assets/", "/static/", "/svelte/", "/studio/")
"""Files that are the same for everybody, so that any cache may keep them."""
SPACES = ("huggingface.co", ".hf.space")


class Guard:
    """The middleware."""

    def __init__(
        self,
        app: ASGIApp,
        page: Blocks,
        visitors: Visitors,
        hosts: Sequence[str] = (),
        frame_ancestors: Sequence[str] = (),
    ) -> None:
        """Stand before an application.

        Args:
            app: The application.
            page: The page whose functions may be asked for.
            visitors: Who may upload how much.
            hosts: Names of the studio beside the local ones; `*` is every name.
            frame_ancestors: Sites that may show the page in a frame, beside the studio itself.
        """
        self.app = app
        self.hosts = [name.lower() for name in hosts]
        self._bodies = Bodies(page)
        self._uploads = Uploads(app, visitors)
        ancestors = [*frame_ancestors]
        if is_space():
            ancestors += ["https://huggingface.co", "https://*.hf.space"]
        self._headers = {
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "same-origin",
            "Content-Security-Policy": " ".join(["frame-ancestors 'self'", *ancestors]),
        }
        if not ancestors:
            self._headers["X-Frame-Options"] = "SAMEORIGIN"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or let it pass to the application."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        marked = functools.partial(self._send, send=send, path=path_of(scope))
        refused = self._refusal(scope)
        app = self.app
        if STREAMS.fullmatch(path_of(scope)) and scope["method"] == "GET":
            app = self._stream
        if refused is None and scope["method"] == "POST":
            if path_of(scope).startswith(f"{API}/upload"):
                app = self._uploads
                # With an `upload_id` Gradio would keep the progress until somebody asks for it.
                scope["query_string"] = b""
            else:
                refused, receive = await self._read(scope, receive)
        await (refused or app)(scope, receive, marked)

    def _refusal(self, scope: Scope) -> Response | None:
        """Return the answer to a request that nobody here may make."""
        headers = Headers(scope=scope)
        host = _name(headers.get("host", ""))
        if not self._is_mine(host):
            return PlainTextResponse(
                f"This studio does not answer to the name {host[:80]!r}. Whoever runs it allows a "
                "name with --set runtime.hosts=[NAME].",
                421,
            )
        path = path_of(scope)
        is_gradios = path.startswith(API)
        if CLOSED.fullmatch(path) or (is_gradios and not OPEN.fullmatch(path)):
            return PlainTextResponse("Not found.", 404)
        if scope["method"] not in ("GET", "HEAD", "OPTIONS") and not self._is_same_site(headers):
            return PlainTextResponse(
                "This was sent by another site's page, so nothing was done. Whoever runs the "
                "studio allows a site with --set runtime.hosts=[NAME].",
                403,
            )
        return None

    def _is_mine(self, host: str) -> bool:
        """Whether a name is the studio's. A bare address cannot be anybody else's name."""
        is_own = _is_local(host) or host in _own_names()
        return is_own or _address(host) is not None or self._is_listed(host)

    def _is_listed(self, host: str) -> bool:
        space = is_space() and host.endswith(SPACES)
        shared = host.endswith(".gradio.live")
        return (
            space
            or shared
            or any(
                name in ("*", host) or (name.startswith("*.") and host.endswith(name[1:]))
                for name in self.hosts
            )
        )

    def _is_same_site(self, headers: Headers) -> bool:
        """Whether a request comes from our own page or from a program, which sends no origin."""
        origin = headers.get("origin")
        fetched_from = headers.get("sec-fetch-site", "")
        if fetched_from in ("same-origin", "none") or (origin is None and not fetched_from):
            return True
        if origin is None:
            return False
        site, host = urlsplit(origin).netloc.lower(), headers.get("host", "").lower()
        name = _name(site)
        if site == host or (_is_local(name) and _is_local(_name(host))):
            return not fetched_from or _is_local(name)
        forwarded = headers.get("x-forwarded-host", "").split(",")[0].strip().lower()
        is_forwarded = not fetched_from and site == forwarded and self._is_mine(_name(site))
        return is_forwarded or self._is_listed_site(name)

    def _is_listed_site(self, name: str) -> bool:
        return bool(name) and name in self.hosts

    async def _read(self, scope: Scope, receive: Receive) -> tuple[Response | None, Receive]:
        """Check a JSON body; return the refusal, or a `receive` that brings the checked body."""
        path = path_of(scope)
        if not path.startswith(API):
            return None, receive
        data = bytearray()
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return PlainTextResponse("The request was broken off.", 400), receive
            data += message.get("body", b"")
            more = message.get("more_body", False)
            if len(data) > MAX_BODY_BYTES:
                return _problem("The request is larger than 4 MB.", 413), receive
        try:
            content = self._bodies.check(path.removeprefix(API).strip("/"), bytes(data))
        except BadRequestError as error:
            return _problem(str(error), error.status), receive
        body = json.dumps(content).encode()
        # The application reads as many bytes as the header says.
        scope["headers"] = [
            (name, value)
            for name, value in scope["headers"]
            if name not in (b"content-length", b"content-type")
        ] + [(b"content-length", str(len(body)).encode()), (b"content-type", b"application/json")]
        sent = False

        async def again() -> Message:
            nonlocal sent
            if sent:
                return await receive()
            sent = True
            return {"type": "http.request", "body": body, "more_body": False}

        return None, again

    async def _stream(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer an unknown stream of events with 404; Gradio begins with 200 and then raises."""
        start: Message | None = None
        is_unknown = False

        async def answer(message: Message) -> None:
            nonlocal start, is_unknown
            if message["type"] == "http.response.start":
                start = message
                return
            is_unknown = is_unknown or any(mark in message.get("body", b"") for mark in UNKNOWN)
            if start is not None:
                await send({**start, "status": 404} if is_unknown else start)
                start = None
            await send(message)

        try:
            await self.app(scope, receive, answer)
        except RuntimeError:
            if not is_unknown:
                raise
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _send(self, message: Message, send: Send, path: str) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in self._headers.items():
                headers[name] = value
            if headers.get("content-type", "").startswith("text/event-stream"):
                # A browser that may keep a stream makes the next one of its address wait for it.
                headers["Cache-Control"] = "no-store"
            elif path.startswith(f"{API}/file="):
                headers["Cache-Control"] = "private, max-age=3600"
            elif not path.startswith(PUBLIC_FILES):
                headers.setdefault("Cache-Control", "private, no-cache")
        await send(message)


def _problem(sentence: str, status: int) -> Response:
    return JSONResponse({"detail": sentence, "error": sentence}, status)


def _name(place: str) -> str:
    """Return the name of `name:port`, without the brackets of IPv6."""
    try:
        return urlsplit(f"//{place}").hostname or ""
    except ValueError:
        return ""


def _is_local(name: str) -> bool:
    address = _address(name)
    return (
        name == "localhost" or name.endswith(".localhost") or bool(address and address.is_loopback)
    )


def _address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        return None


@functools.cache
def _own_names() -> frozenset[str]:
    """Return the names of this machine, and of the address that a proxy serves it under."""
    own = socket.gethostname().lower()
    outside = urlsplit(os.environ.get("GRADIO_ROOT_PATH", "")).hostname
    return frozenset(filter(None, (own, own.split(".")[0], f"{own.split('.')[0]}.local", outside)))
