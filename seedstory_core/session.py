"""A reader's story between turns: its tree, its memory, its lock.

The session is where the pieces meet: it looks up the path in the tree and its segments in the
memory, lets the engine take a turn, and keeps the result, first on disk, then in the tree, then in
memory. A turn that fails or is cancelled leaves all three as they were.
"""

from __future__ import annotations

import contextlib
import dataclasses
import secrets
import threading
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass

import torch
from PIL import Image

from seedstory_core.engine import (
    ImagePreview,
    PanelRecord,
    StoryEngine,
    TextDelta,
    TurnRequest,
    TurnResult,
)
from seedstory_core.errors import (
    BusyError,
    InputError,
    StorageError,
    StoryChangedError,
    TurnCancelled,
)
from seedstory_core.generation.kv import KVSegment
from seedstory_core.generation.memory import StoryMemory
from seedstory_core.story.archive import StoryArchive
from seedstory_core.story.tree import Panel, StoryTree


@dataclass(frozen=True)
class PanelAdded:
    """A panel is in the story, saved and remembered."""

    panel: Panel
    image: Image.Image


@dataclass(frozen=True)
class Remembering:
    """The model reads earlier panels again before the turn: `done` of `total`."""

    done: int
    total: int


SessionEvent = TextDelta | ImagePreview | Remembering | PanelAdded


class StorySession:
    """One story in use. Every public method may be called from any thread."""

    def __init__(
        self,
        engine: StoryEngine,
        archive: StoryArchive,
        story_id: str,
        tree: StoryTree,
        *,
        warnings: tuple[str, ...] = (),
    ) -> None:
        """Bring a stored story together with the engine; `SessionStore` does it."""
        self.engine = engine
        self.archive = archive
        self.story_id = story_id
        self.tree = tree
        self.warnings = warnings
        self.memory = StoryMemory(engine.config.runtime.memory_budget_bytes)
        self.last_used = time.monotonic()
        self.is_stale = False
        self._lock = threading.Lock()
        self._title_lock = threading.Lock()
        self._cancel: threading.Event | None = None

    @property
    def is_busy(self) -> bool:
        """Whether a turn is running."""
        return self._lock.locked()

    def turn(self, parent: str | None, request: TurnRequest) -> Iterator[SessionEvent]:
        """Tell the next panel after `parent` (None begins the story, or another opening of it).

        Yields:
            Events as they happen; the last one is `PanelAdded`.

        Raises:
            BusyError: This story is already working on a turn.
            StoryNotFoundError: There is no such panel.
            TurnCancelled: `cancel` was called; the story is as it was.
            StorageError: The panel could not be saved; the story is as it was.
            StoryChangedError: Another server went on with the story; open it again.
        """
        with self._working() as cancel:
            path = self.tree.path(parent) if parent is not None else ()
            if parent is None and not (request.reader_text or request.reader_image):
                raise InputError("A story begins with a sentence or a picture. Give one of them.")
            segments = yield from self._remember(path, cancel)
            story_ids = [token for panel in path for token in panel.token_ids]
            for event in self.engine.turn(segments, story_ids, request, cancel):
                if not isinstance(event, TurnResult):
                    yield event
                    continue
                if cancel.is_set():
                    raise TurnCancelled
                panel = self._keep(parent, request, event)
                yield PanelAdded(panel, event.image)

    def redraw(self, panel_id: str, request: TurnRequest) -> Iterator[SessionEvent]:
        """Draw a panel's picture anew with the request's image seed.

        The model remembers features, not pixels, so neither its memory nor later panels change.

        Raises:
            InputError: The picture is the reader's own.
            Otherwise as `turn`.
        """
        with self._working() as cancel:
            panel = self.tree.panel(panel_id)
            if panel.image_source == "reader":
                raise InputError(
                    "This picture is your own, so it cannot be redrawn. "
                    "Write the next panel, or begin a branch before it."
                )
            image = None
            for event in self.engine.redraw(self._record(panel, cancel), request, cancel):
                image = event.image or image
                yield event
            assert image is not None
            if cancel.is_set():
                raise TurnCancelled
            changed = dataclasses.replace(
                panel,
                image_seed=request.image_seed,
                settings={**panel.settings, **self._drawing_settings(request)},
            )
            changed = self.archive.replace(self.story_id, changed, image)
            self.tree.replace(changed)
            yield PanelAdded(changed, image)

    def cancel(self) -> bool:
        """Stop the running turn, if there is one; True if there was."""
        cancel = self._cancel
        if cancel is None:
            return False
        cancel.set()
        return True

    def remove_branch(self, panel_id: str) -> None:
        """Take a panel and everything after it out of the story."""
        with self._working():
            panels = self.tree.branch(panel_id)
            self.archive.remove_branch(self.story_id, panels)
            self.tree.remove_branch(panel_id)
            self.memory.drop([panel.id for panel in panels])

    def rename(self, title: str) -> None:
        """Give the story a title; an empty one goes back to its first words."""
        with self._title_lock:  # a turn may go on meanwhile
            self.archive.set_title(self.story_id, title)
            self.tree.title = title

    def image(self, panel_id: str) -> Image.Image:
        """Load a panel's picture."""
        return self.archive.image(self.story_id, self.tree.panel(panel_id))

    def warm(self, panel_id: str) -> int:
        """Read the path of a panel into memory beforehand; returns how many panels were read."""
        with self._working() as cancel:
            path = self.tree.path(panel_id)
            missing = sum(segment is None for segment in self.memory.find([p.id for p in path]))
            for _ in self._remember(path, cancel):
                pass
            return missing

    @contextlib.contextmanager
    def _working(self) -> Iterator[threading.Event]:
        if not self._lock.acquire(blocking=False):
            raise BusyError("This story is still working on a panel. Wait for it, or stop it.")
        cancel = threading.Event()
        self._cancel = cancel
        try:
            yield cancel
        except StoryChangedError:
            self.is_stale = True
            raise
        finally:
            self._cancel = None
            self.last_used = time.monotonic()
            self._lock.release()

    def _remember(
        self, path: tuple[Panel, ...], cancel: threading.Event
    ) -> Generator[Remembering, None, list[KVSegment]]:
        """Give the path's segments, reading again those that memory lost (a generator's return)."""
        segments: list[KVSegment] = []
        found = self.memory.find([panel.id for panel in path])
        missing = sum(segment is None for segment in found)
        done = 0
        for panel, segment in zip(path, found, strict=True):
            if cancel.is_set():
                raise TurnCancelled
            if segment is None:
                segment = self.engine.read(segments, self._record(panel, cancel), cancel)
                self.memory.keep(panel.id, segment)
                done += 1
                yield Remembering(done, missing)
            segments.append(segment)
        return segments

    def _record(self, panel: Panel, cancel: threading.Event) -> PanelRecord:
        """What the model reads of a panel; one told by other weights is encoded anew."""
        config = self.engine.config
        same_weights = panel.settings.get("fingerprint") == self.engine.fingerprint
        token_ids = panel.token_ids
        if not same_weights:
            token_ids = tuple(self.engine.tokenizer.encode_text(panel.text)) if panel.text else ()
        features = panel.visual_features
        shape = (config.vision.n_queries, config.vision.output_dim)
        if features is None or features.shape != shape or not same_weights:
            image = self.archive.image(self.story_id, panel)
            return PanelRecord(token_ids, self.engine.encode_image(image, cancel))
        return PanelRecord(token_ids, torch.from_numpy(features.copy()))

    def _drawing_settings(self, request: TurnRequest) -> dict[str, float]:
        """The numbers a picture is drawn with, those the config gives included."""
        config = self.engine.config.detokenizer
        steps, scale = request.num_inference_steps, request.guidance_scale
        return {
            "num_inference_steps": config.num_inference_steps if steps is None else steps,
            "guidance_scale": config.guidance_scale if scale is None else scale,
        }

    def _keep(self, parent: str | None, request: TurnRequest, result: TurnResult) -> Panel:
        panel = Panel(
            id=self.tree.next_id(),
            parent=parent,
            text=result.text,
            reader_text=result.reader_text,
            author="reader" if result.reader_text or request.reader_image else "model",
            token_ids=result.record.token_ids,
            image_source="reader" if request.reader_image is not None else "model",
            visual_features=result.record.visual_features.numpy(),
            seed=request.sampling.seed,
            image_seed=request.image_seed,
            settings={
                **dataclasses.asdict(request.sampling),
                **self._drawing_settings(request),
                "policy": self.engine.rule.policy,
                "fingerprint": self.engine.fingerprint,
            },
            is_end=result.is_end,
            notes=result.notes,
            created_at=time.time(),
        )
        panel = self.archive.append(self.story_id, panel, result.image)
        self.tree.add(panel)
        self.memory.keep(panel.id, result.segment)
        return panel


class SessionStore:
    """Stories in use, by id. Idle ones are closed; they stay on disk and open again."""

    def __init__(self, engine: StoryEngine, archive: StoryArchive) -> None:
        """Serve stories from an archive with one engine."""
        self.engine = engine
        self.archive = archive
        self._sessions: dict[str, StorySession] = {}
        self._lock = threading.Lock()

    def create(self, title: str = "") -> StorySession:
        """Begin an empty story with a folder of its own."""
        header = self.archive.create(title, self.engine.fingerprint)
        session = StorySession(self.engine, self.archive, header.id, StoryTree(title=title))
        return self._register(session)

    def open(self, story_id: str) -> StorySession:
        """Give the story with this id, from memory or from its folder.

        Raises:
            StoryNotFoundError: There is none.
            StorageError: It cannot be read.
        """
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
                    self.engine,
                    self.archive,
                    story_id,
                    stored.tree,
                    warnings=tuple(stored.warnings),
                )
            )
        return session

    def discard(self, story_id: str) -> None:
        """Take back a story that never got its first panel.

        Raises:
            StorageError: Its folder could not be moved away.
        """
        with self._lock:
            self._sessions.pop(story_id, None)
        self.archive.delete(story_id)

    def __len__(self) -> int:
        return len(self._sessions)

    def close_idle(self) -> int:
        """Close stories unused for the configured time, and the oldest beyond the limit."""
        runtime = self.engine.config.runtime
        now = time.monotonic()
        closed = 0
        with self._lock:
            by_use = sorted(self._sessions.values(), key=lambda session: session.last_used)
            excess = len(by_use) - runtime.max_sessions
            for index, session in enumerate(by_use):
                is_idle = now - session.last_used > runtime.session_timeout_seconds
                if (is_idle or index < excess) and not session.is_busy:
                    del self._sessions[session.story_id]
                    closed += 1
        return closed

    def _register(self, session: StorySession) -> StorySession:
        with self._lock:
            session = self._sessions.setdefault(session.story_id, session)
        self.close_idle()
        return session


def new_seed() -> int:
    """A fresh random seed, small enough to read out."""
    return secrets.randbelow(2**31)


__all__ = [
    "ImagePreview",
    "PanelAdded",
    "Remembering",
    "SessionEvent",
    "SessionStore",
    "StorageError",
    "StorySession",
    "TextDelta",
    "new_seed",
]
