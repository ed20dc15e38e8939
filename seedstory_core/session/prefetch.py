"""The panel that is written before anybody asks for it, while the one before is looked at."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import threading
from collections.abc import Callable, Iterator

from seedstory_core.engine import Draft, TurnRequest
from seedstory_core.errors import TurnCancelled
from seedstory_core.generation.policies import MemoryPolicy

log = logging.getLogger(__name__)


class Prefetch:
    """At most one draft of the next panel; whoever works with the story claims or drops it."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._writing: _Writing | None = None

    def begin(
        self,
        parent: str,
        request: TurnRequest,
        policy: MemoryPolicy | None,
        write: Callable[[threading.Event], Draft],
    ) -> threading.Thread:
        """Write in a thread of its own.

        Args:
            parent: The panel that the draft follows.
            request: What it is written for.
            policy: What it was written in view of.
            write: Writes it, until the event is set.
        """
        self.drop()
        writing = _Writing(parent, request, policy)

        def run() -> None:
            try:
                writing.draft = write(writing.cancel)
            except TurnCancelled:
                pass
            except Exception:
                log.exception("A panel could not be prefetched.")

        writing.thread = threading.Thread(target=run, name="prefetch", daemon=True)
        self._writing = writing
        writing.thread.start()
        return writing.thread

    @property
    def draft(self) -> Draft | None:
        """What has been written, if it is finished."""
        return self._writing.draft if self._writing is not None else None

    @contextlib.contextmanager
    def claim(
        self, parent: str | None, request: TurnRequest, policy: MemoryPolicy
    ) -> Iterator[Draft | None]:
        """Give the draft if it is just what is asked for now, with any seed; that uses it up."""
        writing = self._writing
        self.drop()
        is_wanted = writing is not None and writing.fits(parent, request, policy)
        yield writing.draft if writing is not None and is_wanted else None

    def drop(self) -> None:
        """Throw it away; when this returns, nothing is being written any more."""
        writing, self._writing = self._writing, None
        if writing is not None:
            writing.stop()


@dataclasses.dataclass
class _Writing:
    """A draft on its way."""

    parent: str
    request: TurnRequest
    policy: MemoryPolicy | None
    draft: Draft | None = None
    cancel: threading.Event = dataclasses.field(default_factory=threading.Event)
    thread: threading.Thread | None = None

    def fits(self, parent: str | None, request: TurnRequest, policy: MemoryPolicy) -> bool:
        """Whether it is what somebody asks for who left the seed open and wrote nothing."""
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
        """End it, if it is still at it; when this returns, it touches nothing any more."""
        self.cancel.set()
        if self.thread is not None:
            self.thread.join()
