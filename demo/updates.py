"""Updates of the page: the start page, a story at a panel, and the outcome of a turn.

`handlers.py` chooses among them on each event.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from demo import manuscript, render
from demo.books import ShelfBook
from demo.manuscript import Manuscripts
from demo.openings import Opening
from demo.state import SAME, PageState, PageUpdate, Same
from seedstory_core import (
    MAKES_PANELS,
    STOPPED,
    Job,
    JobQueue,
    Progress,
    SeedStoryError,
    SessionStore,
    StorageError,
    StoryNotFoundError,
    StorySession,
    StorySummary,
    keep_text,
)

UNKNOWN = (
    ", or another server of the studio is still telling it: this one does not know of it, most "
    "likely because it was restarted."
)
FORKED = "This is your own copy of the tale. Whatever you do, the one you have read stays as it is."
MAX_REMEMBERED = 60
"""Earlier stories that are looked up for the start page at most."""


class Updates:
    """Makes page updates from one store, one queue and a shelf of openings."""

    def __init__(
        self,
        store: SessionStore,
        queue: JobQueue,
        openings: tuple[Opening, ...],
        books: Mapping[str, ShelfBook],
    ) -> None:
        """Show a store's stories, the turns of a queue, the openings and the finished books."""
        self.store = store
        self.queue = queue
        self.openings = openings
        self.books = books
        self.shelf_texts = frozenset(opening.sentence for opening in openings)
        self._manuscripts = Manuscripts()

    # The start page

    def start(self, state: PageState, notice: str = "") -> PageUpdate:
        """Return the start page with the stories that this browser remembers."""
        stories: tuple[StorySummary, ...] = ()
        mine = state.mine
        try:
            stories = self.store.archive.list(mine[:MAX_REMEMBERED])
        except StorageError as error:
            notice = notice or render.notice(str(error))
        return PageUpdate(
            state=PageState(mine=mine, ticket=state.ticket),
            live="",
            notice=notice,
            stories=render.story_shelf(
                [story for story in stories if story.num_panels or story.problem]
            ),
        )

    def form(self, *, sentence: str | Same = SAME) -> PageUpdate:
        """Return an empty form for the first panel; the sentence changes only if it is given."""
        return PageUpdate(
            draft={"opening": ""},
            shelf=self.shelf(),
            slot=render.first_image(has_shelf=bool(self.openings)),
            own_image=None,
            sentence=sentence,
            notice="",
        )

    def shelf(self, chosen: str = "") -> str:
        """Return the cards, the chosen one marked."""
        return render.shelf(self.openings, chosen)

    # A story

    def arrive(self, state: PageState) -> PageUpdate:
        """Return the story that the page's address names, or the start page."""
        if state.fork:
            return self._fork(state)
        if not state.story:
            return self.start(state)
        job = self.queue.job(state.job)
        try:
            if job is not None and job.progress.phase in ("stopped", "failed"):
                return self.finished(replace(state, job="", watch=""), job, "", "")
            return self.open(state, state.story, state.panel)
        except StoryNotFoundError as error:
            return self.start(state, render.notice(str(error)))
        except SeedStoryError as error:
            # It may be there again in a minute, so its address stays.
            update = self.start(state, render.notice(str(error)))
            return replace(update, state=PageState(mine=state.mine, ticket=state.ticket, stay=True))

    def _fork(self, state: PageState) -> PageUpdate:
        """Return a copy of a story that the reader may only read, to be told on."""
        archive = self.store.archive
        state, key = replace(state, fork=""), state.fork
        try:
            if key in self.books:
                copied = self.books[key].book.copy_to(archive)
            else:
                source = archive.story_of(key)
                tree = self.store.open(source).tree
                copied = archive.copy(source, [panel.id for panel in tree]).id
            update = self.open(replace(state, story="", job=""), copied, state.panel)
        except SeedStoryError as error:
            return self.start(state, render.notice(str(error)))
        return replace(update, notice=render.notice(FORKED, "info"))

    def open(self, state: PageState, story_id: str, panel_id: str) -> PageUpdate:
        """Return a story at a panel; '' is that of its turn, or else its newest.

        Its turn is the one that runs, or whose outcome the page still has to show.
        """
        session = self.store.open(story_id)
        running = self.queue.running(story_id)
        if story_id != state.story:
            state = replace(state, job="", due="", live="")
        elif state.job and running is None and self.queue.job(state.job) is None:
            session.is_stale = True  # another server may have saved the panel meanwhile
            return self._lost(state, self.store.open(story_id))
        newest = session.tree.newest
        if newest is None and running is None:
            return self.start(state, render.notice("This story was never begun.", "info"))
        notice = render.notice(" ".join(session.warnings), "info") if session.warnings else ""
        if panel_id and panel_id not in session.tree:
            missing = f"{_missing(session, panel_id)} This is the newest page."
            notice = render.notice(missing, "info")
            panel_id = ""
        if not panel_id:
            turn = running or self._pending(state, story_id)
            panel_id = (turn.panel_id or "") if turn else newest.id if newest else ""
        return replace(self.story(state, session, panel_id), notice=notice)

    def story(
        self, state: PageState, session: StorySession, panel_id: str, *, watch: bool = True
    ) -> PageUpdate:
        """Return a story at a panel; '' is before the first.

        `watch` makes the page follow the story's turn; False where it does so already.
        """
        tree, story_id = session.tree, session.story_id
        if panel_id:
            tree.panel(panel_id)
        running = self.queue.running(story_id)
        pending = running or self._pending(state, story_id)
        job_id = pending.id if pending else ""
        is_new = pending is None or pending.id != state.job
        live: str | Same = ""
        if running is not None:
            live = self.live(running, running.progress) or SAME
        written = manuscript.write(session, self.shelf_texts)
        change = self._manuscripts.change(written, state.seal if state.story == story_id else "")
        return PageUpdate(
            state=PageState(
                view="story",
                story=story_id,
                panel=panel_id,
                steps=state.steps,
                seal=state.seal if change is None else change["seal"],
                job=job_id,
                due=tree.next_id() if is_new or not state.due else state.due,
                watch=job_id if watch else "",
                busy=pending is not None,
                live=running.kind if running else "",
                at=(running.panel_id or "") if running else "",
                begun=bool(len(tree)),
                then=state.then,
                mine=state.mine,
                ticket=state.ticket,
            ),
            manuscript=SAME if change is None else change,
            live=live,
            policy=session.policy.policy,
            notice="",
        )

    def _pending(self, state: PageState, story_id: str) -> Job | None:
        """Return the story's job whose outcome the page still has to show."""
        job = self.queue.job(state.job)
        return job if job is not None and job.story_id == story_id else None

    def live(self, job: Job, progress: Progress, own_image: str = "") -> str:
        """Return the panel that a job makes or changes, as far as it is; '' once it has ended.

        Args:
            job: The job.
            progress: Its progress.
            own_image: Address of the reader's own image, if there is one.
        """
        before = None
        if job.kind == "redraw" and job.panel_id is not None:
            before = self.store.open(job.story_id).tree.panel(job.panel_id)
        return render.live(
            *(job, progress, self.panel_number(job) + progress.num_made * (job.kind == "run")),
            own_image=own_image,
            before=before,
            shelf_texts=self.shelf_texts,
            seconds_left=self.queue.seconds_left(job),
        )

    def panel_number(self, job: Job) -> int:
        """Return the number, on its path from 1, of the panel that a job makes or changes."""
        if job.panel_id is None:
            return 1
        depth = self.store.open(job.story_id).tree.depth(job.panel_id)
        return depth + (job.kind in MAKES_PANELS)

    # The outcome of a turn

    def finished(self, state: PageState, job: Job, sentence: str, line: str) -> PageUpdate:
        """Return the outcome of a turn, at the panel where the reader is now.

        Args:
            state: State of the page, which no longer waits for the turn.
            job: The job, which has ended.
            sentence: Text in the field for a first sentence; cleared if it was told.
            line: Text in the field for the next line; likewise.

        Raises:
            StoryNotFoundError: The story or the shown panel is not there any more.
        """
        if state.story != job.story_id:
            return PageUpdate(state=state)
        progress = job.progress
        if progress.phase != "done":
            return self._failed(state, job)
        session = self.store.open(job.story_id)
        if state.panel != (job.panel_id or ""):
            # The reader went elsewhere meanwhile, and stays there.
            number = session.tree.depth(progress.panel_id)
            ready = render.notice(f"Page {number} of the story is ready.", "info")
            return replace(self.story(state, session, state.panel), notice=ready)
        is_first = job.kind == "turn" and job.panel_id is None
        if is_first and job.is_given:
            state = replace(state, then=True)
        # The reader chooses among alternatives from the panel before them.
        here = job.panel_id or "" if job.kind == "alternatives" else progress.panel_id
        update = self.story(state, session, here)
        asked = job.request.reader_text
        if job.kind == "turn" and asked and asked == keep_text(line):
            update = replace(update, line="")
        if is_first and asked == keep_text(sentence):
            form = self.form(sentence="")
            update = replace(
                update,
                draft=form.draft,
                shelf=form.shelf,
                slot=form.slot,
                own_image=form.own_image,
                sentence=form.sentence,
            )
        return update

    def _lost(self, state: PageState, session: StorySession) -> PageUpdate:
        """Return what became of a turn that the queue does not know.

        Its server was restarted, or is another one. If the panel was saved, `state.due` is in the
        tree.
        """
        tree, kind = session.tree, state.live
        state = replace(state, job="", watch="")
        if tree.newest is None:
            kept = (
                "Your sentence is still in its field; choose the picture again, if there was one."
            )
            return self.start(state, render.notice(f"Your first page was lost{UNKNOWN} {kept}"))
        here = state.panel if state.panel in tree else tree.newest.id
        number = tree.depth(here)
        if state.due in tree:
            made = tree.panel(state.due)
            if kind == "alternatives" or (made.parent or "") == here:
                # The reader chooses among alternatives from the panel before them.
                return self.story(state, session, here if kind == "alternatives" else made.id)
            ready = f"Page {tree.depth(made.id)} of the story is ready."
            return replace(self.story(state, session, here), notice=render.notice(ready, "info"))
        what = {
            "turn": f"Page {number + 1}",
            "alternatives": f"Page {number + 1}",
            "redraw": f"The new picture of page {number}",
            "rewrite": f"The other page {number}",
            "image": f"The other page {number}",
        }.get(kind, "The page that was being told")
        update = self.story(state, session, here)
        lost = (
            f"{what} was lost{UNKNOWN} The story is as it was, and what you have typed is still in "
            "its field."
        )
        return replace(update, notice=render.notice(lost))

    def _failed(self, state: PageState, job: Job) -> PageUpdate:
        notice = render.notice(job.progress.error)
        if job.progress.phase == "stopped":
            notice = render.notice(STOPPED, "info")
        try:
            session = self.store.open(job.story_id)
        except StoryNotFoundError:
            # The story was never begun: back to the start page, where the form is as it was.
            return self.start(state, notice)
        panel_id = state.panel
        if panel_id not in session.tree and session.tree.newest:
            panel_id = session.tree.newest.id
        return replace(self.story(state, session, panel_id), notice=notice)


def _missing(session: StorySession, panel_id: str) -> str:
    try:
        session.tree.panel(panel_id)
    except SeedStoryError as error:
        return str(error)
    return ""
