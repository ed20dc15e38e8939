"""Prefetch: the next panel is written while the reader looks at the current one."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import threading
from collections.abc import Callable, Iterator

from seedstory_core.engine import Draft, TurnRequest
from seedstory_core.errors import TurnCancelled
from seedstory_core.generation.policies import MemoryPolicy
from seedstory_core.session.room import is_out_of_memory

log = logging.getLogger(__name__)


class Prefetch:
    """At most one draft of the next panel; every later use of the story claims or drops it."""

    def __init__(self) -> None:
        """Create it without a draft."""
        self._writing: _Writing | None = None

    def begin(
        self,
        parent: str,
        request: TurnRequest,
        policy: MemoryPolicy | None,
        write: Callable[[threading.Event], Draft],
    ) -> threading.Thread:
        """Drop the current draft, and start a thread that writes a new one.

        Args:
            parent: The panel that the draft follows.
            request: The request that it answers.
            policy: The memory policy of its past.
            write: Writes and returns it; raises `TurnCancelled` once the event is set.

        Returns:
            The started thread.
        """
        self.drop()
        writing = _Writing(parent, request, policy)

        def run() -> None:
            try:
                writing.draft = write(writing.cancel)
            except TurnCancelled:
                pass
            except BaseException as error:
                if is_out_of_memory(error):
                    log.info("No panel is prefetched, as memory ran out.")
                else:
                    log.exception("A panel could not be prefetched.")

        writing.thread = threading.Thread(target=run, name="prefetch", daemon=True)
        writing.thread.start()
        self._writing = writing  # only now: a thread that never started cannot be joined
        return writing.thread

    @property
    def draft(self) -> Draft | None:
        """The draft, once it is finished."""
        return self._writing.draft if self._writing is not None else None

    @contextlib.contextmanager
    def claim(
        self, parent: str | None, request: TurnRequest, policy: MemoryPolicy
    ) -> Iterator[Draft | None]:
        """Yield the finished draft if it fits the request, else None; drop it in either case."""
        writing = self._writing
        self.drop()
        is_wanted = writing is not None and writing.fits(parent, request, policy)
        yield writing.draft if writing is not None and is_wanted else None

    def drop(self) -> None:
        """Drop the draft; when this returns, its thread has ended."""
        writing, self._writing = self._writing, None
        if writing is not None:
            writing.stop()


@dataclasses.dataclass
class _Writing:
    """A draft while it is written."""

    parent: str
    request: TurnRequest
    policy: MemoryPolicy | None
    draft: Draft | None = None
    cancel: threading.Event = dataclasses.field(default_factory=threading.Event)
    thread: threading.Thread | None = None

    def fits(self, parent: str | None, request: TurnRequest, policy: MemoryPolicy) -> bool:
        """Whether the draft answers a request, which must leave the seed open and have no text."""
        if not request.any_seed or request.reader_text or request.hint:
            return False
        asked = dataclasses.replace(request.sampling, seed=self.request.sampling.seed)
        return (
            self.parent == parent
            and request.reader_image is None
            and asked == self.request.sampling
            and request.unlike == self.request.unlike
            and self.policy == policy
        )

    def stop(self) -> None:
        """Stop writing; when this returns, the thread has ended."""
        self.cancel.set()
        if self.thread is not None:
            self.thread.join()
