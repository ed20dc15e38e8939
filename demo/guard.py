"""Middleware before Gradio: who may ask, what a request may hold, and how answers are marked.

- The name in `Host` must be the studio's, so that a foreign name which leads to this machine (DNS
  rebinding) reaches nothing.
- Requests that change something must not come from foreign pages. Uploads need no preflight, so
  the browser alone would not stop them.
- A body that Gradio could not use is answered with a sentence and 4xx, not with a traceback.
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

from demo.bodies import BadRequestError, Bodies
from demo.surroundings import is_space
from demo.uploads import Uploads
from demo.visitors import Visitors

API = "/gradio_api"
MAX_BODY_BYTES = 4 * 2**20
"""Most bytes of a JSON body; pictures are uploaded, not sent in it."""
CLOSED = re.compile(
    rf"{API}/(proxy=|process_recording|vibe-|stream/|deep_link|run-history|component_server"
    r"|custom_component|dev/|profiling)"
)
"""Doors of Gradio that the studio does not use; some fetch addresses or run code for developers."""
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
        marked = functools.partial(self._send, send=send, path=_path(scope))
        refused = self._refusal(scope)
        app = self.app
        if refused is None and scope["method"] == "POST":
            if _path(scope).startswith(f"{API}/upload"):
                app = self._uploads
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
        if CLOSED.match(_path(scope)):
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
        path = _path(scope)
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


def _path(scope: Scope) -> str:
    """Return a request's path without the prefix behind a proxy."""
    path, root = str(scope["path"]), str(scope.get("root_path", ""))
    return path.removeprefix(root) if root and path.startswith(f"{root}/") else path


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
