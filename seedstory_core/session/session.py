"""A story in use: its tree, its memory and its lock.

For a turn, the session looks up the path in the tree and its segments in the memory, runs the turn
on the engine and commits the result: first to disk, then to the tree, then to memory. A turn that
fails or is cancelled leaves the story as it was.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import threading
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PIL import Image

from seedstory_core.engine import (
    Draft,
    ImagePreview,
    PanelRecord,
    Past,
    TextDelta,
    TurnRequest,
    TurnResult,
)
from seedstory_core.errors import (
    NO_BEGINNING,
    NOTHING_TO_READ,
    STILL_WORKING,
    BusyError,
    InputError,
    StoryChangedError,
    TurnCancelled,
)
from seedstory_core.generation.memory import MemoryPool, StoryMemory
from seedstory_core.generation.policies import POLICIES, MemoryPolicy, policy_from
from seedstory_core.session.prefetch import Prefetch
from seedstory_core.story.archive import StoryArchive
from seedstory_core.story.tree import Panel, StoryTree

if TYPE_CHECKING:
    from seedstory_core.engine import StoryEngine
    from seedstory_core.engine.handle import EngineHandle


@dataclass(frozen=True)
class PanelAdded:
    """A panel was committed: it is on disk, in the tree and in memory."""

    panel: Panel
    image: Image.Image


@dataclass(frozen=True)
class Replaying:
    """The model has read `done` of `total` earlier panels that memory lacked."""

    done: int
    total: int


SessionEvent = TextDelta | ImagePreview | Replaying | PanelAdded


class StorySession:
    """One story in use. Every public method may be called from any thread."""

    def __init__(
        self,
        engine: EngineHandle,
        archive: StoryArchive,
        story_id: str,
        tree: StoryTree,
        *,
        settings: Mapping[str, Any] | None = None,
        warnings: tuple[str, ...] = (),
        pool: MemoryPool | None = None,
    ) -> None:
        """Create the session of a stored story; `SessionStore` does it."""
        self._handle = engine
        self.archive = archive
        self.story_id = story_id
        self.tree = tree
        self.warnings = warnings
        self.memory = StoryMemory(engine.config.runtime.memory_budget_bytes, pool)
        self._settings = dict(settings or {})
        self.last_used = time.monotonic()
        self.is_stale = False
        self._lock = threading.Lock()
        self._title_lock = threading.Lock()
        self._cancel: threading.Event | None = None
        self._prefetch = Prefetch()

    @property
    def engine(self) -> StoryEngine:
        """The engine; waits until it is built."""
        return self._handle.get()

    @property
    def is_busy(self) -> bool:
        """Whether a turn or another change is running."""
        return self._lock.locked()

    def turn(self, parent: str | None, request: TurnRequest) -> Iterator[SessionEvent]:
        """Make the next panel after `parent` (None for an opening of the story).

        Yields:
            Events as they happen; the last one is `PanelAdded`.

        Raises:
            InputError: An opening has neither text nor image, or the text cannot be used.
            BusyError: This story is already working on a turn.
            StoryNotFoundError: The story has no panel `parent`.
            TurnCancelled: `cancel` was called; the story is as it was.
            StorageError: The panel could not be saved; the story is as it was.
            StoryChangedError: Another server has continued the story; open it again.
        """
        with self._working(claims_prefetch=True) as cancel:
            if parent is None and not (request.reader_text or request.reader_image):
                raise InputError(NO_BEGINNING)
            request, path = self._unlike_siblings(parent, request), self._path(parent)
            with self._prefetch.claim(parent, request, self._policy_on(path)) as draft:
                past = yield from self._replay(path, cancel)
                for event in self.engine.turn(past, request, cancel, draft=draft):
                    if not isinstance(event, TurnResult):
                        yield event
                        continue
                    panel = self._make_panel(parent, request, event, past)
                    yield self._commit(panel, event.image, event.past, cancel)

    def alternatives(
        self, parent: str | None, requests: Sequence[TurnRequest]
    ) -> Iterator[tuple[int, SessionEvent]]:
        """Make several alternatives for the next panel after `parent`, as siblings.

        They are decoded as one batch over the same past. All are committed or none.

        Args:
            parent: As for `turn`.
            requests: One per panel; they should differ at least in their seeds.

        Yields:
            Events, each with the number of its request; at the end a `PanelAdded` for each panel.

        Raises:
            As `turn`.
        """
        with self._working() as cancel:
            if parent is None and not all(r.reader_text or r.reader_image for r in requests):
                raise InputError(NO_BEGINNING)
            requests = [self._unlike_siblings(parent, request) for request in requests]
            past = yield from self._numbered(0, self._replay(self._path(parent), cancel))
            results: dict[int, TurnResult] = {}
            for number, event in self.engine.alternatives(past, requests, cancel):
                if isinstance(event, TurnResult):
                    results[number] = event
                else:
                    yield number, event
            added: list[PanelAdded] = []
            try:
                for number, result in sorted(results.items()):
                    panel = self._make_panel(parent, requests[number], result, past)
                    added.append(self._commit(panel, result.image, result.past, cancel))
            except BaseException:
                for one in reversed(added):
                    self._take_out(one.panel.id)
                raise
            yield from enumerate(added)

    def prefetch(self, parent: str, request: TurnRequest) -> threading.Thread:
        """Replay the path to `parent`, then write the panel after it in the background.

        A `turn` with an equal request and an open seed then only draws it. Any other use of the
        story drops the draft, which is never in the tree.

        Returns:
            The thread that writes.

        Raises:
            BusyError: This story is working on a turn.
            StoryNotFoundError: The story has no panel `parent`.
        """
        with self._working() as cancel:
            past = _last(self._replay(self._path(parent), cancel))
            request = self._unlike_siblings(parent, request)

        def write(stop: threading.Event) -> Draft:
            draft = self.engine.make_draft(past, request, stop)
            # The memory counts and drops the context like any other; the draft keeps the segment.
            self.memory.keep_context(draft.past.context)
            return dataclasses.replace(draft, past=dataclasses.replace(draft.past, context=None))

        return self._prefetch.begin(parent, request, past.policy, write)

    def _unlike_siblings(self, parent: str | None, request: TurnRequest) -> TurnRequest:
        """Make a request differ from the panels that follow the same parent already.

        A request with a chosen seed asks for exactly that seed's text and is returned unchanged.
        """
        if not (request.any_seed and request.complete_text):
            return request
        siblings = self.tree.children(parent)
        unlike = tuple(panel.text for panel in siblings if panel.text)
        return dataclasses.replace(request, unlike=unlike)

    def rewrite(self, panel_id: str, text: str) -> Iterator[SessionEvent]:
        """Add a sibling of a panel with another text and the same image.

        The model only reads the new panel's segment.

        Raises:
            InputError: The text is empty, unchanged or unkind.
            Otherwise as `turn`.
        """
        with self._working() as cancel:
            panel = self.tree.panel(panel_id)
            if not text.strip():
                raise InputError(NOTHING_TO_READ)
            if text == panel.text:
                raise InputError("The page has these words already. Change them first.")
            self.engine.check_kind(text)
            record = PanelRecord(
                tuple(self.engine.encode_text(text)), self._record(panel, cancel).visual_features
            )
            yield from self._add_sibling(
                panel,
                record,
                self.image(panel_id),
                cancel,
                text=text,
                reader_text=text,
                hint="",
                is_end=self.engine.is_end(text),
            )

    def replace_image(
        self, panel_id: str, image: Image.Image, notes: tuple[str, ...] = ()
    ) -> Iterator[SessionEvent]:
        """Add a sibling of a panel with the same text and the reader's own image.

        The model only encodes the image and reads the new panel's segment.

        Raises:
            As `turn`.
        """
        with self._working() as cancel:
            panel = self.tree.panel(panel_id)
            features = self.engine.encode_image(image, cancel)
            record = dataclasses.replace(self._record(panel, cancel), visual_features=features)
            yield from self._add_sibling(
                panel, record, image, cancel, image_source="reader", notes=notes
            )

    def redraw(self, panel_id: str, request: TurnRequest) -> Iterator[SessionEvent]:
        """Draw a panel's image again with the request's image seed.

        The model reads visual features, not pixels, so neither memory nor later panels change.

        Raises:
            InputError: The image is the reader's own.
            Otherwise as `turn`.
        """
        with self._working() as cancel:
            panel = self.tree.panel(panel_id)
            if panel.image_source == "reader":
                raise InputError(
                    "This picture is your own, so it cannot be redrawn. "
                    "Write the next page, or begin a branch before this one."
                )
            image = None
            for event in self.engine.redraw(self._record(panel, cancel), request, cancel):
                image = event.image or image
                yield event
            assert image is not None
            _check(cancel)
            changed = dataclasses.replace(
                panel,
                image_seed=request.image_seed,
                settings={**panel.settings, **self._drawing_settings(request)},
            )
            changed = self.archive.replace(self.story_id, changed, image)
            self.tree.replace(changed)
            yield PanelAdded(changed, image)

    def cancel(self) -> bool:
        """Stop the running turn, and return whether there was one."""
        cancel = self._cancel
        if cancel is None:
            return False
        cancel.set()
        return True

    def remove_branch(self, panel_id: str) -> None:
        """Remove a panel and everything after it from the story.

        Raises:
            BusyError: This story is working on a turn.
            StoryNotFoundError: There is no such panel.
            StorageError: Nothing was removed.
        """
        with self._working():
            self._take_out(panel_id)

    def _take_out(self, panel_id: str) -> None:
        panels = self.tree.branch(panel_id)
        self.archive.remove_branch(self.story_id, panels)
        self.tree.remove_branch(panel_id)
        self.memory.drop([panel.id for panel in panels])

    def rename(self, title: str) -> None:
        """Set the story's title; '' stands for the story's first words."""
        with self._title_lock:  # not the story's lock: a turn may be running
            self.archive.set_title(self.story_id, title)
            self.tree.title = title

    def image(self, panel_id: str) -> Image.Image:
        """Load a panel's image."""
        return self.archive.image(self.story_id, self.tree.panel(panel_id))

    def warm(self, panel_id: str) -> int:
        """Prepare to continue after a panel, and return the number of panels that were replayed."""
        with self._working() as cancel:
            path = self._path(panel_id)
            missing = sum(segment is None for segment in self.memory.find([p.id for p in path]))
            past = _last(self._replay(path, cancel))
            self.memory.keep_context(self.engine.prepare(past))
            return missing

    def rest(self, *, pack: bool = False) -> None:
        """Reduce the memory of a story that nobody uses; a busy one stays as it is.

        Args:
            pack: As for `StoryMemory.rest`.
        """
        if not self._lock.acquire(blocking=False):
            return
        try:
            self._prefetch.drop()
            rest = functools.partial(self.memory.rest, pack=pack)
            if pack:
                self.engine.run(rest)  # packing computes, so it runs on the scheduler's thread
            else:
                rest()
        finally:
            self._lock.release()

    @property
    def policy(self) -> MemoryPolicy:
        """The story's memory policy; the configured one unless its reader chose another."""
        return policy_from(self._settings.get("memory"), self._handle.policy)

    @property
    def pinned(self) -> frozenset[str]:
        """Ids of the panels that are never evicted."""
        pinned = self._settings.get("pinned")
        names = pinned if isinstance(pinned, list) else ()
        return frozenset(name for name in names if name in self.tree)

    def set_policy(self, policy: str, **counts: Any) -> None:
        """Set the memory policy for the panels from now on; earlier ones stay as they are.

        Args:
            policy: Name of a memory policy in `generation/policies.py`.
            counts: Further fields of `MemoryConfig` that differ from the configured ones.

        Raises:
            InputError: The policy or a count is impossible, or the pinned panels do not fit.
        """
        try:
            changed = dataclasses.replace(self._handle.policy, policy=policy, **counts)
        except (TypeError, ValueError) as error:
            raise InputError(f"This memory setting is impossible: {error}") from error
        self._check_pinned(self.pinned, changed)
        self._save_settings(memory=dataclasses.asdict(changed))

    def pin(self, panel_id: str, is_pinned: bool = True) -> None:
        """Pin a panel, so that it is never evicted, or unpin it.

        Raises:
            InputError: The pinned panels would take more than half of `max_rows`.
            StoryNotFoundError: There is no such panel.
        """
        self.tree.panel(panel_id)
        pinned = self.pinned | {panel_id} if is_pinned else self.pinned - {panel_id}
        if is_pinned:
            self._check_pinned(pinned, self.policy)
        self._save_settings(pinned=sorted(pinned))

    def _check_pinned(self, pinned: frozenset[str], policy: MemoryPolicy) -> None:
        if not POLICIES[policy.policy].is_capped:
            return
        rows = sum(self.engine.num_rows(p.token_ids, p.hint) for p in self.tree if p.id in pinned)
        if rows > policy.max_rows // 2:
            raise InputError(
                f"The pages that are never forgotten take {rows} of the {policy.max_rows} rows "
                "that the storyteller keeps in view, and half of the rows must stay free. Let one "
                "go first."
            )

    def _save_settings(self, **changes: Any) -> None:
        with self._title_lock:
            settings = {**self._settings, **changes}
            self.archive.set_settings(self.story_id, settings)
            self._settings = settings

    @contextlib.contextmanager
    def _working(self, *, claims_prefetch: bool = False) -> Iterator[threading.Event]:
        if not self._lock.acquire(blocking=False):
            raise BusyError(STILL_WORKING)
        cancel = threading.Event()
        self._cancel = cancel
        try:
            if not claims_prefetch:
                self._prefetch.drop()
            # Once the prefetch is dropped or claimed, no other thread uses the context.
            yield cancel
        except StoryChangedError:
            self.is_stale = True
            raise
        finally:
            self._cancel = None
            self.last_used = time.monotonic()
            self._lock.release()

    @staticmethod
    def _numbered(
        number: int, events: Generator[Replaying, None, Past]
    ) -> Generator[tuple[int, SessionEvent], None, Past]:
        while True:
            try:
                yield number, next(events)
            except StopIteration as done:
                return done.value

    def _path(self, panel_id: str | None) -> tuple[Panel, ...]:
        return self.tree.path(panel_id) if panel_id is not None else ()

    def _replay(
        self, path: tuple[Panel, ...], cancel: threading.Event
    ) -> Generator[Replaying, None, Past]:
        """Return a path as the story so far; read again the panels that memory lacks.

        Each is read under the memory policy with which it was made, so that the result does not
        depend on what memory lacked.
        """
        ids = [panel.id for panel in path]
        find = functools.partial(self.memory.find, ids)
        found = self.engine.run(find) if self.memory.is_packed else find()
        missing = sum(segment is None for segment in found)
        past, done = Past(context=self.memory.context), 0
        for index, (panel, segment) in enumerate(zip(path, found, strict=True)):
            _check(cancel)
            if segment is None:
                policy = policy_from(panel.settings.get("memory"), self._policy_on(path[:index]))
                past = self.engine.read(
                    dataclasses.replace(past, policy=policy), self._record(panel, cancel), cancel
                )
                self.memory.keep(panel.id, past.segments[-1])
                done += 1
                yield Replaying(done, missing)
            else:
                past = dataclasses.replace(past, segments=(*past.segments, segment))
        story_ids = tuple(token for panel in path for token in panel.token_ids)
        return dataclasses.replace(past, story_ids=story_ids, policy=self._policy_on(path))

    def _policy_on(self, path: Sequence[Panel]) -> MemoryPolicy:
        pinned = tuple(index for index, panel in enumerate(path) if panel.id in self.pinned)
        return dataclasses.replace(self.policy, pinned_panels=pinned)

    def _add_sibling(
        self,
        panel: Panel,
        record: PanelRecord,
        image: Image.Image,
        cancel: threading.Event,
        **changes: Any,
    ) -> Iterator[SessionEvent]:
        """Add a sibling of a panel with another record."""
        past = yield from self._replay(self._path(panel.parent), cancel)
        policy = past.policy or self.engine.policy
        memory = {"memory": dataclasses.asdict(policy), "fingerprint": self.engine.fingerprint}
        told = dataclasses.replace(
            panel,
            id=self.tree.next_id(),
            author="reader",
            token_ids=record.token_ids,
            image_name=None,
            visual_features=record.visual_features.numpy(),
            settings={**panel.settings, **memory},
            created_at=time.time(),
            **changes,
        )
        past = self.engine.read(past, record, cancel)
        yield self._commit(told, image, past, cancel)

    def _record(self, panel: Panel, cancel: threading.Event) -> PanelRecord:
        """Return a panel as the model reads it; encode it again if other weights made it."""
        config = self.engine.config
        same_weights = panel.settings.get("fingerprint") == self.engine.fingerprint
        token_ids = panel.token_ids
        if not same_weights:
            token_ids = tuple(self.engine.read_ids(panel.text))
        features = panel.visual_features
        shape = (config.vision.n_queries, config.vision.output_dim)
        hint_ids = self.engine.hint_ids(panel.hint)
        if features is None or features.shape != shape or not same_weights:
            image = self.archive.image(self.story_id, panel)
            return PanelRecord(token_ids, self.engine.encode_image(image, cancel), hint_ids)
        import torch  # here, so that importing this module does not import torch

        return PanelRecord(token_ids, torch.from_numpy(features.copy()), hint_ids)

    def _drawing_settings(self, request: TurnRequest) -> dict[str, float]:
        """Return the settings that an image is drawn with, those from the config included."""
        config = self.engine.config.detokenizer
        steps, scale = request.num_inference_steps, request.guidance_scale
        return {
            "num_inference_steps": config.num_inference_steps if steps is None else steps,
            "guidance_scale": config.guidance_scale if scale is None else scale,
        }

    def _make_panel(
        self, parent: str | None, request: TurnRequest, result: TurnResult, past: Past
    ) -> Panel:
        return Panel(
            id=self.tree.next_id(),
            parent=parent,
            text=result.text,
            reader_text=result.reader_text,
            hint=result.hint,
            author="reader" if result.reader_text or request.reader_image else "model",
            token_ids=result.record.token_ids,
            image_source="reader" if request.reader_image is not None else "model",
            visual_features=result.record.visual_features.numpy(),
            seed=result.sampling.seed,
            image_seed=request.image_seed,
            settings={
                **dataclasses.asdict(result.sampling),
                **self._drawing_settings(request),
                "memory": dataclasses.asdict(past.policy or self.engine.policy),
                "fingerprint": self.engine.fingerprint,
            },
            is_end=result.is_end,
            notes=result.notes,
            created_at=time.time(),
        )

    def _commit(
        self, panel: Panel, image: Image.Image, past: Past, cancel: threading.Event
    ) -> PanelAdded:
        """Commit a finished panel: to disk, to the tree, to memory."""
        _check(cancel)
        panel = self.archive.append(self.story_id, panel, image)
        self.tree.add(panel)
        self.memory.keep(panel.id, past.segments[-1])
        if past.context is not None:
            self.memory.keep_context(past.context)
        return PanelAdded(panel, image)


def _last(replaying: Generator[Replaying, None, Past]) -> Past:
    """Run a generator to its end and return its result."""
    while True:
        try:
            next(replaying)
        except StopIteration as done:
            return done.value


def _check(cancel: threading.Event) -> None:
    if cancel.is_set():
        raise TurnCancelled
