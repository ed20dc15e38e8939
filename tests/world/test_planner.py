"""Bindings of roles, and plans for wishes."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

import pytest

from storyworld.binding import bindings, candidates_for
from storyworld.planner import DEPTH, Planner, Step, _unify
from storyworld.staging import stage
from storyworld.state import Fact, State
from storyworld.storyteller import Storyteller
from storyworld.texts import wish_kinds
from storyworld.world import PLACES, THINGS
from tests.helpers.small_world import ROLES, event, facts, world

CAST = ("fox", "bear", "cat")
TAKE = """
== take.up
if at A P, floor T P, T can fly, free A
then holds A T
do {A} *take {T}
tell {A} took {T}.
why {A} took {T}
"""


def found(text: str, state: State, most: int = 99, seed: int = 0) -> list[dict[str, str]]:
    return list(bindings(event(text), state, {"P": "garden"}, random.Random(seed), most=most))


def plan(goal: str, state: State, seed: int = 0, cast: Sequence[str] = CAST) -> list[Step] | None:
    return Planner(random.Random(seed), cast).plan(facts(goal), ROLES, state)


def reaches(
    steps: Sequence[Step], state: State, goal: Sequence[Fact], roles: Mapping[str, str]
) -> bool:
    """Whether the steps can happen one after the other and the goal holds then."""
    state = state.copy()
    for step in steps:
        if not step.can_happen(state):
            return False
        step.apply(state)
    return all(state.is_true(fact, roles) for fact in goal)


# --- bindings -------------------------------------------------------------------------------------


def test_every_binding_is_found_once_and_only_those_whose_conditions_hold():
    state = world("floor T P, floor V P, floor U Q")
    state.put("balloon", "floor", "garden")
    state.put("butterfly", "floor", "hill")
    state.apply([("at", "duck", "hill")], {})
    pairs = {(roles["A"], roles["T"]) for roles in found(TAKE, state)}
    assert pairs == {(who, kind) for who in CAST for kind in ("kite", "balloon")}
    assert len(found(TAKE, state)) == 6


def test_no_more_bindings_are_given_than_were_asked_for():
    state = world("floor T P")
    assert len(found(TAKE, state, most=2)) == 2
    assert {len(roles) for roles in found(TAKE, state)} == {3}


def test_nobody_plays_two_roles():
    text = "== talk.two\nif at A P, at B P\nthen knows A B\ntell {A} met {B}.\n"
    pairs = [(roles["A"], roles["B"]) for roles in found(text, world())]
    assert len(pairs) == 6 and all(one != other for one, other in pairs)


def test_the_same_chance_finds_the_same_bindings_and_another_another_order():
    state = world("floor T P")
    assert found(TAKE, state, seed=1) == found(TAKE, state, seed=1)
    assert len({found(TAKE, state, seed=seed)[0]["A"] for seed in range(20)}) == 3


def test_nothing_is_bound_where_a_condition_fails():
    assert found(TAKE, world()) == []
    assert found(TAKE, world("holds A T")) == []
    full = world("floor T P, holds A V, holds B L, holds C U")
    assert found(TAKE, full) == []


def test_what_is_away_can_be_fetched_and_what_is_gone_cannot():
    text = "== come.with\nif at A P, away T, T can precious\nthen holds A T\ntell {A} had {T}.\n"
    state = world("floor T P, floor V P, gone V")
    kinds = {roles["T"] for roles in found(text, state, most=999)}
    assert kinds == {k for k in THINGS if "precious" in THINGS[k].can} - {"kite", "drum"}
    assert candidates_for("T", state) == ["kite"]
    assert candidates_for("Q", state) == list(PLACES)


def test_who_no_image_can_show_comes_from_outside():
    text = "== see.far\nif at A P\nthen heard X\ntell {A} heard {X}.\n"
    assert found(text, world()) == []
    given = {"P": "garden", "X": "whale"}
    roles = list(bindings(event(text), world(), given, random.Random(0)))
    assert len(roles) == 3 and all(each["X"] == "whale" for each in roles)


# --- plans ----------------------------------------------------------------------------------------

GOALS = [
    ("holds A T", "floor T P"),
    ("holds A T", "holds B T"),
    ("holds A T, T is whole", "high T P"),
    ("holds A T", "hidden T P"),
    ("at A Q", ""),
    ("T is whole", "holds A T, T is broken"),
    ("holds B T", "holds A T, knows A B"),
    ("mood B happy", "mood B sad, knows A B"),
]


@pytest.mark.parametrize(("goal", "start"), GOALS)
def test_the_steps_of_a_plan_follow_each_other_to_the_goal(goal: str, start: str):
    state = world(start)
    for kind in ("ladder", "rope", "net", "box"):
        state.put(kind, "floor", "garden")
    plans = [plan(goal, state, seed) for seed in range(12)]
    steps = [each for each in plans if each is not None]
    # A planner led by chance tries only a few events; the director asks it again.
    assert len(steps) > 3
    for each in steps:
        assert each and reaches(each, state, facts(goal), ROLES)


def test_a_wish_with_nothing_in_the_way_needs_no_step():
    assert plan("holds A T, at A P", world("holds A T")) == []


@pytest.mark.parametrize("goal", ["stone is broken", "T can swim", "P has water", "at T nowhere"])
def test_what_cannot_be_has_no_plan(goal: str):
    assert all(plan(goal, world("floor T P"), seed) is None for seed in range(5))


def test_nobody_but_the_cast_takes_part():
    state = world("holds B T")
    assert plan("holds A T", state, cast=("fox",)) is None or all(
        step.roles.get("B") != "bear" for step in plan("holds A T", state, cast=("fox",)) or ()
    )
    for seed in range(10):
        for step in plan("holds A T", world("high T P"), seed, cast=("fox", "bear")) or ():
            assert "cat" not in step.roles.values()


def test_an_effect_on_two_does_not_make_one_meet_themselves():
    assert _unify(("knows", "A", "B"), ("knows", "fox", "bear")) == {"A": "fox", "B": "bear"}
    assert _unify(("knows", "A", "B"), ("knows", "fox", "fox")) is None
    assert _unify(("mood", "A", "sad"), ("mood", "fox", "happy")) is None


def test_planning_changes_nothing():
    state = world("high T P, holds B L")
    before = state.copy()
    for seed in range(6):
        plan("holds A T", state, seed)
    assert state == before


def test_a_wish_has_many_ways():
    state = world("high T P")
    state.put("ladder", "floor", "garden")
    names = {
        tuple(step.event.name for step in steps)
        for steps in (plan("holds A T", state, seed) for seed in range(30))
        if steps
    }
    assert len(names) > 5


def test_a_changed_world_changes_the_plan():
    high, low = world("high T P"), world("floor T P")
    plans = [steps for seed in range(20) if (steps := plan("holds A T", high, seed))]
    assert len(plans) > 5
    assert all(reaches(steps, high, facts("holds A T"), ROLES) for steps in plans)
    assert not any(reaches(steps, low, facts("holds A T"), ROLES) for steps in plans)


def test_plans_are_short_and_take_no_wrong_turn_on_purpose():
    for seed in range(20):
        for step in plan("holds A T", world("high T P"), seed) or ():
            assert not step.event.tags & {"mishap", "try", "reader", "end", "begin", "kindly"}
    assert DEPTH == 3


@pytest.mark.parametrize("kind", sorted(wish_kinds()))
def test_every_kind_of_wish_can_be_staged_with_a_plan(kind: str):
    director = Storyteller(random.Random(kind)).director
    assert stage(director, kind, most=200)
    wish = wish_kinds()[kind]
    assert director.wish is not None and director.wish.kind == kind
    steps, state, roles = director.plan, director.state.copy(), director.wish.roles
    if director.incident is not None:
        director.incident.apply(state)
        if not reaches(steps, state, wish.goal, roles):
            # The mishap also changed moods: the director plans anew from there.
            director.happen(director.incident)
            assert director.replan()
            steps, state = director.plan, director.state
    assert steps and reaches(steps, state, wish.goal, roles)
