"""Named endpoints for programs: the same queue, stories and checks as the page.

Every endpoint takes and gives plain values. Those that make a page are generators: `submit` of
`gradio_client` shows how far they are, `predict` waits for the page. An error is one sentence.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import inspect
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import gradio as gr
from PIL import Image

from demo.errors import explain
from demo.openings import Opening
from demo.serialize import outline_as_json, panel_as_json, progress_as_json, story_as_json
from demo.turns import begin_story, watch
from seedstory_core import (
    KNOBS,
    MAX_ALTERNATIVES,
    POLICIES,
    InputError,
    Job,
    JobQueue,
    SeedStoryError,
    SessionStore,
    TurnCancelled,
    TurnRequest,
    make_request,
    open_picture,
    read_number,
)

Step = tuple[dict[str, Any], Image.Image | None]
Knobs = Mapping[str, Any]
NO_KNOBS: Knobs = MappingProxyType({})
PAINTING = ("seed", "steps", "guidance")
"""The knobs that a picture alone depends on."""


class Api:
    """The endpoints; their docstrings are their documentation."""

    def __init__(self, store: SessionStore, queue: JobQueue, openings: tuple[Opening, ...]) -> None:
        """Serve the same store, queue and shelf as the page."""
        self.store = store
        self.queue = queue
        self.shelf = openings

    async def begin(
        self,
        sentence: str | None = None,
        picture: str | None = None,
        opening: str | None = None,
        keep_words: bool = False,
        knobs: Knobs = NO_KNOBS,
    ) -> AsyncIterator[Step]:
        """Begin a story with a sentence, a picture, or both, or with an opening of the shelf.

        Args:
            sentence: The first words of the story; the storyteller goes on from them.
            picture: A file to begin with: PNG, JPEG or WebP.
            opening: Id of a card of the shelf (see `openings`), for its picture and its sentence.
            keep_words: Whether page one keeps to your words, and nothing is added to them.
            knobs: Each is a parameter of its own.

        Returns:
            The first page as JSON (`story_id`, `panel_id`, `text`, …).
            Its picture.
        """

        def ask() -> Job:
            text, image, keep = sentence or "", None, keep_words
            notes: tuple[str, ...] = ()
            if opening:
                card = next((card for card in self.shelf if card.id == opening), None)
                if card is None:
                    known = ", ".join(card.id for card in self.shelf)
                    raise InputError(f"There is no opening {opening[:40]!r}; there are {known}.")
                keep = keep or not text
                text, image = text or card.sentence, card.image()
            if picture is not None:
                image, notes = open_picture(picture)
            request = self._request(text, image, keep, knobs, notes)
            return begin_story(self.store, self.queue, request)[1]

        async for step in self._made("begin", ask):
            yield step

    async def continue_story(
        self,
        story_id: str,
        panel_id: str | None = None,
        text: str | None = None,
        keep_words: bool = False,
        knobs: Knobs = NO_KNOBS,
    ) -> AsyncIterator[Step]:
        """Tell the next page after a panel; after one that has a next page, this begins a branch.

        Args:
            story_id: Of the story.
            panel_id: The page to go on from; without it, the newest.
            text: Your words, with which the page begins.
            keep_words: Whether the page keeps to your words, and nothing is added to them.
            knobs: Each is a parameter of its own.

        Returns:
            The page as JSON.
            Its picture.
        """

        def ask() -> Job:
            after = self._after(story_id, panel_id)
            request = self._request(text or "", None, keep_words, knobs)
            return self.queue.submit("turn", story_id, after, request)

        async for step in self._made("continue_story", ask):
            yield step

    async def alternatives(
        self,
        story_id: str,
        panel_id: str | None = None,
        text: str | None = None,
        count: float = 3,
        knobs: Knobs = NO_KNOBS,
    ) -> AsyncIterator[Step]:
        """Tell several next pages at once, as siblings that part early; all of them are kept.

        Args:
            story_id: Of the story.
            panel_id: The page to go on from; without it, the newest.
            text: Your words, with which each of them begins.
            count: How many.
            knobs: Each is a parameter of its own.

        Returns:
            The first of them as JSON, with the ids of all as `panel_ids`.
            Its picture.
        """

        def ask() -> Job:
            num_alternatives = int(
                read_number("count", count, 2, MAX_ALTERNATIVES, whole=True) or 2
            )
            after = self._after(story_id, panel_id)
            request = self._request(text or "", None, False, knobs)
            return self.queue.submit("alternatives", story_id, after, request, num_alternatives)

        async for step in self._made("alternatives", ask):
            yield step

    async def redraw(
        self, story_id: str, panel_id: str, knobs: Knobs = NO_KNOBS
    ) -> AsyncIterator[Step]:
        """Paint a page's picture anew, with another seed. The text and all other pages stay.

        Args:
            story_id: Of the story.
            panel_id: Of the page.
            knobs: Each is a parameter of its own.

        Returns:
            The page as JSON.
            Its new picture.
        """

        def ask() -> Job:
            panel = self.store.open(story_id).tree.panel(panel_id)
            request = self._request("", None, False, knobs)
            return self.queue.submit("redraw", story_id, panel.id, request)

        async for step in self._made("redraw", ask):
            yield step

    async def rewrite(self, story_id: str, panel_id: str, text: str) -> AsyncIterator[Step]:
        """Tell a page with other words and its picture: a sibling, and the page itself stays.

        Args:
            story_id: Of the story.
            panel_id: Of the page.
            text: The new words.

        Returns:
            The sibling as JSON.
            Its picture.
        """

        def ask() -> Job:
            panel = self.store.open(story_id).tree.panel(panel_id)
            request = self._request(text, None, True, NO_KNOBS)
            return self.queue.submit("rewrite", story_id, panel.id, request)

        async for step in self._made("rewrite", ask):
            yield step

    async def replace_picture(
        self, story_id: str, panel_id: str, picture: str | None
    ) -> AsyncIterator[Step]:
        """Tell a page with its words and your picture: a sibling, and the page itself stays.

        Args:
            story_id: Of the story.
            panel_id: Of the page.
            picture: A file: PNG, JPEG or WebP.

        Returns:
            The sibling as JSON.
            Its picture.
        """

        def ask() -> Job:
            panel = self.store.open(story_id).tree.panel(panel_id)
            if picture is None:
                raise InputError("There is no picture. Choose one.")
            image, notes = open_picture(picture)
            request = self._request("", image, True, NO_KNOBS, notes)
            return self.queue.submit("picture", story_id, panel.id, request)

        async for step in self._made("replace_picture", ask):
            yield step

    def memory(
        self, story_id: str, policy: str = "", pin: str = "", unpin: str = ""
    ) -> dict[str, Any]:
        """How a story forgets, after changing it where asked; pages told already stay as told.

        Args:
            story_id: Of the story.
            policy: The new policy, one of `policies` in the answer.
            pin: A panel that is never to be forgotten.
            unpin: A panel that may be forgotten again.

        Returns:
            The policy and its counts, the pinned panels, and the bytes of kept keys and values.
        """
        with _explained("memory"):
            session = self.store.open(story_id)
            if policy:
                session.set_policy(policy)
            if pin:
                session.pin(pin)
            if unpin:
                session.pin(unpin, False)
            chosen = session.policy
            return {
                "story_id": story_id,
                "policy": chosen.policy,
                "policies": list(POLICIES),
                "window_panels": chosen.window_panels,
                "max_rows": chosen.max_rows,
                "pinned": sorted(session.pinned),
                "bytes": session.memory.num_bytes,
            }

    def open_story(self, story_id: str, panel_id: str = "") -> dict[str, Any]:
        """Open a story and give its pages.

        Args:
            story_id: Of the story.
            panel_id: The last page that is given; without it, the newest.

        Returns:
            Title, number of all its panels, and the pages in order.
        """
        with _explained("open_story"):
            tree = self.store.open(story_id).tree
            newest = tree.newest
            here = tree.panel(panel_id) if panel_id else newest
            return story_as_json(tree, story_id, here.id if here else None)

    def outline(self, story_id: str) -> dict[str, Any]:
        """Every panel of a story with its parent and children, and where its branches end.

        Args:
            story_id: Of the story.

        Returns:
            The whole tree.
        """
        with _explained("outline"):
            return outline_as_json(self.store.open(story_id).tree, story_id)

    def stop(self, story_id: str) -> bool:
        """Stop the story's running turn, which leaves no trace.

        Args:
            story_id: Of the story.

        Returns:
            False when there was none.
        """
        with _explained("stop"):
            self.store.open(story_id)
            return self.queue.stop(story_id)

    def rename(self, story_id: str, title: str) -> dict[str, Any]:
        """Give a story a title.

        Args:
            story_id: Of the story.
            title: The new title; an empty one goes back to the story's first words.

        Returns:
            The title that it has now.
        """
        with _explained("rename"):
            session = self.store.open(story_id)
            session.rename(title)
            return {"story_id": story_id, "title": session.tree.title}

    def remove_branch(self, story_id: str, panel_id: str) -> dict[str, Any]:
        """Take a panel and everything after it out of a story.

        Args:
            story_id: Of the story.
            panel_id: Of the first panel that goes.

        Returns:
            The outline that is left.
        """
        with _explained("remove_branch"):
            session = self.store.open(story_id)
            session.remove_branch(panel_id)
            return outline_as_json(session.tree, story_id)

    def openings(self) -> list[dict[str, Any]]:
        """The shelf of openings, for `begin`.

        Returns:
            Id, sentence and address of the picture of each.
        """
        return [
            {"opening": card.id, "sentence": card.sentence, "picture": card.url}
            for card in self.shelf
        ]

    def endpoints(self) -> dict[str, Callable[..., Any]]:
        """Every endpoint by name, with its knobs as parameters of their own."""
        return {
            "begin": _with_knobs(self.begin),
            "continue_story": _with_knobs(self.continue_story),
            "alternatives": _with_knobs(self.alternatives),
            "redraw": _with_knobs(self.redraw, PAINTING),
            "rewrite": self.rewrite,
            "replace_picture": self.replace_picture,
            "memory": self.memory,
            "open_story": self.open_story,
            "outline": self.outline,
            "stop": self.stop,
            "rename": self.rename,
            "remove_branch": self.remove_branch,
            "openings": self.openings,
        }

    def _after(self, story_id: str, panel_id: str | None) -> str | None:
        """The panel that was named, or the newest one."""
        tree = self.store.open(story_id).tree
        if panel_id:
            return tree.panel(panel_id).id
        return tree.newest.id if tree.newest else None

    def _request(
        self,
        text: str,
        image: Image.Image | None,
        keep_words: bool,
        knobs: Knobs,
        notes: tuple[str, ...] = (),
    ) -> TurnRequest:
        return make_request(
            self.store.config,
            text=text,
            image=image,
            notes=notes,
            keep_words=keep_words,
            knobs=knobs,
        )

    async def _made(self, endpoint: str, ask: Callable[[], Job]) -> AsyncIterator[Step]:
        """Put a request in the queue and tell how it goes, with the finished page last."""
        with _explained(endpoint):
            job: Job = await asyncio.to_thread(ask)
            async for progress in watch(job):
                yield progress_as_json(job, progress), None
            progress = job.progress
            if progress.phase == "stopped":
                raise TurnCancelled
            if progress.phase == "failed":
                raise SeedStoryError(progress.error)
            session = await asyncio.to_thread(self.store.open, job.story_id)
            panel = session.tree.panel(progress.panel_id)
            image = await asyncio.to_thread(session.image, panel.id)
            page = panel_as_json(session.tree, job.story_id, panel)
            if job.kind == "alternatives":
                made = session.tree.children(job.panel_id)[-job.num_alternatives :]
                page["panel_ids"] = [one.id for one in made]
            yield {"story_id": job.story_id, "state": "done", **page}, image


@contextlib.contextmanager
def _explained(endpoint: str) -> Iterator[None]:
    """Give a program our sentence, and never a traceback."""
    try:
        yield
    except Exception as error:
        problem = explain(error, f"The endpoint {endpoint}")
        raise gr.Error(problem.sentence, print_exception=False) from error


def _with_knobs(
    endpoint: Callable[..., AsyncIterator[Step]], keys: Sequence[str] = tuple(KNOBS)
) -> Callable[..., Any]:
    """Give an endpoint knobs as parameters of their own, which is how programs name them."""
    own = list(inspect.signature(endpoint).parameters.values())[:-1]
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    more = [inspect.Parameter(key, kind, default=None, annotation=float | None) for key in keys]
    signature = inspect.Signature([*own, *more])

    @functools.wraps(endpoint)
    async def call(*values: Any) -> AsyncIterator[Step]:
        named = signature.bind(*values).arguments
        knobs = {key: named.pop(key, None) for key in keys}
        async for step in endpoint(**named, knobs=knobs):
            yield step

    # The line about `knobs`, the last one, becomes a line for each.
    before, after = inspect.cleandoc(endpoint.__doc__ or "").split("\n\nReturns:")
    before = before.rsplit("\n", 1)[0]
    meanings = [f"    {key}: {KNOBS[key].setting.meaning}" for key in keys]
    call.__doc__ = "\n".join([before, *meanings]) + "\n\nReturns:" + after
    call.__signature__ = signature  # type: ignore[attr-defined]
    return call


def add_api(store: SessionStore, queue: JobQueue, openings: tuple[Opening, ...]) -> None:
    """Add the endpoints to the page under construction."""
    api = Api(store, queue, openings)
    # Endpoints that take or give pictures go through components, which store and check the files;
    # they are never shown.
    with gr.Column(visible=False):
        story_id = gr.Textbox(label="story_id")
        panel_id = gr.Textbox(label="panel_id")
        text = gr.Textbox(label="text")
        opening = gr.Textbox(label="opening")
        picture = gr.File(label="picture")
        keep_words = gr.Checkbox(label="keep_words")
        count = gr.Number(3, label="count")
        knobs = {key: gr.Number(None, label=key) for key in KNOBS}
        panel = gr.JSON(label="page")
        image = gr.Image(label="picture", format="png", type="pil")
        trigger = gr.Button()
    inputs: dict[str, list[Any]] = {
        "begin": [text, picture, opening, keep_words, *knobs.values()],
        "continue_story": [story_id, panel_id, text, keep_words, *knobs.values()],
        "alternatives": [story_id, panel_id, text, count, *knobs.values()],
        "redraw": [story_id, panel_id, *(knobs[key] for key in PAINTING)],
        "rewrite": [story_id, panel_id, text],
        "replace_picture": [story_id, panel_id, picture],
    }
    for name, endpoint in api.endpoints().items():
        if name in inputs:
            trigger.click(
                endpoint,
                inputs[name],
                [panel, image],
                api_name=name,
                show_progress="hidden",
                concurrency_limit=None,
            )
        else:
            gr.api(endpoint, api_name=name, concurrency_limit=None)
