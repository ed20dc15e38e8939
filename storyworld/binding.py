"""Bind an event's roles so that its conditions hold in a state."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from itertools import islice

from storyworld.event import CHARACTER_ROLES, FOREIGN_ROLES, PLACE_ROLES, THING_ROLES, Event
from storyworld.state import Fact, State
from storyworld.world import PLACES, THINGS


def bindings(
    event: Event,
    state: State,
    given: Mapping[str, str],
    rng: random.Random,
    *,
    conditions: tuple[Fact, ...] | None = None,
    most: int = 8,
) -> Iterator[dict[str, str]]:
    """Yield up to `most` bindings of the event's roles, in random order.

    Args:
        event: The event whose roles are bound.
        state: The state in which the conditions must hold.
        given: Roles that are bound already; `P` always is.
        rng: Orders the candidates.
        conditions: Conditions instead of the event's own.
        most: Number of bindings at most.
    """
    facts = event.conditions if conditions is None else conditions
    order = [role for role in event.roles if role not in given]
    # Foreign words come from the caller; places other than P may be anywhere.
    if any(role in FOREIGN_ROLES for role in order):
        return
    known = set(given)
    checks: list[list[Fact]] = [[] for _ in range(len(order) + 1)]
    for fact in facts:
        needed = {word.removeprefix("!") for word in fact} & set(event.roles)
        last = max((order.index(role) + 1 for role in needed - known), default=0)
        checks[last].append(fact)
    roles = dict(given)
    if not all(state.is_true(fact, roles) for fact in checks[0]):
        return
    yield from islice(_extend(event, state, roles, order, checks, 0, rng), most)


def _extend(
    event: Event,
    state: State,
    roles: dict[str, str],
    order: list[str],
    checks: list[list[Fact]],
    depth: int,
    rng: random.Random,
) -> Iterator[dict[str, str]]:
    if depth == len(order):
        yield dict(roles)
        return
    role = order[depth]
    absent = bool({("away", role), ("gone", role)} & set(event.conditions))
    candidates = [
        entity
        for entity in candidates_for(role, state, absent=absent)
        if entity not in roles.values()
    ]
    rng.shuffle(candidates)
    for candidate in candidates:
        roles[role] = candidate
        if all(state.is_true(fact, roles) for fact in checks[depth + 1]):
            yield from _extend(event, state, roles, order, checks, depth + 1, rng)
    roles.pop(role, None)


def candidates_for(role: str, state: State, *, absent: bool = False) -> list[str]:
    """Return everything that a role could stand for; with `absent`, only things that are away."""
    if role in CHARACTER_ROLES:
        return list(state.people)
    if role in THING_ROLES and absent:
        return [kind for kind in THINGS if kind not in state.things]
    if role in THING_ROLES:
        return [t for t, item in state.things.items() if item.where != "gone"]
    assert role in PLACE_ROLES
    return list(PLACES)
