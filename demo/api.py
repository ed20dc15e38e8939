"""Named endpoints for programs: the same queue, stories and checks as the page.

Every endpoint takes and returns plain values. Those that make a panel are generators: the client's
`submit` shows their progress, `predict` waits for the panel. An error is one sentence.
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

from demo.errors import explain, explain_saved
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
    SessionStore,
    TurnCancelled,
    TurnRequest,
    make_request,
    open_image,
    read_number,
)

Step = tuple[dict[str, Any], Image.Image | None]
Knobs = Mapping[str, Any]
NO_KNOBS: Knobs = MappingProxyType({})
PAINTING = ("seed", "steps", "guidance")
"""The knobs that apply when only an image is painted."""


def _kept(store: Any) -> Any:
    """Return a component's `postprocess` that answers None if it cannot store an image.

    It writes a copy for the client beside the uploads. Without it the answer still has the panel,
    and in `picture` the address of the image.
    """

    def postprocess(value: Any) -> Any:
        try:
            return store(value)
        except Exception as error:
            explain(error, "Storing the picture of an answer")
            return None

    return postprocess


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
        """Begin a story with a sentence, an image or both, or with an opening from the shelf.

        Args:
            sentence: The first words of the story; the storyteller goes on from them.
            picture: An image file to begin with: PNG, JPEG, WebP or AVIF.
            opening: Id of an opening (see `openings`), for its image and its sentence.
            keep_words: Whether your words are the whole text; the storyteller then adds none.
            knobs: One parameter each.

        Returns:
            The first panel as JSON (`story_id`, `panel_id`, `text`, …).
            Its image.
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
                image, notes = open_image(picture)
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
        """Tell the next panel after a given one; if that has a next panel already, begin a branch.

        Args:
            story_id: Id of the story.
            panel_id: Id of the panel to continue from; default: the newest.
            text: Your words; the panel begins with them.
            keep_words: Whether your words are the whole text; the storyteller then adds none.
            knobs: One parameter each.

        Returns:
            The panel as JSON.
            Its image.
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
        """Tell several alternatives for the next panel at once, as siblings; all of them are kept.

        Args:
            story_id: Id of the story.
            panel_id: Id of the panel to continue from; default: the newest.
            text: Your words; every alternative begins with them.
            count: Number of alternatives, from 2 to MAX_ALTERNATIVES.
            knobs: One parameter each.

        Returns:
            The first alternative as JSON; `panel_ids` lists the ids of all.
            Its image.
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
        """Paint a panel's image again, by default with a new seed. All else in the story stays.

        Args:
            story_id: Id of the story.
            panel_id: Id of the panel.
            knobs: One parameter each.

        Returns:
            The panel as JSON.
            Its new image.
        """

        def ask() -> Job:
            panel = self.store.open(story_id).tree.panel(panel_id)
            request = self._request("", None, False, knobs)
            return self.queue.submit("redraw", story_id, panel.id, request)

        async for step in self._made("redraw", ask):
            yield step

    async def rewrite(self, story_id: str, panel_id: str, text: str) -> AsyncIterator[Step]:
        """Add a sibling of a panel with new words and the same image; the panel itself stays.

        Args:
            story_id: Id of the story.
            panel_id: Id of the panel.
            text: The new words.

        Returns:
            The sibling as JSON.
            Its image.
        """

        def ask() -> Job:
            panel = self.store.open(story_id).tree.panel(panel_id)
            request = self._request(text, None, True, NO_KNOBS)
            return self.queue.submit("rewrite", story_id, panel.id, request)

        async for step in self._made("rewrite", ask):
            yield step

    async def replace_image(
        self, story_id: str, panel_id: str, picture: str | None
    ) -> AsyncIterator[Step]:
        """Add a sibling of a panel with the same words and your image; the panel itself stays.

        Args:
            story_id: Id of the story.
            panel_id: Id of the panel.
            picture: An image file: PNG, JPEG, WebP or AVIF.

        Returns:
            The sibling as JSON.
            Its image.
        """

        def ask() -> Job:
            panel = self.store.open(story_id).tree.panel(panel_id)
            if picture is None:
                raise InputError("There is no picture. Choose one.")
            image, notes = open_image(picture)
            request = self._request("", image, True, NO_KNOBS, notes)
            return self.queue.submit("image", story_id, panel.id, request)

        async for step in self._made("replace_picture", ask):
            yield step

    def memory(
        self, story_id: str, policy: str = "", pin: str = "", unpin: str = ""
    ) -> dict[str, Any]:
        """Return a story's memory policy and pins, after the changes asked for; told panels stay.

        Args:
            story_id: Id of the story.
            policy: New policy, one of `policies` in the answer; '' changes nothing.
            pin: Id of a panel that the storyteller shall never forget.
            unpin: Id of a panel that the storyteller may forget again.

        Returns:
            The policy and its limits, the pinned panels, the size of the cache in bytes, and as
            `note` what to know about a new policy.
        """
        with _explained("memory"):
            session = self.store.open(story_id)
            note = session.set_policy(policy) if policy else ""
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
                "note": note,
            }

    def open_story(self, story_id: str, panel_id: str = "") -> dict[str, Any]:
        """Open a story and return its panels.

        Args:
            story_id: Id of the story.
            panel_id: Id of the last panel to return; default: the newest.

        Returns:
            The title, the number of all panels, the path to that panel (`pages`), and `warnings`
            about files of the story that are damaged or missing.
        """
        with _explained("open_story"):
            session = self.store.open(story_id)
            tree, newest = session.tree, session.tree.newest
            here = tree.panel(panel_id) if panel_id else newest
            shown = story_as_json(tree, story_id, here.id if here else None)
            return {**shown, "warnings": list(session.warnings)}

    def outline(self, story_id: str) -> dict[str, Any]:
        """Return every panel of a story with its parent and children, and the leaves.

        Args:
            story_id: Id of the story.

        Returns:
            The whole tree.
        """
        with _explained("outline"):
            return outline_as_json(self.store.open(story_id).tree, story_id)

    def stop(self, story_id: str) -> bool:
        """Stop the story's turn, waiting or running; the story stays as it was.

        Args:
            story_id: Id of the story.

        Returns:
            Whether there was one.
        """
        with _explained("stop"):
            self.store.open(story_id)
            return self.queue.stop(story_id)

    def rename(self, story_id: str, title: str) -> dict[str, Any]:
        """Give a story a title.

        Args:
            story_id: Id of the story.
            title: The new title; '' restores the story's first words.

        Returns:
            The story's id and title.
        """
        with _explained("rename"):
            session = self.store.open(story_id)
            session.rename(title)
            return {"story_id": story_id, "title": session.tree.title}

    def remove_branch(self, story_id: str, panel_id: str) -> dict[str, Any]:
        """Put a panel and everything after it into the story's bin.

        Args:
            story_id: Id of the story.
            panel_id: Id of the first panel to remove.

        Returns:
            The tree that is left.
        """
        with _explained("remove_branch"):
            session = self.store.open(story_id)
            session.remove_branch(panel_id)
            return outline_as_json(session.tree, story_id)

    def restore_branch(self, story_id: str, panel_id: str) -> dict[str, Any]:
        """Put a removed panel and what was removed with it back from the story's bin.

        Args:
            story_id: Id of the story.
            panel_id: Id of the panel that was removed.

        Returns:
            The tree with them.
        """
        with _explained("restore_branch"):
            session = self.store.open(story_id)
            session.restore_branch(panel_id)
            return outline_as_json(session.tree, story_id)

    def undo(self, story_id: str) -> dict[str, Any]:
        """Undo what was done to a story last, such as a new panel, another image or a removal.

        Args:
            story_id: Id of the story.

        Returns:
            The tree as it is now.
        """
        with _explained("undo"):
            session = self.store.open(story_id)
            session.undo()
            return outline_as_json(session.tree, story_id)

    def redo(self, story_id: str) -> dict[str, Any]:
        """Do again what was undone last.

        Args:
            story_id: Id of the story.

        Returns:
            The tree as it is now.
        """
        with _explained("redo"):
            session = self.store.open(story_id)
            session.redo()
            return outline_as_json(session.tree, story_id)

    def openings(self) -> list[dict[str, Any]]:
        """List the openings on the shelf, for `begin`.

        Returns:
            For each: id, sentence, and address of its image.
        """
        return [
            {"opening": card.id, "sentence": card.sentence, "picture": card.url}
            for card in self.shelf
        ]

    def endpoints(self) -> dict[str, Callable[..., Any]]:
        """Return every endpoint by name, with each knob as a parameter of its own."""
        return {
            "begin": _with_knobs(self.begin),
            "continue_story": _with_knobs(self.continue_story),
            "alternatives": _with_knobs(self.alternatives),
            "redraw": _with_knobs(self.redraw, PAINTING),
            "rewrite": self.rewrite,
            "replace_picture": self.replace_image,
            "memory": self.memory,
            "open_story": self.open_story,
            "outline": self.outline,
            "stop": self.stop,
            "rename": self.rename,
            "remove_branch": self.remove_branch,
            "restore_branch": self.restore_branch,
            "undo": self.undo,
            "redo": self.redo,
            "openings": self.openings,
        }

    def _after(self, story_id: str, panel_id: str | None) -> str | None:
        """Return the id of the named panel or the newest one; None while the story is empty."""
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
        """Submit a job and yield its progress, then the finished panel."""
        with _explained(endpoint):
            job: Job = await asyncio.to_thread(ask)
            async for progress in watch(job):
                try:
                    step = progress_as_json(job, progress), None
                except Exception as error:
                    explain(error, f"The progress of the endpoint {endpoint}")
                else:
                    yield step
            progress = job.progress
            if progress.phase == "stopped":
                raise TurnCancelled
            if progress.phase == "done":
                yield await asyncio.to_thread(self._outcome, endpoint, job)
        if progress.phase == "failed":  # the queue has logged it
            raise _refusal(progress.error, progress.error_kind)

    def _outcome(self, endpoint: str, job: Job) -> Step:
        """Return the panel that a job has made, and its image; whatever fails, it is saved.

        What could not be read is left out, and `problem` says so.
        """
        panel_id = job.progress.panel_id
        as_json: dict[str, Any] = {"state": "done", "story_id": job.story_id}
        as_json |= {"panel_id": panel_id, "picture": None}
        try:
            session = self.store.open(job.story_id)
            as_json |= panel_as_json(session.tree, job.story_id, session.tree.panel(panel_id))
            if job.kind == "alternatives":
                made = session.tree.children(job.panel_id)[-job.num_panels :]
                as_json["panel_ids"] = [one.id for one in made]
            return as_json, session.image(panel_id)
        except Exception as error:
            as_json["problem"] = explain_saved(error, f"The answer of the endpoint {endpoint}")
            return as_json, None


@contextlib.contextmanager
def _explained(endpoint: str) -> Iterator[None]:
    """Raise any exception as one sentence for the client, never as a traceback."""
    try:
        yield
    except Exception as error:
        problem = explain(error, f"The endpoint {endpoint}")
        raise _refusal(problem.sentence, problem.kind) from error


def _refusal(sentence: str, kind: str) -> gr.Error:
    return gr.Error(sentence, title=kind, print_exception=False)


def _with_knobs(
    endpoint: Callable[..., AsyncIterator[Step]], keys: Sequence[str] = tuple(KNOBS)
) -> Callable[..., Any]:
    """Return an endpoint that takes each knob as a parameter of its own."""
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

    # The last line of Args, the one about `knobs`, becomes a line for each knob.
    about = inspect.cleandoc(endpoint.__doc__ or "")
    about = about.replace("MAX_ALTERNATIVES", str(MAX_ALTERNATIVES))
    before, after = about.split("\n\nReturns:")
    before = before.rsplit("\n", 1)[0]
    meanings = [f"    {key}: {KNOBS[key].setting.meaning}" for key in keys]
    call.__doc__ = "\n".join([before, *meanings]) + "\n\nReturns:" + after
    call.__signature__ = signature  # type: ignore[attr-defined]
    return call


def _with_types(endpoint: Callable[..., Any]) -> Callable[..., Any]:
    """Return an endpoint that refuses values that are no texts; all its parameters are texts."""
    signature = inspect.signature(endpoint)

    @functools.wraps(endpoint)
    def call(*values: Any) -> Any:
        named = signature.bind(*values).arguments
        with _explained(endpoint.__name__):
            for name, value in named.items():
                if not isinstance(value, str):
                    raise InputError(f"{name} must be a text, such as {name}='…'.")
        return endpoint(**named)

    return call


def add_api(store: SessionStore, queue: JobQueue, openings: tuple[Opening, ...]) -> None:
    """Add the endpoints to the page under construction."""
    api = Api(store, queue, openings)
    # Endpoints that take or return images need components, which store and check the files.
    # The column is never shown.
    with gr.Column(visible=False):
        story_id = gr.Textbox(label="story_id")
        panel_id = gr.Textbox(label="panel_id")
        text = gr.Textbox(label="text")
        opening = gr.Textbox(label="opening")
        file = gr.File(label="picture")
        keep_words = gr.Checkbox(label="keep_words")
        count = gr.Number(3, label="count")
        knobs = {key: gr.Number(None, label=key) for key in KNOBS}
        panel = gr.JSON(label="page")
        image = gr.Image(label="picture", format="png", type="pil")
        trigger = gr.Button()
    image.postprocess = _kept(image.postprocess)  # type: ignore[method-assign]
    inputs: dict[str, list[Any]] = {
        "begin": [text, file, opening, keep_words, *knobs.values()],
        "continue_story": [story_id, panel_id, text, keep_words, *knobs.values()],
        "alternatives": [story_id, panel_id, text, count, *knobs.values()],
        "redraw": [story_id, panel_id, *(knobs[key] for key in PAINTING)],
        "rewrite": [story_id, panel_id, text],
        "replace_picture": [story_id, panel_id, file],
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
            gr.api(_with_types(endpoint), api_name=name, concurrency_limit=None)
