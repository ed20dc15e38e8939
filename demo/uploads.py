"""The door of Gradio that stores uploads: how much one visitor may send, and what fails there.

Gradio writes a file while it arrives. If the disk is full, it would answer with a traceback and
leave what it has written; if the visitor has sent too much, or is gone, it has to be told to stop.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import time
from collections.abc import Iterator
from pathlib import Path

from gradio.utils import get_upload_folder
from python_multipart.multipart import parse_options_header
from starlette.datastructures import Headers
from starlette.formparsers import MultiPartException
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from demo.visitors import Visitors
from seedstory_core import LimitError

log = logging.getLogger(__name__)

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""What the system says if there is no room for a file."""
NO_ROOM = (
    "The studio has no room left for your file, so it was not taken. What you have typed is still "
    "there. Whoever runs the studio has to make room."
)
NOT_STORED = (
    "The studio could not store your file. What you have typed is still there. Try again; if that "
    "does not help, whoever runs the studio finds the reason in its log."
)
READ_BYTES = 64 * 2**20
"""Bytes of a refused upload that are still read: a browser shows an answer only after it has sent
its file."""


class Uploads:
    """The application, for uploads."""

    def __init__(self, app: ASGIApp, visitors: Visitors) -> None:
        """Stand before Gradio."""
        self.app = app
        self.visitors = visitors
        self._num_running = 0
        self._since = 0.0
        self._has_leftovers = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let Gradio store an upload, or answer why it was not stored."""
        body = _Body(scope, receive, self.visitors)
        try:
            body.count(num_files=1)
        except LimitError as error:
            await body.read_on()
            await PlainTextResponse(str(error), 429)(scope, receive, send)
            return
        has_begun = False

        async def answer(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            if message["type"] == "http.response.start" and body.is_refused:
                message["status"] = 429
            await send(message)

        refusal = None
        with self._running():
            try:
                await self.app(scope, body.receive, answer)
            except OSError as error:
                self._has_leftovers = True
                if has_begun:
                    raise
                log.error("An upload could not be stored: %s", error.strerror or error)
                await body.read_on()
                is_full = error.errno in FULL
                refusal = PlainTextResponse(
                    NO_ROOM if is_full else NOT_STORED, 507 if is_full else 503
                )
        if refusal is not None:  # only now: the half of a file is gone when the answer is there
            await refusal(scope, receive, send)

    @contextlib.contextmanager
    def _running(self) -> Iterator[None]:
        """Delete the unfinished files of a failure as soon as no upload runs that may own them."""
        if not self._num_running:
            self._since = time.time() - 1  # clocks of files are coarse
        self._num_running += 1
        try:
            yield
        finally:
            self._num_running -= 1
            if self._has_leftovers and not self._num_running:
                self._has_leftovers = False
                _remove_unfinished(self._since)


def _remove_unfinished(since: float) -> None:
    """Delete what Gradio wrote under a temporary name since a moment."""
    for file in Path(get_upload_folder()).glob("tmp*"):
        with contextlib.suppress(OSError):
            if file.is_file() and file.stat().st_mtime >= since:
                file.unlink()


class _Body:
    """The body of an upload on its way to Gradio, counted."""

    def __init__(self, scope: Scope, receive: Receive, visitors: Visitors) -> None:
        client = scope.get("client")
        self.is_refused = False
        self._receive = receive
        self._visitors = visitors
        self._visitor = visitors.name(client[0] if client else None)
        self._has_more = True
        options = parse_options_header(Headers(scope=scope).get("content-type", ""))[1]
        self._mark = b"--" + options.get(b"boundary", b"")
        """What stands before each file, and after the last one."""
        self._num_marks = 0
        self._end = b""

    def count(self, *, num_files: int = 0, num_bytes: int = 0) -> None:
        self._visitors.count_upload(self._visitor, num_files=num_files, num_bytes=num_bytes)

    async def receive(self) -> Message:
        """Return the next part of the body, for Gradio.

        Raises:
            MultiPartException: The visitor has sent too much, or is gone. It is the one error for
                which Gradio deletes what it has written; its text becomes the answer.
        """
        message = await self._next()
        if message["type"] == "http.disconnect":
            raise MultiPartException("The upload was broken off.")
        data = message.get("body", b"")
        num_before = self._num_marks
        self._num_marks += (self._end + data).count(self._mark)
        self._end = (self._end + data)[1 - len(self._mark) :]
        # The first two marks enclose the file that was counted at the beginning.
        num_files = max(self._num_marks, 2) - max(num_before, 2)
        try:
            self.count(num_files=num_files, num_bytes=len(data))
        except LimitError as error:
            self.is_refused = True
            await self.read_on()
            raise MultiPartException(str(error)) from error
        return message

    async def read_on(self) -> None:
        """Read what is still coming, and drop it."""
        num_bytes = 0
        while self._has_more and num_bytes < READ_BYTES:
            num_bytes += len((await self._next()).get("body", b""))

    async def _next(self) -> Message:
        message = await self._receive()
        self._has_more = bool(message.get("more_body", False))
        return message
