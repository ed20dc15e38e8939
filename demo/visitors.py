"""Visitors of a public studio: who asks, and how much one of them has uploaded or is exporting.

A visitor is a network address, as uvicorn sees it: that of the connection, or the forwarded one if
the connection comes from a proxy that `FORWARDED_ALLOW_IPS` trusts. Turns are counted by the job
queue, which asks `Visitors.current` who submits one.
"""

from __future__ import annotations

import contextlib
import ipaddress
import math
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass

from gradio.context import LocalContext

from seedstory_core import LimitError, StudioConfig

WINDOW_SECONDS = 600
"""Time over which uploads are counted; it begins with a visitor's first upload."""
KEPT_VISITORS = 10_000
"""Visitors whose uploads are known; beyond that, those who began first are forgotten."""
NETWORK_BITS = 64
"""Bits of an IPv6 address that name a connection; the rest is chosen by whoever has it."""


@dataclass
class Uploaded:
    """What a visitor has uploaded since a moment of the monotonic clock."""

    since: float
    num_files: int = 0
    num_bytes: int = 0


class Visitors:
    """Counts what visitors do; every method may be called from any thread."""

    def __init__(self, config: StudioConfig, *, is_public: bool) -> None:
        """Count against the limits of a configuration, or not at all."""
        self.runtime = config.runtime
        self._is_public = is_public
        self._uploaded: OrderedDict[str, Uploaded] = OrderedDict()
        self._exporting: Counter[str] = Counter()
        self._lock = threading.Lock()

    def name(self, address: str | None) -> str:
        """Return the visitor with an address; '' if visitors are not limited.

        Connections without an address count as one visitor.
        """
        if not self._is_public:
            return ""
        try:
            found = ipaddress.ip_address(address or "")
        except ValueError:
            return "unknown"
        if isinstance(found, ipaddress.IPv6Address):
            if found.ipv4_mapped is None:
                return str(ipaddress.IPv6Network((int(found), NETWORK_BITS), strict=False))
            found = found.ipv4_mapped
        return str(found)

    def current(self) -> str:
        """Return the visitor whose event or call of an endpoint this thread answers.

        Gradio keeps there the request of the function that it calls, also for functions that wait
        in its queue.
        """
        request = LocalContext.request.get(None)
        return self.name(request.client.host if request and request.client else None)

    def count_upload(self, visitor: str, *, num_files: int = 0, num_bytes: int = 0) -> None:
        """Count what a visitor uploads.

        Raises:
            LimitError: It is more than one visitor may upload.
        """
        if not visitor:
            return
        most_files, most_bytes = self.runtime.visitor_uploads, self.runtime.visitor_upload_bytes
        now = time.monotonic()
        with self._lock:
            uploaded = self._uploaded.get(visitor)
            if uploaded is None or now - uploaded.since >= WINDOW_SECONDS:
                self._uploaded.pop(visitor, None)
                uploaded = self._uploaded[visitor] = Uploaded(now)
                while len(self._uploaded) > KEPT_VISITORS:
                    self._uploaded.popitem(last=False)
            uploaded.num_files += num_files
            uploaded.num_bytes += num_bytes
            is_too_much = uploaded.num_files > most_files or uploaded.num_bytes > most_bytes
            left = uploaded.since + WINDOW_SECONDS - now
        if is_too_much:
            raise LimitError(
                f"Within {WINDOW_SECONDS // 60} minutes this studio takes up to {most_files} files "
                f"and {most_bytes / 2**20:g} MB from one network address, and yours has sent as "
                f"much. Try again in {_minutes(left)}."
            )

    @contextlib.contextmanager
    def exporting(self, visitor: str) -> Iterator[None]:
        """Count an export of a visitor while it is made.

        Raises:
            LimitError: As many are being made for this visitor as one may have.
        """
        if not visitor:
            yield
            return
        most = self.runtime.visitor_exports
        with self._lock:
            if self._exporting[visitor] >= most:
                raise LimitError(
                    f"{most} downloads are already being made for your network address. Wait until "
                    "one has begun, then ask again."
                )
            self._exporting[visitor] += 1
        try:
            yield
        finally:
            with self._lock:
                self._exporting[visitor] -= 1
                if not self._exporting[visitor]:
                    del self._exporting[visitor]


def _minutes(seconds: float) -> str:
    number = max(1, math.ceil(seconds / 60))
    return "a minute" if number == 1 else f"{number} minutes"
