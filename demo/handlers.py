"""From an event of the page to a session call and back to what the page shows.

The page itself holds its place (story, panel, turn it watches) and sends it along with every event;
`gr.State` would forget it when the server restarts. A place is checked like any other input.

Every handler gives a `Screen`. A `SeedStoryError` becomes a notice and changes nothing else, so
what was typed stays where it was; any other exception is logged in full.
"""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, fields
from typing import Any

import gradio as gr
from PIL import Image

from demo import render
from demo.errors import explain
from demo.openings import Opening
from demo.turns import begin_story, watch
from seedstory_core import (
    KNOBS,
    MAKES_PANELS,
    BusyError,
    InputError,
    Job,
    JobQueue,
    Panel,
    SeedStoryError,
    SessionStore,
    StorageError,
    StoryNotFoundError,
    StorySession,
    TurnRequest,
    make_request,
    open_picture,
    tidy_text,
)

SAME: Any = object()
"""An output that stays as it is."""
NUM_ALTERNATIVES = 3
"""Pages that are told at once to choose from."""
MAX_REMEMBERED = 60
"""Earlier stories that are looked up for the start page."""

Place = dict[str, Any]


@dataclass
class Screen:
    """What changes on the page; the fields are the outputs of every event, in this order."""

    place: Any = SAME
    title: Any = SAME
    book: Any = SAME
    tail: Any = SAME
    live: Any = SAME
    outline: Any = SAME
    go_on: Any = SAME
    question: Any = SAME
    notice: Any = SAME
    draft: Any = SAME
    shelf: Any = SAME
    slot: Any = SAME
    own_picture: Any = SAME
    sentence: Any = SAME
    line: Any = SAME
    stories: Any = SAME
    words: Any = SAME
    pin: Any = SAME
    policy: Any = SAME

    def values(self) -> list[Any]:
        """The fields as Gradio wants them."""
        values = (getattr(self, field.name) for field in fields(self))
        return [gr.skip() if value is SAME else value for value in values]


def told(handler: Callable[..., Screen]) -> Callable[..., list[Any]]:
    """Make a handler answer errors with a notice."""

    @functools.wraps(handler)
    def safe(*args: Any, **kwargs: Any) -> list[Any]:
        try:
            screen = handler(*args, **kwargs)
        except Exception as error:
            problem = explain(error, f"The event {handler.__name__}")
            screen = Screen(notice=render.notice(problem.sentence))
        return screen.values()

    return safe


class Handlers:
    """The events of the page, over one store and one queue."""

    def __init__(self, store: SessionStore, queue: JobQueue, openings: tuple[Opening, ...]) -> None:
        """Serve a store's stories, with the turns of a queue and a shelf of openings."""
        self.store = store
        self.queue = queue
        self.openings = {opening.id: opening for opening in openings}
        self.shelf_texts = frozenset(opening.sentence for opening in openings)

    # Arriving and looking around

    @told
    def arrive(self, place: Place) -> Screen:
        """The page was loaded; its address says which story it shows."""
        return self._arrive(place)

    @told
    def click(self, place: Place, event: gr.EventData) -> Screen:
        """Something on the page was clicked: `data-do` says what."""
        what: dict[str, Any] = event._data or {}
        action = what.get("do")
        if action == "go":
            return self._show(place, self._session(place), _text(what, "panel"), watch=False)
        if action == "open":
            return self._open(place, _text(what, "story"), _text(what, "panel"))
        if action == "start":
            return self._start(place)
        if action == "rename":
            session = self._session(place)
            session.rename(_text(what, "title"))
            return self._show(place, session, _text(place, "panel"), watch=False)
        return Screen(notice="")

    # The start page

    @told
    def choose(self, sentence: str, event: gr.EventData) -> Screen:
        """A card of the shelf was taken, or the picture put away."""
        what: dict[str, Any] = event._data or {}
        opening = self.openings.get(_text(what, "opening"))
        # A sentence of the reader's own stays; one that came with a card goes with it.
        is_ours = not sentence.strip() or sentence in self.shelf_texts
        if opening is None:
            return self._form(sentence="" if is_ours else SAME)
        return Screen(
            draft={"opening": opening.id},
            shelf=self._shelf(opening.id),
            slot=render.first_picture(opening.url, "From the shelf."),
            own_picture=None,
            sentence=opening.sentence if is_ours else SAME,
            notice="",
        )

    @told
    def bring(self, path: str | None, sentence: str) -> Screen:
        """The reader's own picture arrived."""
        if path is None:
            return self._form()
        try:
            picture = open_picture(path)
        except SeedStoryError as error:
            return Screen(own_picture=None, notice=render.notice(str(error)))
        return Screen(
            draft={"opening": ""},
            shelf=self._shelf(),
            slot=render.first_picture(
                render.data_url(picture.image), "Your picture.", notes=picture.notes
            ),
            sentence="" if sentence in self.shelf_texts else SAME,
            notice="",
        )

    @told
    def begin(
        self,
        place: Place,
        draft: dict[str, Any],
        path: str | None,
        sentence: str,
        keep_words: bool,
        *knobs: Any,
    ) -> Screen:
        """Begin a story with what lies on the start page."""
        opening = self.openings.get(_text(draft or {}, "opening"))
        image: Image.Image | None = None
        notes: tuple[str, ...] = ()
        if path is not None:
            image, notes = open_picture(path)
        elif opening is not None:
            image = opening.image()
            # A card's sentence goes with its picture as it is.
            keep_words = keep_words or sentence == opening.sentence
        request = self._request(sentence, image, keep_words, knobs, notes)
        session, job = begin_story(self.store, self.queue, request)
        return self._show({**place, "job": job.id}, session, "")

    # Turns

    @told
    def go_on(self, place: Place, *knobs: Any) -> Screen:
        """Let the storyteller tell the next page."""
        return self._turn(place, self._request("", None, False, knobs))

    @told
    def write(self, place: Place, line: str, keep_words: bool, *knobs: Any) -> Screen:
        """Tell the next page beginning with the reader's words."""
        if not line.strip():
            raise InputError("There is nothing to read yet. Write a sentence first.")
        return self._turn(place, self._request(line, None, keep_words, knobs))

    @told
    def go_on_by_itself(self, place: Place, *knobs: Any) -> Screen:
        """After a first page that was wholly the reader's, the storyteller takes over at once."""
        if not place.get("then"):
            return Screen()
        return self._turn({**place, "then": ""}, self._request("", None, False, knobs))

    @told
    def ways(self, place: Place, *knobs: Any) -> Screen:
        """Let the storyteller tell the next page several ways, to choose from."""
        return self._turn(
            place, self._request("", None, False, knobs), num_alternatives=NUM_ALTERNATIVES
        )

    @told
    def again(self, place: Place, *knobs: Any) -> Screen:
        """Tell the current page another time; the one that is there stays, as a sibling."""
        session = self._session(place)
        panel = session.tree.panel(_text(place, "panel"))
        image = session.image(panel.id) if panel.image_source == "reader" else None
        keep_words = bool(panel.reader_text) and panel.text == panel.reader_text
        request = self._request(panel.reader_text, image, keep_words, knobs)
        if request.sampling.seed == panel.seed:
            raise InputError(
                f"This page was told with the seed {panel.seed} already. "
                "Clear the seed, or choose another one."
            )
        job = self.queue.submit("turn", session.story_id, panel.parent, request)
        return self._show({**place, "job": job.id}, session, panel.parent or "")

    @told
    def redraw(self, place: Place, *knobs: Any) -> Screen:
        """Paint the current page's picture anew."""
        session = self._session(place)
        panel = session.tree.panel(_text(place, "panel"))
        request = self._request("", None, False, knobs)
        if request.image_seed == panel.image_seed:
            raise InputError(
                f"This picture was painted with the seed {panel.image_seed} already. "
                "Clear the seed, or choose another one."
            )
        job = self.queue.submit("redraw", session.story_id, panel.id, request)
        return self._show({**place, "job": job.id}, session, panel.id)

    @told
    def ask_for_words(self, place: Place) -> Screen:
        """Lay the current page's words out to be changed."""
        panel = self._session(place).tree.panel(_text(place, "panel"))
        return Screen(place={**place, "asks": False, "rewords": True}, words=panel.text, notice="")

    @told
    def reword(self, place: Place, text: str) -> Screen:
        """Tell the current page with other words; the one that is there stays, as a sibling."""
        session = self._session(place)
        panel = session.tree.panel(_text(place, "panel"))
        request = self._request(text, None, True, ())
        job = self.queue.submit("rewrite", session.story_id, panel.id, request)
        return self._show({**place, "job": job.id}, session, panel.id)

    @told
    def change_picture(self, place: Place, path: str | None) -> Screen:
        """Tell the current page with the reader's own picture, likewise."""
        session = self._session(place)
        panel = session.tree.panel(_text(place, "panel"))
        if path is None:
            return Screen()
        image, notes = open_picture(path)
        request = self._request("", image, True, (), notes)
        job = self.queue.submit("picture", session.story_id, panel.id, request)
        return self._show({**place, "job": job.id}, session, panel.id)

    @told
    def pin(self, place: Place) -> Screen:
        """Never forget the current page, or let it be forgotten again."""
        session = self._session(place)
        panel_id = _text(place, "panel")
        session.pin(panel_id, panel_id not in session.pinned)
        return self._show(place, session, panel_id, watch=False)

    @told
    def set_policy(self, place: Place, policy: str) -> Screen:
        """Choose what of the story stays in view."""
        if not _text(place, "story"):
            raise InputError("Begin a story first; what is remembered is chosen story by story.")
        session = self._session(place)
        said = ""
        try:
            session.set_policy(policy)
        except SeedStoryError as error:
            said = render.notice(str(error))
        # Shows again what is really so where it was refused.
        return Screen(notice=said, policy=session.rule.policy)

    @told
    def stop(self, place: Place) -> Screen:
        """Stop the story's turn; it leaves no trace."""
        if self.queue.stop(_text(place, "story")):
            # The page that watches the turn says what came of it.
            return Screen()
        return self._arrive({**place, "job": "", "watch": ""})

    async def follow(self, place: Place) -> AsyncIterator[Any]:
        """Watch the turn that the page waits for."""
        job = self.queue.job(_text(place, "watch"))
        if job is None or job.story_id != _text(place, "story"):
            yield gr.skip()
            return
        number = self._number(job)
        image = job.request.reader_image
        own_picture = render.data_url(image) if image is not None else ""
        async for progress in watch(job):
            yield render.live(job, progress, number, own_picture=own_picture)
        yield gr.skip()

    @told
    def finish(self, place: Place, sentence: str, line: str) -> Screen:
        """The watched turn has ended: show what came of it, where the reader is now.

        Words that were typed meanwhile, or in another window, stay where they are.
        """
        job = self.queue.job(_text(place, "job"))
        if job is not None and not job.ended.is_set():
            return Screen()
        was_watching = bool(place.get("job"))
        place = {**place, "job": "", "watch": ""}
        if job is None:
            # Perhaps asked for before the server was started anew.
            return self._arrive(place) if was_watching else Screen()
        try:
            return self._finished(place, job, sentence, line)
        except StoryNotFoundError:
            # The story, or the page that is shown, was taken out in another window.
            return self._arrive(place)

    def _finished(self, place: Place, job: Job, sentence: str, line: str) -> Screen:
        if _text(place, "story") != job.story_id:
            return Screen(place=place)
        progress = job.progress
        if progress.phase != "done":
            return self._after_failure(place, job)
        session = self.store.open(job.story_id)
        stayed = _text(place, "panel") == (job.panel_id or "")
        if not stayed:
            screen = self._show(place, session, _text(place, "panel"))
            number = session.tree.depth(progress.panel_id)
            screen.notice = render.notice(f"Page {number} of the story is ready.", "info")
            return screen
        is_first = job.kind == "turn" and job.panel_id is None
        if is_first and job.is_given:
            place["then"] = "go on"
        # Where there are several to choose from, the choice is made from the page before.
        here = job.panel_id or "" if job.kind == "alternatives" else progress.panel_id
        screen = self._show(place, session, here)
        asked = job.request.reader_text
        if job.kind == "turn" and asked and asked == tidy_text(line or ""):
            screen.line = ""
        if is_first and asked == tidy_text(sentence or ""):
            form = self._form(sentence="")
            for name in ("draft", "shelf", "slot", "own_picture", "sentence"):
                setattr(screen, name, getattr(form, name))
        return screen

    # Taking pages out

    @told
    def ask_to_remove(self, place: Place) -> Screen:
        """Ask before a page and those after it are taken out."""
        session = self._session(place)
        question = render.removal_question(session.tree, _text(place, "panel"))
        place = {**place, "asks": True, "rewords": False}
        return Screen(place=place, question=question, notice="")

    @told
    def keep(self, place: Place) -> Screen:
        """Leave the story as it is after all."""
        return Screen(place={**place, "asks": False, "rewords": False})

    @told
    def remove(self, place: Place) -> Screen:
        """Take the current page and those after it out of the story."""
        session = self._session(place)
        panel = session.tree.panel(_text(place, "panel"))
        session.remove_branch(panel.id)
        newest = session.tree.newest
        if newest is None:
            return self._start(place, render.notice("The story has no pages left.", "info"))
        return self._show(place, session, panel.parent or newest.id)

    # What the page shows

    def _start(self, place: Place, notice: str = "") -> Screen:
        mine = place.get("mine")
        ids = [i for i in mine if isinstance(i, str)] if isinstance(mine, list) else []
        try:
            stories = self.store.archive.list(ids[:MAX_REMEMBERED])
        except StorageError as error:
            stories, notice = (), notice or render.notice(str(error))
        shown = [story for story in stories if story.num_panels or story.problem]
        return Screen(
            place=_place(view="start", mine=ids),
            live="",
            notice=notice,
            stories=render.story_shelf(shown),
        )

    def _arrive(self, place: Place) -> Screen:
        story_id = _text(place, "story")
        if not story_id:
            return self._start(place)
        try:
            return self._open(place, story_id, _text(place, "panel"))
        except StoryNotFoundError as error:
            return self._start(place, render.notice(str(error)))
        except SeedStoryError as error:
            # It may be there again in a minute, so its address stays.
            screen = self._start(place, render.notice(str(error)))
            screen.place = {**screen.place, "stay": True}
            return screen

    def _open(self, place: Place, story_id: str, panel_id: str) -> Screen:
        session = self.store.open(story_id)
        running = self.queue.running(story_id)
        newest = session.tree.newest
        if newest is None and running is None:
            return self._start(place, render.notice("This story was never begun.", "info"))
        notice = render.notice(" ".join(session.warnings), "info") if session.warnings else ""
        if panel_id and panel_id not in session.tree:
            notice = render.notice(
                f"{_missing(session, panel_id)} This is the newest page.", "info"
            )
            panel_id = ""
        if not panel_id:
            panel_id = (running.panel_id or "") if running else newest.id if newest else ""
        screen = self._show(place, session, panel_id)
        screen.notice = notice
        return screen

    def _show(
        self, place: Place, session: StorySession, panel_id: str, *, watch: bool = True
    ) -> Screen:
        """The story at a panel ('' is before the first page).

        `watch` has the page follow the story's turn from here on; False where it does already.
        """
        tree, story_id = session.tree, session.story_id
        panel = tree.panel(panel_id) if panel_id else None
        running = self.queue.running(story_id)
        is_live = running is not None and (running.panel_id or "") == panel_id
        job_id = running.id if running else _text(place, "job")
        live: Any = ""
        if running is not None and is_live:
            live = render.live(running, running.progress, self._number(running)) or SAME
        elsewhere = running if running is not None and not is_live else None
        return Screen(
            place=_place(
                view="story",
                story=story_id,
                panel=panel_id,
                title=tree.title,
                job=job_id,
                watch=job_id if watch else "",
                busy=running is not None,
                live=running.kind if running and is_live else "",
                begun=bool(len(tree)),
                redraw=panel is not None and panel.image_source == "model",
                again=panel is not None and not _is_readers(panel),
                then=_text(place, "then"),
                mine=place.get("mine"),
            ),
            title=render.title_bar(tree.title),
            book=render.book(tree, story_id, panel_id or None, self.shelf_texts),
            tail=render.tail(tree, story_id, panel_id or None, elsewhere=elsewhere),
            live=live,
            outline=render.outline(
                tree,
                story_id,
                panel_id or None,
                running=running,
                shelf_texts=self.shelf_texts,
                pinned=session.pinned,
            ),
            pin=gr.update(value=render.pin_label(panel_id in session.pinned)),
            policy=session.rule.policy,
            go_on=gr.update(value=render.go_on_label(tree, panel_id or None)),
            notice="",
        )

    def _after_failure(self, place: Place, job: Job) -> Screen:
        notice = render.notice(job.progress.error)
        if job.progress.phase == "stopped":
            notice = render.notice("Stopped. The story is as it was.", "info")
        try:
            session = self.store.open(job.story_id)
        except StoryNotFoundError:
            # Never begun: back to the start page, where everything still lies as it was.
            return self._start(place, notice)
        panel_id = _text(place, "panel")
        if panel_id not in session.tree and session.tree.newest:
            panel_id = session.tree.newest.id
        screen = self._show(place, session, panel_id)
        screen.notice = notice
        return screen

    def _shelf(self, chosen: str = "") -> str:
        return render.shelf(list(self.openings.values()), chosen)

    def _form(self, *, sentence: Any = SAME) -> Screen:
        """An empty start page; the sentence only if it is given."""
        return Screen(
            draft={"opening": ""},
            shelf=self._shelf(),
            slot=render.first_picture(has_shelf=bool(self.openings)),
            own_picture=None,
            sentence=sentence,
            notice="",
        )

    # Helpers

    def _session(self, place: Place) -> StorySession:
        return self.store.open(_text(place, "story"))

    def _request(
        self,
        text: str,
        image: Image.Image | None,
        keep_words: bool,
        knobs: tuple[Any, ...],
        notes: tuple[str, ...] = (),
    ) -> TurnRequest:
        return make_request(
            self.store.engine.config,
            text=text,
            image=image,
            notes=notes,
            keep_words=bool(keep_words),
            knobs=dict(zip(KNOBS, knobs, strict=False)),
        )

    def _turn(self, place: Place, request: TurnRequest, *, num_alternatives: int = 1) -> Screen:
        session = self._session(place)
        panel_id = _text(place, "panel")
        if panel_id:
            session.tree.panel(panel_id)
        try:
            job = self.queue.submit(
                "turn" if num_alternatives == 1 else "alternatives",
                session.story_id,
                panel_id or None,
                request,
                num_alternatives,
            )
        except BusyError as error:
            # Asked for in another window of the same story: this one may as well watch.
            screen = self._show(place, session, panel_id)
            screen.notice = render.notice(str(error))
            return screen
        return self._show({**place, "job": job.id}, session, panel_id)

    def _number(self, job: Job) -> int:
        if job.panel_id is None:
            return 1
        depth = self.store.open(job.story_id).tree.depth(job.panel_id)
        return depth + (job.kind in MAKES_PANELS)


def _is_readers(panel: Panel) -> bool:
    """The same of a finished page."""
    return panel.image_source == "reader" and panel.text == panel.reader_text


def _missing(session: StorySession, panel_id: str) -> str:
    try:
        session.tree.panel(panel_id)
    except SeedStoryError as error:
        return str(error)
    return ""


def _text(values: dict[str, Any], name: str) -> str:
    value = values.get(name) if isinstance(values, dict) else None
    return value if isinstance(value, str) else ""


def _place(**changes: Any) -> Place:
    return {**nowhere(), **changes}


def nowhere() -> Place:
    """Where the page is and what it may do there, before it is anywhere.

    `assets/studio.js` turns a place into attributes of the page, which the stylesheet reads.
    """
    return {
        "view": "start",
        "story": "",
        "panel": "",
        "title": "",
        "job": "",
        "watch": "",
        "busy": False,
        "live": "",
        "begun": False,
        "redraw": False,
        "again": False,
        "asks": False,
        "rewords": False,
        "then": "",
        "mine": [],
        "stay": False,
    }
