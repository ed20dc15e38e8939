"""The wiring: which handler answers which event.

Parts are addressed by name, never by position: a handler takes its inputs as named arguments and
returns a `PageUpdate`, which becomes `{part: value}`. An argument that a handler does not know, or
that it misses, is refused when the page is built.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any

import gradio as gr
from gradio.components import Component
from gradio.events import Dependency

from demo import render
from demo.errors import explain
from demo.handlers import Handlers
from demo.page import ARRIVE, PageParts
from demo.state import Click, PageState, PageUpdate

Inputs = Mapping[str, Component | Mapping[str, Component]]
Handler = Callable[..., PageUpdate]
QUIETLY: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
OFTEN: dict[str, Any] = {**QUIETLY, "trigger_mode": "multiple"}
"""For events that may come again while they are being answered."""


def wire(page: gr.Blocks, parts: PageParts, on: Handlers) -> None:
    """Connect the parts of the page with the handlers of their events, inside `gr.Blocks`."""
    here: Inputs = {"state": parts.state}
    turn: Inputs = {**here, "knobs": parts.knobs}
    wires = Wires(parts)

    def watched(event: Dependency) -> Dependency:
        """Follow the turn that an event may have begun, and show its outcome."""
        following = event.then(**wires.follow(on.follow, here, "live"), **OFTEN)
        return following.then(
            **wires.answer(on.finish, here, sentence=parts.sentence, line=parts.line), **OFTEN
        )

    watched(page.load(**wires.answer(on.arrive, here), js=ARRIVE, **QUIETLY))
    page.load(**wires.follow(on.wait_for_models, here, "waking"), **QUIETLY)
    watched(parts.state.click(**wires.answer(on.click, turn), **OFTEN))

    # The start page
    gr.on(
        [parts.shelf.click, parts.slot.click],
        **wires.answer(on.choose, sentence=parts.sentence),
        **OFTEN,
    )
    gr.on(
        [parts.own_image.upload, parts.own_image.clear],
        **wires.answer(on.bring, path=parts.own_image, sentence=parts.sentence),
        **OFTEN,
    )
    watched(
        parts.begin.click(
            **wires.answer(
                on.begin,
                turn,
                draft=parts.draft,
                path=parts.own_image,
                sentence=parts.sentence,
                keep_words=parts.keep_first,
            ),
            **QUIETLY,
        )
    )

    watched(
        parts.bring_story.upload(
            **wires.answer(on.bring_story, here, path=parts.bring_story), **QUIETLY
        )
    )

    # The story; its buttons are clicks above
    watched(
        gr.on(
            [parts.write.click, parts.line.submit],
            **wires.answer(on.write, turn, line=parts.line, keep_words=parts.keep_words),
            **QUIETLY,
        )
    )
    watched(parts.repaint.upload(**wires.answer(on.repaint, here, path=parts.repaint), **QUIETLY))
    parts.policy.input(**wires.answer(on.set_policy, here, policy=parts.policy), **OFTEN)


def answer(handler: Handler, **inputs: Any) -> PageUpdate:
    """Call a handler; an error becomes a notice and changes nothing else."""
    try:
        return handler(**inputs)
    except Exception as error:
        problem = explain(error, f"The event {handler.__name__}")
        return PageUpdate(notice=render.notice(problem.sentence))


class Wires:
    """Makes a listener's `fn`, `inputs` and `outputs` from a handler and its inputs."""

    def __init__(self, parts: PageParts) -> None:
        """Collect the outputs of a page by name."""
        self.state = parts.state
        self.outputs: dict[str, Component] = {
            item.name: getattr(parts, item.name) for item in dataclasses.fields(PageUpdate)
        }

    def answer(
        self, handler: Handler, shared: Inputs | None = None, **own: Component
    ) -> dict[str, Any]:
        """Return the listener of a handler that returns one `PageUpdate`, of any parts."""
        inputs = {**(shared or {}), **own}
        takes_click = _check(handler, inputs)

        def call(values: dict[Component, Any], event: gr.EventData) -> dict[Component, Any]:
            named = self._named(inputs, values)
            if takes_click:
                named["click"] = Click.from_event(event)
            return self._shown(answer(handler, **named))

        return {"fn": call, "inputs": _parts(inputs), "outputs": list(self.outputs.values())}

    def follow(
        self, handler: Callable[..., AsyncIterator[PageUpdate]], shared: Inputs, changes: str
    ) -> dict[str, Any]:
        """Return the listener of a handler that yields `PageUpdate`s of one part only."""
        _check(handler, shared)

        async def call(values: dict[Component, Any]) -> AsyncIterator[dict[Component, Any]]:
            try:
                async for update in handler(**self._named(shared, values)):
                    yield self._shown(update)
            except Exception as error:
                # Only logged here: the event after this one shows the turn's outcome.
                explain(error, f"The event {handler.__name__}")
            # The last value of a generator stays; this one changes nothing.
            yield self._shown(PageUpdate())

        return {"fn": call, "inputs": _parts(shared), "outputs": [self.outputs[changes]]}

    def _named(self, inputs: Inputs, values: Mapping[Component, Any]) -> dict[str, Any]:
        """Return the values of the parts under the names of the handler's arguments."""
        named: dict[str, Any] = {}
        for name, part in inputs.items():
            if isinstance(part, Mapping):
                named[name] = {key: values[one] for key, one in part.items()}
            elif part is self.state:
                named[name] = PageState.from_json(values[part])
            else:
                named[name] = values[part]
        return named

    def _shown(self, update: PageUpdate) -> dict[Component, Any]:
        """Return an update as Gradio takes it."""
        changes = update.changes()
        return {self.outputs[name]: value for name, value in changes.items()} or gr.skip()


def _check(handler: Callable[..., Any], inputs: Inputs) -> bool:
    """Return whether a handler takes the click; its other arguments have to be wired.

    Raises:
        TypeError: An argument is missing or unknown.
    """
    signature = inspect.signature(handler)
    takes_click = "click" in signature.parameters
    signature.bind(**inputs, **({"click": None} if takes_click else {}))
    return takes_click


def _parts(inputs: Inputs) -> set[Component]:
    """Return all parts as a set, so that Gradio passes their values by part."""
    groups: Sequence[Any] = [
        part.values() if isinstance(part, Mapping) else (part,) for part in inputs.values()
    ]
    return {part for group in groups for part in group}
