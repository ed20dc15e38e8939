"""A reader's story between turns: its tree, its memory, its lock.

The session is where the pieces meet: it looks up the path in the tree and its segments in the
memory, lets the engine take a turn, and keeps the result, first on disk, then in the tree, then in
memory. A turn that fails or is cancelled leaves all three as they were.
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
    SeedStoryError,
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
    """A panel is in the story, saved and remembered."""

    panel: Panel
    image: Image.Image


@dataclass(frozen=True)
class Replaying:
    """The model reads earlier panels again before the turn: `done` of `total`."""

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
        """Bring a stored story together with the engine; `SessionStore` does it."""
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
        """The models, after waiting for them."""
        return self._handle.get()

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
        """Tell several next panels after `parent` at once, as siblings.

        They are decoded as one batch over the same past. All are kept or none.

        Args:
            parent: As for `turn`.
            requests: One per panel; they should differ at least in their seeds.

        Yields:
            Events with the number of the request; at the end a `PanelAdded` for each.

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
            except SeedStoryError:
                for one in reversed(added):
                    self._take_out(one.panel.id)
                raise
            yield from enumerate(added)

    def prefetch(self, parent: str, request: TurnRequest) -> threading.Thread:
        """Begin to write the panel after `parent` before anybody asks for it; does not wait.

        The next `turn` that asks for just this, with any seed, only has to paint it. Whatever else
        is done with the story throws it away; it never was in the tree or in memory.

        Raises:
            BusyError: This story is working on a turn.
            StoryNotFoundError: There is no such panel.
        """
        with self._working() as cancel:
            past = _last(self._replay(self._path(parent), cancel))
            request = self._unlike_siblings(parent, request)

        def write(stop: threading.Event) -> Draft:
            draft = self.engine.make_draft(past, request, stop)
            # The context is counted and dropped like any other; the draft is its segment.
            self.memory.keep_context(draft.past.context)
            return dataclasses.replace(draft, past=dataclasses.replace(draft.past, context=None))

        return self._prefetch.begin(parent, request, past.policy, write)

    def _unlike_siblings(self, parent: str | None, request: TurnRequest) -> TurnRequest:
        """Let a panel tell another thing than those that follow the same panel already.

        A request for a certain seed wants just what that seed gives and is left as it is.
        """
        if not (request.any_seed and request.complete_text):
            return request
        siblings = self.tree.children(parent)
        unlike = tuple(panel.text for panel in siblings if panel.text)
        return dataclasses.replace(request, unlike=unlike)

    def rewrite(self, panel_id: str, text: str) -> Iterator[SessionEvent]:
        """Tell a panel with other words and the same picture.

        What is there stays: the new panel is a sibling. Only its own segment is read.

        Raises:
            InputError: There are no words, or those that stand there already.
            Otherwise as `turn`.
        """
        with self._working() as cancel:
            panel = self.tree.panel(panel_id)
            if not text.strip():
                raise InputError(NOTHING_TO_READ)
            if text == panel.text:
                raise InputError("These are the words that stand there already. Change them first.")
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

    def replace_picture(
        self, panel_id: str, image: Image.Image, notes: tuple[str, ...] = ()
    ) -> Iterator[SessionEvent]:
        """Tell a panel with the same words and the reader's own picture.

        What is there stays: the new panel is a sibling. Only its own picture is encoded, and only
        its own segment is read.

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
        """Stop the running turn, if there is one; True if there was."""
        cancel = self._cancel
        if cancel is None:
            return False
        cancel.set()
        return True

    def remove_branch(self, panel_id: str) -> None:
        """Take a panel and everything after it out of the story."""
        with self._working():
            self._take_out(panel_id)

    def _take_out(self, panel_id: str) -> None:
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
        """Make ready to go on after a panel; returns how many panels had to be read."""
        with self._working() as cancel:
            path = self._path(panel_id)
            missing = sum(segment is None for segment in self.memory.find([p.id for p in path]))
            past = _last(self._replay(path, cancel))
            self.memory.keep_context(self.engine.prepare(past))
            return missing

    def rest(self, *, pack: bool = False) -> None:
        """Make a story that nobody uses small; a busy one stays as it is.

        Args:
            pack: As for `StoryMemory.rest`.
        """
        if not self._lock.acquire(blocking=False):
            return
        try:
            self._prefetch.drop()
            rest = functools.partial(self.memory.rest, pack=pack)
            if pack:
                self.engine.run(rest)  # packing computes, and that is the scheduler's
            else:
                rest()
        finally:
            self._lock.release()

    @property
    def policy(self) -> MemoryPolicy:
        """How this story forgets; the configured way unless its reader chose another."""
        return policy_from(self._settings.get("memory"), self._handle.policy)

    @property
    def pinned(self) -> frozenset[str]:
        """Panels that are never forgotten."""
        pinned = self._settings.get("pinned")
        names = pinned if isinstance(pinned, list) else ()
        return frozenset(name for name in names if name in self.tree)

    def set_policy(self, policy: str, **counts: Any) -> None:
        """Choose how this story forgets from now on; what was told stays as it was told.

        Args:
            policy: One of `generation/policies.py`.
            counts: Other fields of `MemoryConfig`, where the configured ones do not fit.

        Raises:
            InputError: There is no such policy or count, or the pinned panels do not fit.
        """
        try:
            changed = dataclasses.replace(self._handle.policy, policy=policy, **counts)
        except (TypeError, ValueError) as error:
            raise InputError(f"The story cannot forget like this: {error}") from error
        self._check_pinned(self.pinned, changed)
        self._save_settings(memory=dataclasses.asdict(changed))

    def pin(self, panel_id: str, is_pinned: bool = True) -> None:
        """Never forget a panel, or let it go again.

        Raises:
            InputError: So many pinned panels would leave no room for the story itself.
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
                f"The pages that are never to be forgotten take {rows} of the {policy.max_rows} "
                "rows that this story may keep in view, and half of them must stay free. Let one "
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
            # From here on, or from the claim on, nobody else touches the working context.
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
        """Give what follows a path goes on from, reading again the panels that memory lost.

        Every panel is read under the policy that it was told under, so that nothing depends on what
        was lost.
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
        """What the model reads of a panel; one told by other weights is encoded anew."""
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
        import torch  # the engine has; the page that imports this module need not wait for it

        return PanelRecord(token_ids, torch.from_numpy(features.copy()), hint_ids)

    def _drawing_settings(self, request: TurnRequest) -> dict[str, float]:
        """The numbers a picture is drawn with, those the config gives included."""
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
        """Put a finished panel on disk, into the tree and into memory."""
        _check(cancel)
        panel = self.archive.append(self.story_id, panel, image)
        self.tree.add(panel)
        self.memory.keep(panel.id, past.segments[-1])
        if past.context is not None:
            self.memory.keep_context(past.context)
        return PanelAdded(panel, image)


def _last(replaying: Generator[Replaying, None, Past]) -> Past:
    """Run a generator for what it returns."""
    while True:
        try:
            next(replaying)
        except StopIteration as done:
            return done.value


def _check(cancel: threading.Event) -> None:
    if cancel.is_set():
        raise TurnCancelled
