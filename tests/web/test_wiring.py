"""Parts, events and handlers find each other by name, and say so when they do not."""

from __future__ import annotations

import ast
import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

import demo
from demo.build import build_page
from demo.page import PageParts
from demo.state import Click, PageState, PageUpdate
from demo.wiring import Wires, answer
from seedstory_core import KNOBS, OUR_FAULT, InputError, JobQueue, SessionStore, StudioConfig


@pytest.fixture
def parts(tiny_config: StudioConfig) -> PageParts:
    with gr.Blocks():
        return PageParts(tiny_config, ())


def test_every_output_is_a_part_of_the_page(parts: PageParts) -> None:
    for field in fields(PageUpdate):
        assert isinstance(getattr(parts, field.name), gr.components.Component), field.name


def test_every_knob_reaches_a_handler_under_its_name(parts: PageParts) -> None:
    seen: dict[str, Any] = {}

    def handler(state: PageState, knobs: Mapping[str, Any]) -> PageUpdate:
        seen.update(knobs)
        return PageUpdate()

    wires = Wires(parts)
    call = wires.answer(handler, {"state": parts.state, "knobs": parts.knobs})
    # In whatever order Gradio has them.
    values = {part: key for key, part in reversed(parts.knobs.items())}
    assert call["inputs"] == {parts.state, *parts.knobs.values()}
    call["fn"]({**values, parts.state: {}}, gr.EventData(None, None))
    assert seen == {key: key for key in KNOBS}


def test_a_handler_gets_what_it_asks_for_and_only_changes_are_sent(parts: PageParts) -> None:
    def handler(state: PageState, line: str, click: Click) -> PageUpdate:
        return PageUpdate(state=PageState(story=state.story), notice=line + click.do)

    wires = Wires(parts)
    call = wires.answer(handler, {"state": parts.state}, line=parts.line)
    values = {parts.state: {"story": "s", "busy": "no"}, parts.line: "It rains."}
    answered = call["fn"](values, gr.EventData(None, {"do": "go"}))
    assert set(answered) == {parts.state, parts.notice}
    assert answered[parts.notice] == "It rains.go" and answered[parts.state]["story"] == "s"


def test_what_does_not_fit_is_refused_while_the_page_is_built(parts: PageParts) -> None:
    def handler(state: PageState, line: str) -> PageUpdate:
        return PageUpdate()

    wires = Wires(parts)
    with pytest.raises(TypeError, match="line"):
        wires.answer(handler, {"state": parts.state})
    with pytest.raises(TypeError, match="sentence"):
        wires.answer(handler, {"state": parts.state}, line=parts.line, sentence=parts.sentence)


def test_an_error_becomes_a_notice_and_changes_nothing_else(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def refuse(error: Exception) -> PageUpdate:
        raise error

    told = answer(refuse, error=InputError("Write <b>less</b>."))
    assert list(told.changes()) == ["notice"] and "Write &lt;b&gt;less" in str(told.notice)
    assert not caplog.records
    told = answer(refuse, error=RuntimeError("a secret detail"))
    assert OUR_FAULT[:30] in str(told.notice) and "secret" not in str(told.notice)
    assert "The event refuse failed" in caplog.text


def test_a_watcher_that_fails_is_logged_and_leaves_the_page(
    parts: PageParts, caplog: pytest.LogCaptureFixture
) -> None:
    async def handler(state: PageState) -> AsyncIterator[PageUpdate]:
        yield PageUpdate(live="Mira")
        raise RuntimeError("a secret detail")

    wired = Wires(parts).follow(handler, {"state": parts.state}, "live")

    async def watch() -> list[Any]:
        return [shown async for shown in wired["fn"]({parts.state: {}})]

    assert wired["outputs"] == [parts.live]
    assert asyncio.run(watch()) == [{parts.live: "Mira"}, gr.skip()]
    assert "a secret detail" in caplog.text


def test_the_page_is_built_and_only_its_endpoints_are_public(store: SessionStore) -> None:
    page = build_page(store, JobQueue(store))
    named = {fn.api_name for fn in page.fns.values() if fn.api_visibility == "public"}
    assert {"begin", "continue_story", "openings"} <= named and len(named) == 16


PAGE = sorted(Path(demo.__file__).parent.rglob("*.py"))


@pytest.mark.parametrize("path", PAGE, ids=lambda path: path.name)
def test_nothing_private_of_gradio_is_touched(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Attribute) and node.attr.startswith("_"):
            is_own = isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")
            assert is_own or node.attr.startswith("__"), f"{path.name}:{node.lineno} {node.attr}"
