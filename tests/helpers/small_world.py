"""Small states and events, complete enough to be read in a test."""

from __future__ import annotations

from storyworld.blocks import parse_blocks
from storyworld.event import Event, parse_event
from storyworld.state import Fact, Person, State

ROLES = {
    **{"A": "fox", "B": "bear", "C": "cat"},
    **{"T": "kite", "U": "box", "V": "drum", "L": "ladder"},
    **{"P": "garden", "Q": "hill"},
}
"""Who and what the letters stand for in these tests."""


def facts(text: str) -> tuple[Fact, ...]:
    """Facts as the event files write them."""
    return tuple(tuple(part.split()) for part in text.split(","))


def fact(text: str) -> Fact:
    (only,) = facts(text)
    return only


def world(text: str = "") -> State:
    """Return a state: fox, bear and cat in the garden, with the facts given; things lie there."""
    state = State(people={who: Person("garden") for who in ("fox", "bear", "cat")})
    if text:
        state.apply(facts(text), ROLES)
    return state


def holds(state: State, text: str) -> bool:
    """Whether all facts hold."""
    return all(state.is_true(each, ROLES) for each in facts(text))


def event(text: str) -> Event:
    """An event from its lines."""
    (block,) = parse_blocks(text, "test.txt")
    return parse_event(block)
