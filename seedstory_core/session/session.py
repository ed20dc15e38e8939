"""A story in use: its tree, its memory and its lock.

For a turn, the session looks up the path in the tree and its segments in the memory, runs the turn
on the engine and commits the result: first to disk, then to the tree, then to memory. A turn that
fails or is cancelled leaves the story as it was.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import logging
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
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
    NOTHING_READABLE,
    NOTHING_TO_READ,
    STILL_WORKING,
    BusyError,
    DeviceFullError,
    InputError,
    StorageError,
    StoryChangedError,
    StoryNotFoundError,
    TurnCancelled,
)
from seedstory_core.generation.memory import MemoryPool, StoryMemory
from seedstory_core.generation.policies import (
    POLICIES,
    MemoryPolicy,
    Rows,
    growth_note,
    later_rows_by_panel,
    merge,
    policy_from,
    rows_by_panel,
)
from seedstory_core.session.history import Act, History
from seedstory_core.session.lens import (
    Lens,
    Outlook,
    PanelSight,
    look_ahead,
    look_into,
    look_over,
    row_bytes_of,
)
from seedstory_core.session.prefetch import Prefetch
from seedstory_core.session.replay import plan_replay
from seedstory_core.session.room import Event, is_out_of_memory, make_room, twice
from seedstory_core.story.archive import RemovedBranch, StoryArchive
from seedstory_core.story.tree import Panel, StoryTree, clean_title, panel_number

if TYPE_CHECKING:
    from seedstory_core.engine import StoryEngine
    from seedstory_core.engine.handle import EngineHandle
    from seedstory_core.generation.kv import KVSegment

log = logging.getLogger(__name__)


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


PREFETCHED = "prefetched"
"""Name under which memory keeps the segment of a prefetched panel, which has no id yet."""


@dataclass(frozen=True)
class Mark:
    """What a reader wrote on a branch: a name, a star."""

    name: str = ""
    is_starred: bool = False


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
        self._title_lock = threading.RLock()
        self._cancel: threading.Event | None = None
        self._readable: set[str] = set()
        self._unreadable: set[str] = set()
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
            UnconfirmedError: The panel was saved, or may have been; open the story again.
            DeviceFullError: Memory ran out, also at a second attempt; the story is as it was.
        """
        with self._working(claims_prefetch=True) as cancel:
            if parent is None and not (request.reader_text or request.reader_image):
                raise InputError(NO_BEGINNING)
            request = self._unlike_siblings(parent, request)
            yield from self._twice(lambda: self._turn(parent, request, cancel))

    def _turn(
        self, parent: str | None, request: TurnRequest, cancel: threading.Event
    ) -> Iterator[SessionEvent]:
        path = self._path(parent)
        if not path and not (request.reader_text or request.reader_image):
            raise InputError(NOTHING_READABLE)
        with self._prefetch.claim(parent, request, self._policy_on(path)) as draft:
            written = self.memory.take(PREFETCHED)
            past = yield from self._replay(path, cancel)
            request = _warned(past, request)
            if draft is not None:
                draft = self._after(past, draft, written, cancel)
            for event in self.engine.turn(past, request, cancel, draft=draft):
                if not isinstance(event, TurnResult):
                    yield event
                    continue
                panel = self._make_panel(parent, request, event, past)
                yield self._commit(panel, event.image, event.record, event.past, cancel)

    def alternatives(
        self, parent: str | None, requests: Sequence[TurnRequest]
    ) -> Iterator[tuple[int, SessionEvent]]:
        """Make several alternatives for the next panel after `parent`, as siblings.

        They are decoded as one batch over the same past. All are committed or none, also if the
        studio is killed meanwhile.

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
            yield from self._twice(lambda: self._alternatives(parent, requests, cancel))

    def _alternatives(
        self, parent: str | None, requests: Sequence[TurnRequest], cancel: threading.Event
    ) -> Iterator[tuple[int, SessionEvent]]:
        path = self._path(parent)
        if not path and not all(r.reader_text or r.reader_image for r in requests):
            raise InputError(NOTHING_READABLE)
        past = yield from self._numbered(0, self._replay(path, cancel))
        requests = [_warned(past, request) for request in requests]
        results: dict[int, TurnResult] = {}
        for number, event in self.engine.alternatives(past, requests, cancel):
            if isinstance(event, TurnResult):
                # One context is enough for the next turn, and there may be many alternatives.
                past_of_it = dataclasses.replace(event.past, context=None)
                results[number] = dataclasses.replace(event, past=past_of_it)
            else:
                yield number, event
        _check(cancel)
        first, now = panel_number(self.tree.next_id()), time.time()
        made = [
            dataclasses.replace(
                self._make_panel(parent, requests[number], result, past),
                id=f"p{first + index}",
                created_at=now,  # the same: one act
            )
            for index, (number, result) in enumerate(sorted(results.items()))
        ]
        images = [result.image for _, result in sorted(results.items())]
        features = [result.record.visual_features.numpy() for _, result in sorted(results.items())]
        saved = self.archive.append_group(
            self.story_id,
            list(zip(made, images, features, strict=True)),
            grandparent=self._parent_of(parent),
        )
        for panel, (_, result) in zip(saved, sorted(results.items()), strict=True):
            self._add(panel, result.past)
        yield from enumerate(map(PanelAdded, saved, images))

    def prefetch(self, parent: str, request: TurnRequest) -> threading.Thread:
        """Replay the path to `parent`, then write the panel after it in the background.

        A `turn` with an equal request and an open seed then only draws it. Any other use of the
        story drops the draft, which is never in the tree.

        Returns:
            The thread that writes.

        Raises:
            BusyError: This story is working on a turn.
            StoryNotFoundError: The story has no panel `parent`.
            DeviceFullError: There is no memory for it.
        """
        with self._working() as cancel:
            request = self._unlike_siblings(parent, request)
            try:
                past = _last(self._replay(self._path(parent), cancel))
            except Exception as error:
                if is_out_of_memory(error):
                    raise DeviceFullError("Memory ran out, so no page is written ahead.") from None
                raise
            request = _warned(past, request)

        def write(stop: threading.Event) -> Draft:
            draft = self.engine.make_draft(past, request, stop)
            self.engine.run(functools.partial(self._keep_draft, draft.past))
            # The memory counts and drops context and segment like any other.
            return dataclasses.replace(draft, past=Past())

        return self._prefetch.begin(parent, request, past.policy, write)

    def _keep_draft(self, past: Past) -> None:
        self.memory.keep(PREFETCHED, past.segments[-1])
        self.memory.keep_context(past.context)

    def _after(
        self, past: Past, draft: Draft, segment: KVSegment | None, cancel: threading.Event
    ) -> Draft:
        """Return a draft with its past; its panel is read again if memory had no room for it."""
        if segment is None:
            return dataclasses.replace(draft, past=self.engine.read(past, draft.record, cancel))
        past = dataclasses.replace(past, context=None)  # the kept context has the draft's rows
        return dataclasses.replace(draft, past=past.and_then(draft.record, segment, None))

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
            self._must_be_whole(panel)
            if not text.strip():
                raise InputError(NOTHING_TO_READ)
            if text == panel.text:
                raise InputError("The page has these words already. Change them first.")
            self.engine.check_kind(text)
            yield from self._twice(lambda: self._rewrite(panel, text, cancel))

    def _rewrite(self, panel: Panel, text: str, cancel: threading.Event) -> Iterator[SessionEvent]:
        record = PanelRecord(
            tuple(self.engine.encode_text(text)), self._record(panel, cancel).visual_features
        )
        yield from self._add_sibling(
            panel,
            record,
            self.image(panel.id),
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
            self._must_be_whole(panel)
            yield from self._twice(lambda: self._replace_image(panel, image, notes, cancel))

    def _replace_image(
        self, panel: Panel, image: Image.Image, notes: tuple[str, ...], cancel: threading.Event
    ) -> Iterator[SessionEvent]:
        features = self.engine.encode_image(image, cancel)
        record = dataclasses.replace(self._record(panel, cancel), visual_features=features)
        yield from self._add_sibling(
            panel, record, image, cancel, image_source="reader", notes=notes
        )

    def redraw(self, panel_id: str, request: TurnRequest) -> Iterator[SessionEvent]:
        """Draw a panel's image again with the request's image seed; the older ones stay.

        The model reads visual features, not pixels, so neither memory nor later panels change.

        Raises:
            InputError: The image is the reader's own.
            Otherwise as `turn`.
        """
        with self._working() as cancel:
            panel = self.tree.panel(panel_id)
            self._must_be_whole(panel)
            if panel.image_source == "reader":
                raise InputError(
                    "This picture is your own, so it cannot be redrawn. "
                    "Write the next page, or begin a branch before this one."
                )
            yield from self._twice(lambda: self._redraw(panel, request, cancel))

    def _redraw(
        self, panel: Panel, request: TurnRequest, cancel: threading.Event
    ) -> Iterator[SessionEvent]:
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
            pictures=panel.all_pictures,
        )
        changed = self.archive.replace(self.story_id, changed, image)
        self.tree.replace(changed)
        self._unreadable.discard(panel.id)
        self._note(Act("picture", panel.id, panel.image_name, changed.image_name))
        yield PanelAdded(changed, image)

    def show_picture(self, panel_id: str, name: str) -> None:
        """Show another one of a panel's images.

        Raises:
            StoryNotFoundError: The story has no such panel, or the panel no such image.
            BusyError: This story is working on a turn.
            StorageError: Nothing has changed.
        """
        with self._working():
            was = self.tree.panel(panel_id).image_name
            if name != was:
                self._show_picture(panel_id, name)
                self._note(Act("picture", panel_id, was, name))

    def _show_picture(self, panel_id: str, name: str) -> None:
        changed = self.tree.panel(panel_id).showing(name)
        self.tree.replace(self.archive.replace(self.story_id, changed))

    def cancel(self) -> bool:
        """Stop the running turn, and return whether there was one."""
        cancel = self._cancel
        if cancel is None:
            return False
        cancel.set()
        return True

    def remove_branch(self, panel_id: str) -> None:
        """Put a panel and everything after it into the bin.

        Raises:
            BusyError: This story is working on a turn.
            StoryNotFoundError: There is no such panel.
            StorageError: Nothing was removed.
            UnconfirmedError: The branch was removed, or may have been; open the story again.
        """
        with self._working():
            self._take_out(panel_id)
            self._note(Act("remove", panel_id))

    def _take_out(self, panel_id: str) -> None:
        panels = self.tree.branch(panel_id)
        self.archive.remove_branch(self.story_id, panels)
        self.tree.remove_branch(panel_id)
        self.memory.drop([panel.id for panel in panels])

    def removed(self) -> Sequence[RemovedBranch]:
        """Return the branches in the bin that can be put back, the newest first."""
        found = self.archive.removed(self.story_id)
        return [one for one in found if one.top.parent is None or one.top.parent in self.tree]

    def restore_branch(self, panel_id: str) -> None:
        """Put a branch back from the bin.

        Raises:
            BusyError: This story is working on a turn.
            StoryNotFoundError: There is no such branch in the bin, or its parent is there, too.
            StorageError: Nothing was put back.
            UnconfirmedError: The branch was put back, or may have been; open the story again.
        """
        with self._working():
            self._put_back(panel_id)
            self._note(Act("restore", panel_id))

    def _put_back(self, panel_id: str) -> None:
        self.archive.restore_branch(self.story_id, panel_id)
        self.tree = self.archive.load(self.story_id).tree

    def rename(self, title: str) -> None:
        """Set the story's title; '' stands for the story's first words.

        Raises:
            StoryChangedError: Another server has renamed the story; open it again.
            StorageError: The title was not saved.
        """
        was = self.tree.own_title
        self._rename(title)
        if self.tree.own_title != was:
            self._note(Act("title", "", was, self.tree.own_title))

    def _rename(self, title: str) -> None:
        with self._changing_header():
            self.archive.set_title(self.story_id, title, was=self.tree.own_title)
            self.tree.title = title

    @property
    def history(self) -> History:
        """What was done to the story, and what was undone."""
        return History.of(self._settings, self.tree)

    def undo(self) -> Act:
        """Undo what was done last, and return it.

        Raises:
            InputError: There is nothing to undo.
            BusyError: This story is working on a turn.
            StorageError: Nothing has changed.
        """
        with self._working():
            history = self.history
            if history.last is None:
                raise InputError("There is nothing to undo.")
            self._turn_back(history.last)
            self._keep_history(history.undo())
            return history.last

    def redo(self) -> Act:
        """Do again what was undone last, and return it.

        Raises:
            InputError: There is nothing to do again.
            BusyError: This story is working on a turn.
            StorageError: Nothing has changed.
        """
        with self._working():
            history = self.history
            if history.next is None:
                raise InputError("There is nothing to do again.")
            act = history.next
            self._turn_back(dataclasses.replace(act, before=act.after, after=act.before), True)
            self._keep_history(history.redo())
            return act

    def _turn_back(self, act: Act, forward: bool = False) -> None:
        """Bring about what was before an act, or with `forward` what is after it."""
        if act.kind == "tell":
            for panel_id in act.before if forward else act.after:
                if forward:
                    self._put_back(panel_id)
                elif panel_id in self.tree:
                    self._take_out(panel_id)
        elif act.kind in ("remove", "restore"):
            if (act.kind == "remove") == forward:
                self._take_out(act.subject)
            else:
                self._put_back(act.subject)
        elif act.kind == "picture":
            self._show_picture(act.subject, act.before)
        elif act.kind == "title":
            self._rename(act.before)
        else:
            self._save_settings(**{act.subject: act.before})

    def _note(self, act: Act) -> None:
        """Note an act that holds already."""
        with self._title_lock:
            self._keep_history(self.history.note(act))

    def _keep_history(self, settings: Mapping[str, Any]) -> None:
        """Save the history after an act that holds; if that fails, the act holds all the same."""
        try:
            self._save_settings(**settings)
        except StorageError:
            log.warning("What was done holds, but was not noted for undo.", exc_info=True)

    def _change_setting(self, key: str, after: Any, before: Any = None) -> None:
        """Change a setting of the story and note it, with one write.

        Args:
            key: The setting.
            after: Its new value; None removes it.
            before: The value that another server may not have changed; None for the known one.
        """
        with self._title_lock:
            act = Act("setting", key, self._settings.get(key), after)
            known = {} if before is None else {key: before}
            self._save_settings(known, **{key: after}, **self.history.note(act))

    def image(self, panel_id: str) -> Image.Image:
        """Load a panel's image."""
        return self.archive.image(self.story_id, self.tree.panel(panel_id))

    def warm(self, panel_id: str) -> int:
        """Prepare to continue after a panel, and return the number of panels that were replayed."""
        with self._working() as cancel:
            replaying, num_replayed = self._replay(self._path(panel_id), cancel), 0
            while True:
                try:
                    num_replayed = next(replaying).done
                except StopIteration as done:
                    self.memory.keep_context(self.engine.prepare(done.value))
                    return num_replayed

    def rest(self, *, pack: bool = False) -> None:
        """Reduce the memory of a story that nobody uses; a busy one stays as it is.

        Args:
            pack: As for `StoryMemory.rest`.
        """
        if not self._lock.acquire(blocking=False):
            return
        try:
            self._prefetch.drop()
            self.memory.take(PREFETCHED)
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

    def sights(self, panel_id: str) -> tuple[PanelSight, ...]:
        """Return what the turn after a panel sees of each panel on the path to it.

        Panels that the models pass over are left out.
        """
        path = self._path(panel_id)
        return look_over(path, self._unread_path(path), self._policy_on(path))

    def outlook(self, panel_id: str, num_more: int = 0) -> Outlook:
        """Return what the turn after a panel keeps in view under each policy.

        Args:
            panel_id: The panel.
            num_more: Panels that are told before that turn; each is taken to be like the last one.
        """
        path = self._path(panel_id)
        segments, own = self._unread_path(path), self._policy_on(path)
        return Outlook(
            num_rows=sum(segment.num_rows for segment in segments),
            row_bytes=row_bytes_of(self.engine),
            seen={
                name: look_ahead(segments, dataclasses.replace(own, policy=name), num_more)
                for name in POLICIES
            },
        )

    def lens(self, panel_id: str, leaf_id: str) -> Lens:
        """Return a panel token by token, as the turn after `leaf_id` sees it.

        Raises:
            StoryNotFoundError: The panel is not on the path to the leaf, or the models pass over
                it.
        """
        path = self._path(leaf_id)
        number = next((n for n, panel in enumerate(path) if panel.id == panel_id), None)
        if number is None:
            raise StoryNotFoundError("The storyteller does not read this page on the way here.")
        token_ids = self._token_ids(path[number])
        segments, policy = self._unread_path(path), self._policy_on(path)
        return look_into(self.engine, number, token_ids, segments, policy)

    def _unread_path(self, path: Sequence[Panel]) -> list[KVSegment]:
        return [self._unread(panel, is_first=not number) for number, panel in enumerate(path)]

    @property
    def pinned(self) -> frozenset[str]:
        """Ids of the panels that are never evicted."""
        pinned = self._settings.get("pinned")
        names = pinned if isinstance(pinned, list) else ()
        return frozenset(name for name in names if name in self.tree)

    def set_policy(self, policy: str, **counts: Any) -> str:
        """Set the memory policy for the panels from now on; earlier ones stay as they are.

        Args:
            policy: Name of a memory policy in `generation/policies.py`.
            counts: Further fields of `MemoryConfig` that differ from the configured ones.

        Returns:
            What the reader should know about it, or ''.

        Raises:
            InputError: The policy or a count is impossible, or the pinned panels do not fit.
        """
        try:
            changed = dataclasses.replace(self._handle.policy, policy=policy, **counts)
        except (TypeError, ValueError) as error:
            raise InputError(f"This memory setting is impossible: {error}") from error
        self._check_pinned(self.pinned, changed)
        self._change_setting("memory", dataclasses.asdict(changed))
        newest = self.tree.newest
        path = self._path(newest.id if newest else None)
        num_rows = 0
        if path and POLICIES[policy].grows:
            num_rows = _num_rows(self._unread_path(path), self._policy_on(path))
        return growth_note(changed, num_rows)

    def pin(self, panel_id: str, is_pinned: bool = True) -> None:
        """Pin a panel, so that it is never evicted, or unpin it.

        Raises:
            InputError: The pinned panels would take more than half of `max_rows`.
            StoryNotFoundError: There is no such panel.
        """
        panel = self.tree.panel(panel_id)
        if is_pinned:
            self._must_be_whole(panel)
        if is_pinned:
            self._check_pinned(self.pinned | {panel_id}, self.policy)
        known = self._settings.get("pinned")
        # Another server may have pinned pages that this one's tree lacks; they stay pinned.
        others = {i for i in (known if isinstance(known, list) else ()) if isinstance(i, str)}
        with_it, without = sorted(others | {panel_id}), sorted(others - {panel_id})
        # What is asked for is a change, also if it is so already as far as this server knows.
        after, before = (with_it, without) if is_pinned else (without, with_it)
        self._change_setting("pinned", after, before)

    def mark(self, panel_id: str) -> Mark:
        """Return the mark of a panel's branch."""
        name, star = (self._settings.get(f"{key}:{panel_id}") for key in ("name", "star"))
        return Mark(name if isinstance(name, str) else "", star is True)

    def set_name(self, panel_id: str, name: str) -> None:
        """Name the branch that begins with a panel; '' takes the name away.

        Raises:
            StoryNotFoundError: There is no such panel.
            StoryChangedError: Another server has named it; open the story again.
            StorageError: The name was not saved.
        """
        self.tree.panel(panel_id)
        self._change_setting(f"name:{panel_id}", clean_title(name) or None)

    def set_star(self, panel_id: str, is_starred: bool) -> None:
        """Star the branch that begins with a panel, or take the star away.

        Raises:
            As `set_name`.
        """
        self.tree.panel(panel_id)
        self._change_setting(f"star:{panel_id}", True if is_starred else None)

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

    def _save_settings(self, before: Mapping[str, Any] | None = None, **changes: Any) -> None:
        """Save changed settings.

        Args:
            before: Values before the change that differ from those that this server knows.
            changes: Values after it.
        """
        with self._changing_header():
            settings, known = {**self._settings, **changes}, {**self._settings, **(before or {})}
            header = self.archive.set_settings(self.story_id, settings, was=known)
            self._settings = dict(header.settings)

    @contextlib.contextmanager
    def _changing_header(self) -> Iterator[None]:
        with self._title_lock:  # not the story's lock: a turn may be running
            try:
                yield
            except StoryChangedError:
                self.is_stale = True
                raise

    def _twice(self, attempt: Callable[[], Iterator[Event]]) -> Iterator[Event]:
        due = self.tree.next_id()
        return twice(attempt, self.engine, self.memory.pool, lambda: self._is_saved(due))

    def _is_saved(self, panel_id: str) -> bool:
        """Whether a panel is saved, or may be: the folder is asked if the tree does not know."""
        if panel_id in self.tree:
            return True
        try:
            return panel_id in self.archive.load(self.story_id).tree
        except Exception as error:
            log.warning("Whether a page was saved is not known: %r", error)
            return True

    @contextlib.contextmanager
    def _working(self, *, claims_prefetch: bool = False) -> Iterator[threading.Event]:
        if not self._lock.acquire(blocking=False):
            raise BusyError(STILL_WORKING)
        cancel = threading.Event()
        self._cancel = cancel
        try:
            if not claims_prefetch:
                self._prefetch.drop()
                self.memory.take(PREFETCHED)
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
        """Return the path to a panel as the models read it: without panels that are lost to them.

        Those are placeholders, and panels of which neither features nor image can be used.
        """
        path = self.tree.path(panel_id) if panel_id is not None else ()
        return tuple(panel for panel in path if self._is_readable(panel))

    def _is_readable(self, panel: Panel) -> bool:
        if panel.is_placeholder or panel.id in self._unreadable:
            return False
        has_features = panel.features_name is not None and self._is_of_these_weights(panel)
        if has_features or panel.id in self._readable:
            return True
        try:
            self.archive.image(self.story_id, panel)
        except (StorageError, StoryNotFoundError):
            self._unreadable.add(panel.id)
            return False
        self._readable.add(panel.id)
        return True

    def _must_be_whole(self, panel: Panel) -> None:
        if panel.is_placeholder:
            raise InputError(
                "This page could not be read, so it cannot be changed. Tell it again, go on below "
                "it, or remove it."
            )

    def _replay(
        self, path: tuple[Panel, ...], cancel: threading.Event
    ) -> Generator[Replaying, None, Past]:
        """Return a path as the story so far; read again the panels that memory lacks.

        Each is read under the memory policy with which it was made, so that the result does not
        depend on what memory lacked.
        """
        from seedstory_core.generation.kv import panel_spans  # imports torch

        ids = [panel.id for panel in path]
        find = functools.partial(self.memory.find, ids)
        found = self.engine.run(find) if self.memory.is_at_rest else find()
        segments = [
            segment or self._unread(panel, is_first=not number)
            for number, (panel, segment) in enumerate(zip(path, found, strict=True))
        ]
        spans, policy = panel_spans(segments), self._policy_on(path)
        self._look(ids, segments, policy)

        def policy_at(number: int) -> MemoryPolicy:
            made_with = path[number].settings.get("memory")
            return policy_from(made_with, self._policy_on(path[:number]))

        plan = plan_replay(spans, segments, policy, policy_at)
        past = Past(context=self.memory.context)
        for done, number in enumerate(plan.to_read, start=1):
            _check(cancel)
            now = policy_at(number)
            past = dataclasses.replace(past, segments=tuple(segments[:number]), policy=now)
            past = self.engine.read(past, self._record(path[number], cancel), cancel)
            segments[number] = past.segments[-1]
            seen = [number, *{panel for panel, _ in rows_by_panel(spans[:number], now)}]
            needed = {panel: plan.still_needed(panel, number) for panel in seen}
            self.engine.run(functools.partial(self._hold, ids, segments, number, needed))
            yield Replaying(done, len(plan.to_read))
        story_ids = tuple(token for panel in path for token in self._token_ids(panel))
        return dataclasses.replace(
            past, segments=tuple(segments), story_ids=story_ids, policy=policy
        )

    def _unread(self, panel: Panel, *, is_first: bool) -> KVSegment:
        hint_ids = self.engine.hint_ids(panel.hint)
        return self.engine.unread((*hint_ids, *self._token_ids(panel)), is_first=is_first)

    def _hold(
        self,
        ids: Sequence[str],
        segments: list[KVSegment],
        number: int,
        needed: Mapping[int, Rows],
    ) -> None:
        """Keep a panel that was read again, and cut those segments that memory does not keep whole.

        So a long path is read again in bounded space, however small the memory's budget is.
        """
        self.memory.keep(ids[number], segments[number])
        for panel, rows in needed.items():
            if ids[panel] not in self.memory:
                is_newest = panel == len(segments) - 1
                segments[panel] = segments[panel].keep(rows, scores=is_newest)

    def _look(
        self, ids: Sequence[str], segments: Sequence[KVSegment], policy: MemoryPolicy
    ) -> None:
        """Tell the memory which rows the turn after a path sees."""
        from seedstory_core.generation.kv import panel_spans  # imports torch

        spans = panel_spans(segments)

        def by_id(rows_by_number: Sequence[tuple[int, range]]) -> dict[str, Rows]:
            rows: dict[str, Rows] = {}
            for number, some in rows_by_number:
                rows[ids[number]] = merge((*rows.get(ids[number], ()), some))
            return rows

        self.memory.look_at(
            by_id(rows_by_panel(spans, policy)),
            ids[-1] if ids else "",
            by_id(later_rows_by_panel(spans, policy)),
        )

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
            problem="",
            author="reader",
            token_ids=record.token_ids,
            image_name=None,
            pictures=(),
            settings={**panel.settings, **memory},
            created_at=time.time(),
            **changes,
        )
        past = self.engine.read(past, record, cancel)
        yield self._commit(told, image, record, past, cancel)

    def _record(self, panel: Panel, cancel: threading.Event) -> PanelRecord:
        """Return a panel as the model reads it; encode it again if other weights made it."""
        token_ids, hint_ids = self._token_ids(panel), self.engine.hint_ids(panel.hint)
        features = self._saved_features(panel)
        if features is None:
            try:
                image = self.archive.image(self.story_id, panel)
            except StorageError:
                self._unreadable.add(panel.id)  # so that the next turn passes over it
                raise
            return PanelRecord(token_ids, self.engine.encode_image(image, cancel), hint_ids)
        import torch  # here, so that importing this module does not import torch

        return PanelRecord(token_ids, torch.from_numpy(features), hint_ids)

    def _saved_features(self, panel: Panel) -> NDArray[np.float32] | None:
        """Return the features with which a panel was made; None if these weights cannot use them.

        They are on the disk only: a long story would hold many that no turn reads again.
        """
        if panel.features_name is None or not self._is_of_these_weights(panel):
            return None
        try:
            features = self.archive.features(self.story_id, panel)
        except StorageError as error:
            log.warning("The image of page %s is encoded again: %s", panel.id, error)
            return None
        vision = self.engine.config.vision
        return features if features.shape == (vision.n_queries, vision.output_dim) else None

    def _token_ids(self, panel: Panel) -> tuple[int, ...]:
        """Return the caption's tokens; other weights may come with other tokens."""
        if self._is_of_these_weights(panel) and self.engine.can_read(panel.token_ids):
            return panel.token_ids
        return tuple(self.engine.read_ids(panel.text, typed=panel.reader_text))

    def _is_of_these_weights(self, panel: Panel) -> bool:
        return panel.settings.get("fingerprint") == self.engine.fingerprint

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
        self,
        panel: Panel,
        image: Image.Image,
        record: PanelRecord,
        past: Past,
        cancel: threading.Event,
    ) -> PanelAdded:
        """Commit a finished panel: to disk, to the tree, to memory."""
        _check(cancel)
        features, grandparent = record.visual_features.numpy(), self._parent_of(panel.parent)
        panel = self.archive.append(self.story_id, panel, image, features, grandparent=grandparent)
        self._add(panel, past)
        return PanelAdded(panel, image)

    def _add(self, panel: Panel, past: Past) -> None:
        """Add a panel that is on disk to the tree and to memory.

        Memory may fail: the panel is saved, and is read again when it is needed.
        """
        self.tree.add(panel)
        try:
            self.engine.run(functools.partial(self._remember, panel, past))
        except Exception as error:
            try:
                if is_out_of_memory(error):
                    make_room(self.engine, self.memory.pool)
                else:
                    log.exception("A saved page was not remembered.")
            except Exception:
                log.exception("A saved page was not remembered, and there was no room to be made.")

    def _remember(self, panel: Panel, past: Past) -> None:
        path = self._path(panel.id)
        self._look([one.id for one in path], past.segments, self._policy_on(path))
        self.memory.keep(panel.id, past.segments[-1])
        if past.context is not None:
            self.memory.keep_context(past.context)

    def _parent_of(self, panel_id: str | None) -> str | None:
        return None if panel_id is None else self.tree.panel(panel_id).parent


def _num_rows(segments: Sequence[KVSegment], policy: MemoryPolicy) -> int:
    """Return the rows that the turn after these segments sees."""
    from seedstory_core.generation.kv import panel_spans  # imports torch

    return sum(len(rows) for _, rows in rows_by_panel(panel_spans(segments), policy))


def _warned(past: Past, request: TurnRequest) -> TurnRequest:
    """Add a note to a request if the model sees more than it learned to keep apart."""
    assert past.policy is not None
    if not POLICIES[past.policy.policy].grows:
        return request
    num_rows = _num_rows(past.segments, past.policy)
    if num_rows <= past.policy.max_rows:
        return request
    note = growth_note(past.policy, num_rows)
    return dataclasses.replace(request, notes=(*request.notes, note))


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
