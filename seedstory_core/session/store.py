"""Sessions by story id: opened from the archive, put to rest, closed."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

from seedstory_core.engine.handle import EngineHandle
from seedstory_core.errors import StoryNotFoundError
from seedstory_core.generation.memory import MemoryPool
from seedstory_core.session.session import StorySession
from seedstory_core.story.archive import NO_SUCH_STORY, StoryArchive
from seedstory_core.story.tree import StoryTree

if TYPE_CHECKING:
    from seedstory_core.engine import StoryEngine

log = logging.getLogger(__name__)


class SessionStore:
    """Sessions by story id. Idle ones are closed; their stories stay on disk and open again."""

    def __init__(self, engine: StoryEngine | EngineHandle, archive: StoryArchive) -> None:
        """Create a store for an archive and one engine, which may still be loading."""
        self.handle = engine if isinstance(engine, EngineHandle) else EngineHandle.of(engine)
        self.config = self.handle.config
        self.archive = archive
        self.pool = MemoryPool(self.config.runtime.memory_pool_bytes)
        self._sessions: dict[str, StorySession] = {}
        self._lock = threading.Lock()

    @property
    def engine(self) -> StoryEngine:
        """The engine; waits until it is built."""
        return self.handle.get()

    def create(self, title: str = "") -> StorySession:
        """Create an empty story with its own folder; waits until the engine is built.

        Raises:
            StorageError: The folder could not be created.
        """
        header = self.archive.create(title, self.engine.fingerprint)
        tree = StoryTree(title=title)
        return self._register(
            StorySession(self.handle, self.archive, header.id, tree, pool=self.pool)
        )

    def open(self, story_id: str) -> StorySession:
        """Return the story's session; without one, read the story from its folder.

        Raises:
            StoryNotFoundError: There is no such story.
            StorageError: The story cannot be read.
        """
        if not isinstance(story_id, str):
            raise StoryNotFoundError(NO_SUCH_STORY)
        with self._lock:
            session = self._sessions.get(story_id)
            if session is not None and session.is_stale:
                del self._sessions[story_id]
                session = None
            if session is not None:
                session.last_used = time.monotonic()
        if session is None:
            stored = self.archive.load(story_id)
            session = self._register(
                StorySession(
                    self.handle,
                    self.archive,
                    story_id,
                    stored.tree,
                    settings=stored.header.settings,
                    warnings=tuple(stored.warnings),
                    pool=self.pool,
                )
            )
        return session

    def discard(self, story_id: str) -> None:
        """Close and delete a story; one that has a panel can be restored from the archive.

        Raises:
            StoryNotFoundError: There is no such story.
            StorageError: Its folder could not be deleted.
        """
        with self._lock:
            self._sessions.pop(story_id, None)
        self.archive.delete(story_id)

    def __len__(self) -> int:
        return len(self._sessions)

    def close_idle(self) -> int:
        """Close sessions that are idle, and the least recently used beyond `max_sessions`.

        Sessions unused for `rest_seconds` reduce their memory.

        Returns:
            The number of closed sessions.
        """
        runtime = self.config.runtime
        now = time.monotonic()
        closed, unused = 0, []
        with self._lock:
            by_use = sorted(self._sessions.values(), key=lambda session: session.last_used)
            excess = len(by_use) - runtime.max_sessions
            for index, session in enumerate(by_use):
                is_idle = now - session.last_used > runtime.session_timeout_seconds
                if session.is_busy:
                    continue
                if is_idle or index < excess:
                    del self._sessions[session.story_id]
                    closed += 1
                elif now - session.last_used > runtime.rest_seconds:
                    unused.append(session)
        for session in unused:  # without the lock: other stories are opened meanwhile
            try:
                session.rest(pack=runtime.pack_at_rest)
            except Exception:
                # Whoever opens another story just now has nothing to do with it.
                log.exception("The memory of an unused story was not reduced.")
        return closed

    def _register(self, session: StorySession) -> StorySession:
        with self._lock:
            session = self._sessions.setdefault(session.story_id, session)
        self.close_idle()
        return session
