"""Named endpoints for programs: the same queue, stories and checks as the page.

Every endpoint takes and gives plain values. Those that make a page are generators: `submit` of
`gradio_client` shows how far they are, `predict` waits for the page. An error is one sentence.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import inspect
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
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

        Gives the first page as JSON (`story_id`, `panel_id`, `text`, …) and its picture.
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
        """Tell the next page after a panel; without `panel_id`, after the newest one.

        `text` begins the page with your words; `keep_words` keeps it to them. After a panel that
        has a next page already, this begins a branch. Gives the page as JSON and its picture.
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
        """Tell the next page several ways at once, as siblings; all of them are kept.

        Their words part where the storyteller first sees a choice. Gives the first page as JSON,
        with the ids of all of them as `panel_ids`, and its picture.
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
        self,
        story_id: str,
        panel_id: str,
        seed: float | None = None,
        steps: float | None = None,
        guidance: float | None = None,
    ) -> AsyncIterator[Step]:
        """Paint a page's picture anew, with another seed. The text and all other pages stay."""

        def ask() -> Job:
            panel = self.store.open(story_id).tree.panel(panel_id)
            knobs = {"seed": seed, "steps": steps, "guidance": guidance}
            request = self._request("", None, False, knobs)
            return self.queue.submit("redraw", story_id, panel.id, request)

        async for step in self._made("redraw", ask):
            yield step

    async def rewrite(self, story_id: str, panel_id: str, text: str) -> AsyncIterator[Step]:
        """Tell a page with other words and its picture: a sibling, and the page itself stays."""

        def ask() -> Job:
            panel = self.store.open(story_id).tree.panel(panel_id)
            request = self._request(text, None, True, NO_KNOBS)
            return self.queue.submit("rewrite", story_id, panel.id, request)

        async for step in self._made("rewrite", ask):
            yield step

    async def replace_picture(
        self, story_id: str, panel_id: str, picture: str | None
    ) -> AsyncIterator[Step]:
        """Tell a page with its words and your picture: a sibling, and the page itself stays."""

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
        """How a story forgets, after changing it where asked.

        `policy` is one of `policies` in the answer; pages told already stay as they were told.
        `pin` names a panel that is never to be forgotten, `unpin` one that may be again.
        """
        with _explained("memory"):
            session = self.store.open(story_id)
            if policy:
                session.set_policy(policy)
            if pin:
                session.pin(pin)
            if unpin:
                session.pin(unpin, False)
            rule = session.rule
            return {
                "story_id": story_id,
                "policy": rule.policy,
                "policies": list(POLICIES),
                "window_panels": rule.window_panels,
                "max_rows": rule.max_rows,
                "pinned": sorted(session.pinned),
                "bytes": session.memory.num_bytes,
            }

    def open_story(self, story_id: str, panel_id: str = "") -> dict[str, Any]:
        """A story's pages up to a panel; without `panel_id`, up to the newest."""
        with _explained("open_story"):
            tree = self.store.open(story_id).tree
            newest = tree.newest
            here = tree.panel(panel_id) if panel_id else newest
            return story_as_json(tree, story_id, here.id if here else None)

    def outline(self, story_id: str) -> dict[str, Any]:
        """Every panel of a story with its parent and children, and where its branches end."""
        with _explained("outline"):
            return outline_as_json(self.store.open(story_id).tree, story_id)

    def stop(self, story_id: str) -> bool:
        """Stop the story's running turn, which leaves no trace; false when there was none."""
        with _explained("stop"):
            self.store.open(story_id)
            return self.queue.stop(story_id)

    def rename(self, story_id: str, title: str) -> dict[str, Any]:
        """Give a story a title; an empty one goes back to its first words."""
        with _explained("rename"):
            session = self.store.open(story_id)
            session.rename(title)
            return {"story_id": story_id, "title": session.tree.title}

    def remove_branch(self, story_id: str, panel_id: str) -> dict[str, Any]:
        """Take a panel and everything after it out of a story; gives the outline that is left."""
        with _explained("remove_branch"):
            session = self.store.open(story_id)
            session.remove_branch(panel_id)
            return outline_as_json(session.tree, story_id)

    def openings(self) -> list[dict[str, Any]]:
        """The shelf of openings, for `begin`."""
        return [
            {"opening": card.id, "sentence": card.sentence, "picture": card.url}
            for card in self.shelf
        ]

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
            self.store.engine.config,
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


def _with_knobs(endpoint: Callable[..., AsyncIterator[Step]]) -> Callable[..., Any]:
    """Give an endpoint every knob as a parameter of its own, which is how programs name them."""
    own = list(inspect.signature(endpoint).parameters.values())[:-1]
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    more = [inspect.Parameter(k, kind, default=None, annotation=float | None) for k in KNOBS]
    signature = inspect.Signature([*own, *more])

    @functools.wraps(endpoint)
    async def call(*values: Any) -> AsyncIterator[Step]:
        named = signature.bind(*values).arguments
        knobs = {key: named.pop(key, None) for key in KNOBS}
        async for step in endpoint(**named, knobs=knobs):
            yield step

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
    options: dict[str, Any] = {"show_progress": "hidden", "concurrency_limit": None}
    trigger.click(
        _with_knobs(api.begin),
        [text, picture, opening, keep_words, *knobs.values()],
        [panel, image],
        api_name="begin",
        **options,
    )
    trigger.click(
        _with_knobs(api.continue_story),
        [story_id, panel_id, text, keep_words, *knobs.values()],
        [panel, image],
        api_name="continue_story",
        **options,
    )
    trigger.click(
        _with_knobs(api.alternatives),
        [story_id, panel_id, text, count, *knobs.values()],
        [panel, image],
        api_name="alternatives",
        **options,
    )
    trigger.click(
        api.redraw,
        [story_id, panel_id, knobs["seed"], knobs["steps"], knobs["guidance"]],
        [panel, image],
        api_name="redraw",
        **options,
    )
    trigger.click(
        api.rewrite, [story_id, panel_id, text], [panel, image], api_name="rewrite", **options
    )
    trigger.click(
        api.replace_picture,
        [story_id, panel_id, picture],
        [panel, image],
        api_name="replace_picture",
        **options,
    )
    for endpoint in (
        api.memory,
        api.open_story,
        api.outline,
        api.stop,
        api.rename,
        api.remove_branch,
        api.openings,
    ):
        gr.api(endpoint, api_name=endpoint.__name__, concurrency_limit=None)
