"""The page's state comes from a browser, so it is checked like any other input."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

import gradio as gr
import pytest
from hypothesis import given
from hypothesis import strategies as st

from demo.state import SAME, Click, PageState, PageUpdate

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
NAMES = [field.name for field in fields(PageState)]
STATES = st.builds(
    PageState,
    **{
        field.name: st.text(max_size=8)
        if isinstance(field.default, str)
        else st.booleans()
        if isinstance(field.default, bool)
        else st.integers()
        if isinstance(field.default, int)
        else st.lists(st.text(max_size=8), max_size=3).map(tuple)
        for field in fields(PageState)
    },
)


@given(STATES)
def test_a_state_comes_back_as_it_was_sent(state: PageState) -> None:
    assert PageState.from_json(json.loads(json.dumps(state.to_json()))) == state


@given(JSON | st.dictionaries(st.sampled_from(NAMES), JSON))
def test_whatever_is_sent_a_state_has_the_right_types(sent: Any) -> None:
    state = PageState.from_json(sent)
    for field in fields(PageState):
        value = getattr(state, field.name)
        assert type(value) is type(field.default)
        if isinstance(value, tuple):
            assert all(isinstance(one, str) for one in value)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("wrong", [None, 1.5, {}, [[]], [1, None]], ids=repr)
def test_one_wrong_value_becomes_its_default_and_spoils_nothing_else(name: str, wrong: Any) -> None:
    good = PageState(view="story", story="s", panel="p1", busy=True, mine=("s",))
    state = PageState.from_json({**good.to_json(), name: wrong})
    assert getattr(state, name) == getattr(PageState(), name)
    assert all(getattr(state, one) == getattr(good, one) for one in NAMES if one != name)


def test_an_update_leaves_out_what_stays() -> None:
    assert PageUpdate().changes() == {}
    update = PageUpdate(state=PageState(mine=("s",)), own_image=None, live="")
    changes = update.changes()
    assert set(changes) == {"state", "own_image", "live"} and changes["own_image"] is None
    assert changes["state"]["mine"] == ["s"] and json.dumps(changes["state"])
    assert update.manuscript is SAME


@pytest.mark.parametrize("sent", [None, 7, "do", [], ["do"], {}, {"do": 7, "panel": None}])
def test_a_click_without_sense_does_nothing(sent: Any) -> None:
    assert Click.from_event(gr.EventData(None, sent)) == Click()


def test_a_click_says_what_was_clicked() -> None:
    event = gr.EventData(None, {"do": "open", "story": "s", "panel": "p2", "else": "x"})
    assert Click.from_event(event) == Click(do="open", story="s", panel="p2")
