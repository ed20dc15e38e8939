"""The events of the page: each reader action as calls of sessions and the queue.

Every handler takes its inputs by name and returns or yields `PageUpdate`s. If it raises,
`wiring.answer` shows the error as a notice and changes nothing else, so that typed words stay.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from PIL import Image

from demo import render
from demo.books import ShelfBook
from demo.errors import explain_saved
from demo.openings import Opening
from demo.state import SAME, Click, PageState, PageUpdate
from demo.turns import LOOK_SECONDS, begin_story, watch
from demo.updates import Updates
from seedstory_core import (
    MAX_RUN,
    NO_BEGINNING,
    NOTHING_TO_READ,
    BusyError,
    InputError,
    Job,
    JobQueue,
    Kind,
    Panel,
    SeedStoryError,
    SessionStore,
    StoryNotFoundError,
    StorySession,
    TurnRequest,
    bring_in,
    make_request,
    open_image,
    read_number,
)

NUM_ALTERNATIVES = 3
"""Alternatives that are told at once, to choose from."""
EMPTIED = "A story keeps at least one page. Begin another story, or tell this page again first."
OTHER_SEED = "Clear the seed, or choose another one."

COPY = "{title} (copy)"
MAX_STORY_BYTES = 200 * 2**20
"""Size of a story's file that is brought in."""

CHANGES = ("rename", "picture", "restore", "undo", "redo", "pin", "name", "star", "remove")
"""Clicks that change a story without a turn."""

Knobs = Mapping[str, Any]
Look = Callable[[PageState, Click], PageUpdate]
Turn = Callable[[PageState, Click, Knobs], PageUpdate]


class Handlers:
    """The events of the page, over one store and one queue."""

    def __init__(
        self,
        store: SessionStore,
        queue: JobQueue,
        openings: tuple[Opening, ...],
        books: Mapping[str, ShelfBook] = MappingProxyType({}),
    ) -> None:
        """Serve a store's stories, with the turns of a queue, openings and finished books."""
        self.store = store
        self.queue = queue
        self.openings = {opening.id: opening for opening in openings}
        self.updates = Updates(store, queue, openings, books)
        looks: Mapping[str, Look] = {
            "open": self._open,
            "look": self._look,
            "stop": self._stop,
            "policy": lambda state, click: self.set_policy(state, click.name),
            "rename-story": self._rename_story,
            "copy-story": self._copy_story,
            "delete-story": self._delete_story,
            "restore-story": self._restore_story,
            "start": lambda state, click: self.updates.start(state),
            **dict.fromkeys(CHANGES, self._change),
        }
        turns: Mapping[str, Turn] = {
            "begin": self._begin_card,
            "go-on": self._go_on,
            "three-ways": self._alternatives,
            "run": self._run,
            "again": self._again,
            "redraw": self._redraw,
            "reword": self._reword,
        }
        self._looks, self._turns = looks, turns

    # Arriving and looking around

    def arrive(self, state: PageState) -> PageUpdate:
        """Show the story that the page's address names, or the start page."""
        return self.updates.arrive(state)

    async def wait_for_models(self, state: PageState) -> AsyncIterator[PageUpdate]:
        """Say while the models are being loaded, and that they are ready."""
        while not (is_ready := self.store.handle.is_ready):
            yield PageUpdate(waking=render.waking(is_ready))
            while not self.store.handle.is_ready:
                await asyncio.sleep(LOOK_SECONDS)
        yield PageUpdate(waking=render.waking(is_ready))

    def click(self, state: PageState, click: Click, knobs: Knobs) -> PageUpdate:
        """Act on a click; its `data-do` names the action."""
        if look := self._looks.get(click.do):
            return look(state, click)
        if turn := self._turns.get(click.do):
            return turn(state, click, knobs)
        return PageUpdate(notice="")

    def _open(self, state: PageState, click: Click) -> PageUpdate:
        return self.updates.open(state, click.story, click.panel)

    def _look(self, state: PageState, click: Click) -> PageUpdate:
        """Show what a page missed that has heard nothing for a while.

        Of a lost reply it only learns the job now, and if it has begun a story, also the story.
        """
        if not state.story:
            state = replace(state, story=click.story, panel="")
        return self.updates.arrive(replace(state, job=state.job or click.job))

    # The start page

    def choose(self, sentence: str, click: Click) -> PageUpdate:
        """Take a card of the shelf, or clear the chosen image."""
        opening = self.openings.get(click.opening)
        # The reader's own sentence stays; one that came with a card goes with the card.
        sentence = sentence or ""
        is_ours = not sentence.strip() or sentence in self.updates.shelf_texts
        if opening is None:
            return self.updates.form(sentence="" if is_ours else SAME)
        return PageUpdate(
            draft={"opening": opening.id},
            shelf=self.updates.shelf(opening.id),
            slot=render.first_image(opening.url, "From the shelf."),
            own_image=None,
            sentence=opening.sentence if is_ours else SAME,
            notice="",
        )

    def bring(self, path: str | None, sentence: str) -> PageUpdate:
        """Take the reader's own image, or clear it."""
        if path is None:
            return self.updates.form()
        try:
            brought = open_image(path)
        except SeedStoryError as error:
            return PageUpdate(own_image=None, notice=render.notice(str(error)))
        url = render.data_url(brought.image)
        return PageUpdate(
            draft={"opening": ""},
            shelf=self.updates.shelf(),
            slot=render.first_image(url, "Your picture.", notes=brought.notes),
            sentence="" if sentence in self.updates.shelf_texts else SAME,
            notice="",
        )

    def begin(
        self,
        state: PageState,
        draft: Any,
        path: str | None,
        sentence: str,
        keep_words: bool,
        knobs: Knobs,
    ) -> PageUpdate:
        """Begin a story from the form on the start page."""
        chosen = draft.get("opening") if isinstance(draft, dict) else None
        opening = self.openings.get(chosen) if isinstance(chosen, str) else None
        image: Image.Image | None = None
        notes: tuple[str, ...] = ()
        if path is not None:
            image, notes = open_image(path)
        elif opening is not None:
            image = opening.image()
            # A card's sentence fits its image, so nothing is added to it.
            keep_words = keep_words or sentence == opening.sentence
        request = self._request(sentence, image, keep_words, knobs, notes)
        session, job = begin_story(self.store, self.queue, request, state.ticket)
        return self._asked(state, session, job, "")

    def _begin_card(self, state: PageState, click: Click, knobs: Knobs) -> PageUpdate:
        """Begin a story with a card of the shelf, or with any of them."""
        opening = self.openings.get(click.opening)
        if opening is None and self.openings:
            opening = secrets.choice(list(self.openings.values()))
        if opening is None:
            raise InputError(NO_BEGINNING)
        request = self._request(opening.sentence, opening.image(), True, knobs)
        session, job = begin_story(self.store, self.queue, request, state.ticket)
        return self._asked(state, session, job, "")

    # The library: stories whose ids this browser remembers

    def _rename_story(self, state: PageState, click: Click) -> PageUpdate:
        self.store.open(click.story).rename(click.title)
        return self.updates.start(state)

    def _copy_story(self, state: PageState, click: Click) -> PageUpdate:
        """Copy a story with all its branches."""
        tree = self.store.open(click.story).tree
        title = COPY.format(title=tree.title)
        copied = self.store.archive.copy(click.story, [panel.id for panel in tree], title)
        return self.updates.start(replace(state, mine=(copied.id, *state.mine)))

    def _delete_story(self, state: PageState, click: Click) -> PageUpdate:
        """Delete a story; it can be restored."""
        if self.queue.running(click.story) is not None:
            raise BusyError("A page of this story is being told. Stop it first, or wait for it.")
        title = self.store.open(click.story).tree.title
        self.store.discard(click.story)
        return self.updates.start(state, render.deleted_notice(click.story, title))

    def _restore_story(self, state: PageState, click: Click) -> PageUpdate:
        self.store.archive.restore(click.story)
        return self.updates.start(state)

    def bring_story(self, state: PageState, path: str | None) -> PageUpdate:
        """Open a story that was taken home as a whole."""
        if path is None:
            return PageUpdate()
        size = Path(path).stat().st_size
        if size > MAX_STORY_BYTES:
            raise InputError(f"This file has more than {MAX_STORY_BYTES // 2**20} MB.")
        brought = bring_in(self.store.archive, Path(path).read_bytes())
        update = self.updates.open(replace(state, job=""), brought.header.id, "")
        if brought.notes:
            return replace(update, notice=render.notice(" ".join(brought.notes), "info"))
        return update

    # Turns

    def _go_on(self, state: PageState, click: Click, knobs: Knobs) -> PageUpdate:
        """Tell the next panel, about what the reader wishes for if there is a wish."""
        return self._turn(replace(state, then=False), self._request(knobs=knobs, hint=click.words))

    def write(self, state: PageState, line: str, keep_words: bool, knobs: Knobs) -> PageUpdate:
        """Tell the next panel, beginning with the reader's words."""
        if not (line or "").strip():
            raise InputError(NOTHING_TO_READ)
        return self._turn(state, self._request(line, None, keep_words, knobs))

    def _alternatives(self, state: PageState, click: Click, knobs: Knobs) -> PageUpdate:
        """Tell several alternatives for the next panel at once."""
        return self._turn(state, self._request(knobs=knobs), "alternatives", NUM_ALTERNATIVES)

    def _run(self, state: PageState, click: Click, knobs: Knobs) -> PageUpdate:
        """Tell several panels in a row."""
        number = read_number("The number of pages", click.count, 1, MAX_RUN, whole=True)
        request = self._request(knobs=knobs, hint=click.words)
        return self._turn(state, request, "run", int(number or 1))

    def _again(self, state: PageState, click: Click, knobs: Knobs) -> PageUpdate:
        """Tell the current panel again, as a sibling."""
        session, panel = self._here(state)
        image = session.image(panel.id) if panel.image_source == "reader" else None
        keep_words = bool(panel.reader_text) and panel.text == panel.reader_text
        hint = panel.hint if self.store.config.generation.answers_wishes else ""
        request = self._request(panel.reader_text, image, keep_words, knobs, hint=hint)
        if request.sampling.seed == panel.seed:
            raise InputError(f"This page was told with the seed {panel.seed} already. {OTHER_SEED}")
        job = self.queue.submit("turn", session.story_id, panel.parent, request)
        return self._asked(state, session, job, panel.parent or "")

    def _redraw(self, state: PageState, click: Click, knobs: Knobs) -> PageUpdate:
        """Paint the current panel's image again."""
        session, panel = self._here(state)
        request = self._request(knobs=knobs)
        if request.image_seed == panel.image_seed:
            raise InputError(
                f"This picture was painted with the seed {panel.image_seed} already. {OTHER_SEED}"
            )
        job = self.queue.submit("redraw", session.story_id, panel.id, request)
        return self._asked(state, session, job, panel.id)

    def _reword(self, state: PageState, click: Click, knobs: Knobs) -> PageUpdate:
        """Tell the current panel with other words, as a sibling."""
        session, panel = self._here(state)
        request = self._request(click.words, None, True)
        job = self.queue.submit("rewrite", session.story_id, panel.id, request)
        return self._asked(state, session, job, panel.id)

    def repaint(self, state: PageState, path: str | None) -> PageUpdate:
        """Tell the current panel with the reader's own image, as a sibling."""
        session, panel = self._here(state)
        if path is None:
            return PageUpdate()
        image, notes = open_image(path)
        request = self._request("", image, True, notes=notes)
        job = self.queue.submit("image", session.story_id, panel.id, request)
        return self._asked(state, session, job, panel.id)

    def set_policy(self, state: PageState, policy: str) -> PageUpdate:
        """Choose the story's memory policy."""
        if not state.story:
            raise InputError("Begin a story first; what is remembered is chosen story by story.")
        session = self._session(state)
        notice = ""
        try:
            if note := session.set_policy(policy):
                notice = render.notice(note, "info")
        except SeedStoryError as error:
            notice = render.notice(str(error))
        # If the policy was refused, the page shows the old one again.
        return PageUpdate(notice=notice, policy=session.policy.policy)

    def _stop(self, state: PageState, click: Click) -> PageUpdate:
        """Stop the story's turn; the story stays as it was."""
        if self.queue.stop(state.story):
            # The page that watches the turn shows the outcome.
            return PageUpdate()
        return self.updates.arrive(replace(state, job="", watch=""))

    async def follow(self, state: PageState) -> AsyncIterator[PageUpdate]:
        """Follow the turn that the page watches; only `live` changes."""
        job = self.queue.job(state.watch)
        if job is None or job.story_id != state.story:
            return
        image = job.request.reader_image
        own_image = render.data_url(image) if image is not None else ""
        async for progress in watch(job):
            yield PageUpdate(live=self.updates.live(job, progress, own_image))

    def finish(self, state: PageState, sentence: str | None, line: str | None) -> PageUpdate:
        """Show the outcome of the watched turn, at the panel where the reader is now.

        Words typed meanwhile, or in another window, stay.
        """
        job = self.queue.job(state.job)
        if job is not None and not job.ended.is_set():
            return PageUpdate()
        if job is None:
            # Perhaps submitted before the server was restarted.
            return self.updates.arrive(state) if state.job else PageUpdate()
        state = replace(state, job="", watch="")
        try:
            return self.updates.finished(state, job, sentence or "", line or "")
        except StoryNotFoundError:
            # The story or the shown panel was removed in another window.
            return self.updates.arrive(state)
        except Exception as error:
            if job.progress.phase != "done":
                raise
            said = explain_saved(error, "Showing a saved page")
            state = replace(state, busy=False, live="")
            return PageUpdate(state=state, live="", notice=render.notice(said, "info"))

    # Changes without a turn

    def _change(self, state: PageState, click: Click) -> PageUpdate:
        """Change the story in a way that needs no turn, and show the page that it concerns."""
        session, here, notice = self._session(state), state.panel, ""
        panel_id = click.panel or here
        match click.do:
            case "rename":
                session.rename(click.title)
            case "picture":
                session.show_picture(here, click.name)
            case "pin":
                session.pin(panel_id, panel_id not in session.pinned)
            case "name":
                session.set_name(panel_id, click.name)
            case "star":
                session.set_star(panel_id, not session.mark(panel_id).is_starred)
            case "restore":
                session.restore_branch(click.panel)
                here = click.panel
            case "remove":
                here, notice = self._remove(session, panel_id)
            case _:
                here, notice = self._turn_back(session, click.do, here)
        if here and here not in session.tree:
            newest = session.tree.newest
            here = newest.id if newest else ""
        return replace(self.updates.story(state, session, here, watch=False), notice=notice)

    def _remove(self, session: StorySession, panel_id: str) -> tuple[str, str]:
        """Put a panel and those after it into the bin; return where to go, and the notice."""
        tree = session.tree
        size, number, parent = (
            len(tree.branch(panel_id)),
            tree.depth(panel_id),
            tree.panel(panel_id).parent,
        )
        if size == len(tree):
            raise InputError(EMPTIED)
        session.remove_branch(panel_id)
        newest = session.tree.newest
        return parent or (newest.id if newest else ""), render.removed_notice(number, size)

    def _turn_back(self, session: StorySession, do: str, here: str) -> tuple[str, str]:
        """Undo or redo; return the panel that it concerns, and the notice."""
        last = session.history.last if do == "undo" else session.history.next
        before = render.place_of(last, session.tree)
        parent = session.tree.panel(before).parent if before else None
        act = session.undo() if do == "undo" else session.redo()
        places = (render.place_of(act, session.tree), before, parent, here)
        found = next((place for place in places if place and place in session.tree), "")
        return found, render.turned_back(act, again=do == "redo")

    # Helpers

    def _session(self, state: PageState) -> StorySession:
        return self.store.open(state.story)

    def _here(self, state: PageState) -> tuple[StorySession, Panel]:
        """Return the session and the panel that the reader is at."""
        session = self._session(state)
        return session, session.tree.panel(state.panel)

    def _request(
        self,
        text: str = "",
        image: Image.Image | None = None,
        keep_words: bool = False,
        knobs: Knobs | None = None,
        notes: tuple[str, ...] = (),
        hint: str = "",
    ) -> TurnRequest:
        return make_request(
            self.store.config,
            text=text,
            image=image,
            notes=notes,
            keep_words=bool(keep_words),
            knobs=knobs,
            hint=hint,
        )

    def _turn(
        self, state: PageState, request: TurnRequest, kind: Kind = "turn", num_panels: int = 1
    ) -> PageUpdate:
        session = self._session(state)
        if state.panel:
            session.tree.panel(state.panel)
        try:
            job = self.queue.submit(
                *(kind, session.story_id, state.panel or None, request, num_panels),
            )
        except BusyError as error:
            # If another window of the story asked for a turn, this page watches that one.
            update = self.updates.story(state, session, state.panel)
            return replace(update, notice=render.notice(str(error)))
        return self._asked(state, session, job, state.panel)

    def _asked(
        self, state: PageState, session: StorySession, job: Job, panel_id: str
    ) -> PageUpdate:
        """Return the story at a panel, with a new job for the page to watch."""
        return self.updates.story(replace(state, job=job.id), session, panel_id)
