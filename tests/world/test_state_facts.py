"""Facts can be made true and are true then, and a thing is in one place only."""

from __future__ import annotations

import pytest

from storyworld.event import events
from storyworld.state import _CHANGES, _CHECKS, KNOWN_FACTS, State
from storyworld.texts import wish_kinds
from storyworld.world import THINGS
from tests.helpers.small_world import ROLES, fact, facts, holds, world

SETTABLE = (
    """
at A Q|floor T P|table T P|high T P|sky T P|water T P|hidden T P|holds A T|wears A T|inside T U
owner T A|spot A high|mood A sad|feels A cold|knows A B|cross A B|skill A swim|promised A B T
time night|weather rain|dark P|blocked P|gone T|heard X|word Y
met A X|got A Y|been A Z|did A fetch|T is broken
""".strip()
    .replace("\n", "|")
    .split("|")
)


@pytest.mark.parametrize("text", SETTABLE)
def test_what_is_made_true_is_true_and_was_not_before(text: str):
    state = world("floor U P, at T Q")
    assert not holds(state, text)
    assert holds(state, f"!{text}")
    state.apply(facts(text), ROLES)
    assert holds(state, text)
    assert not holds(state, f"!{text}")


def test_every_settable_fact_is_tried_here():
    # Made true by other means or asked only: away, free, near, wants; changed only: all, done, up;
    # a dream is true before it is ended.
    elsewhere = {"away", "free", "near", "wants", "wish", "all", "done", "up", "dreamt"}
    tried = {fact(text)[0] for text in SETTABLE} - {"T"}
    assert tried == KNOWN_FACTS - elsewhere
    assert set(_CHANGES) - set(_CHECKS) == {"all", "done", "up"}
    assert set(_CHECKS) - set(_CHANGES) == {"free", "near", "wants"}


@pytest.mark.parametrize(
    "text",
    [
        *("holds A T", "wears A T", "high T P", "inside T U", "owner T A", "spot A high"),
        *("mood A sad", "feels A cold", "knows A B", "cross A B", "skill A swim"),
        *("promised A B help", "blocked P", "weather rain", "dark P", "heard X", "did A fetch"),
    ],
)
def test_what_is_denied_is_true_no_more(text: str):
    state = world(f"floor U P, {text}" if "T" not in text else f"floor U P, floor T P, {text}")
    assert holds(state, text)
    state.apply(facts(f"!{text}"), ROLES)
    assert not holds(state, text)


def test_denying_what_was_not_so_moves_nothing():
    state = world("high T P")
    state.apply(facts("!holds A T, !floor T P"), ROLES)
    assert holds(state, "high T P")


def test_a_thing_is_in_one_place_only():
    state, wheres = world(), ("floor T P", "holds A T", "wears B T", "sky T Q", "hidden T P")
    for text in wheres:
        state.apply(facts(text), ROLES)
        assert [other for other in wheres if holds(state, other)] == [text]


def test_a_thing_has_one_state_only():
    state = world("floor T P")
    assert holds(state, "T is whole")
    state.apply(facts("T is broken"), ROLES)
    assert holds(state, "T is broken") and not holds(state, "T is whole")
    state.apply(facts("T is whole"), ROLES)
    assert holds(state, "T is whole") and not holds(state, "T is broken")


@pytest.mark.parametrize("kind", THINGS)
def test_whole_is_everything_but_spoilt(kind: str):
    state = State()
    state.put(kind, "floor", "garden")
    for name in THINGS[kind].states:
        state.apply([(kind, "is", name)], ROLES)
        assert state.things[kind].state == name
        sound = name not in ("broken", "half-eaten", "out", "empty")
        assert state.is_true((kind, "is", "whole"), {}) == sound
    state.apply([(kind, "is", "whole")], ROLES)
    assert state.things[kind].state == THINGS[kind].states[0]


def test_what_cannot_break_stays_as_it_is():
    state = world("floor T P")
    state.apply([("stone", "is", "broken")], ROLES)
    assert state.things["stone"].state == "whole"


def test_abilities_kinds_and_places_never_change():
    state = world()
    assert holds(state, "T can fly, L can climb, P has soil, Q has windy, T kind ball kite")
    assert not holds(state, "T can climb") and not holds(state, "P has water")
    assert not holds(state, "T kind ball drum")


def test_either_side_of_a_bar_is_enough():
    state = world("floor T P")
    assert holds(state, "holds A T / floor T P") and holds(state, "floor T P / holds A T")
    assert not holds(state, "holds A T / high T P")
    assert holds(state, "holds A T / high T P / floor T P")
    assert holds(state, "!holds A T / high T P")


# --- hands ----------------------------------------------------------------------------------------


def test_two_hands_hold_two_things():
    state = world("holds A T, holds A L")
    assert state.held_by("fox") == ["ladder"], "a ladder needs both hands"
    assert holds(state, "floor T P")
    state = world("holds A T")
    state.put("ball", "holds", "fox")
    assert state.held_by("fox") == ["kite", "ball"] and not holds(state, "free A")


def test_hands_that_are_full_let_go():
    state = world("holds A T")
    state.put("ball", "holds", "fox")
    state.put("key", "holds", "fox")
    assert len(state.held_by("fox")) == 2 and "key" in state.held_by("fox")
    assert state.place_of("kite") == "garden"
    state.put("drum", "holds", "fox")
    assert state.held_by("fox") == ["drum"], "a drum needs both hands"
    assert {state.things[kind].where for kind in ("kite", "ball", "key")} == {"floor"}


def test_taking_what_one_holds_already_drops_nothing():
    state = world("holds A V")
    state.put("drum", "holds", "fox")
    assert state.held_by("fox") == ["drum"]
    state = world("holds A T")
    state.put("ball", "holds", "fox")
    state.put("kite", "holds", "fox")
    assert state.held_by("fox") == ["kite", "ball"]


def test_hands_count():
    state = world()
    assert (state.free_hands("fox"), holds(state, "free A")) == (2, True)
    state.put("key", "holds", "fox")
    assert state.free_hands("fox") == 1
    state.put("drum", "holds", "fox")
    assert (state.free_hands("fox"), holds(state, "free A")) == (0, False)
    assert holds(world("wears A T, holds A V"), "!free A")


# --- places ---------------------------------------------------------------------------------------


def test_who_goes_takes_along_what_they_hold_and_wear():
    state = world("holds A T, floor V P, at A Q, wears B U")
    assert state.place_of("kite") == "hill" and state.place_of("drum") == "garden"
    assert state.place_of("box") == "garden"
    assert holds(state, "near T Q") and not holds(state, "near T P")


def test_all_go_together_and_nobody_else():
    state = world("holds B T, spot B high")
    state.apply([("at", "cat", "cave")], {})
    state.apply(facts("all Q"), ROLES)
    assert state.people_in("hill") == ["fox", "bear"] and state.people_in("cave") == ["cat"]
    assert state.place_of("kite") == "hill" and holds(state, "spot B floor")


def test_whoever_goes_leaves_their_perch():
    state = world("spot A high, at A Q")
    assert holds(state, "spot A floor")


def test_somebody_new_comes_in():
    state = world()
    state.apply([("at", "duck", "hill")], {})
    assert state.people_in("hill") == ["duck"]


def test_containers_are_opened_in_the_place_where_they_are():
    state = world("holds A U, inside T U")
    assert state.place_of("kite") == "garden" and not holds(state, "near T P")
    state.apply(facts("at A Q"), ROLES)
    assert state.place_of("kite") == "hill"
    state.apply(facts("!inside T U"), ROLES)
    assert holds(state, "floor T Q")


def test_containers_that_contain_each_other_are_nowhere():
    state = world("inside T U, inside U T")
    assert state.place_of("kite") is None


def test_what_is_hidden_is_there_but_not_near():
    state = world("hidden T P")
    assert state.place_of("kite") == "garden" and not holds(state, "near T P")


def test_gone_is_for_ever_and_away_is_not():
    state = world("floor T P, gone T")
    assert holds(state, "gone T, !away T, !near T P, !floor T P")
    assert state.place_of("kite") is None
    state = world("floor T P, away T")
    assert holds(state, "away T, gone T") and "kite" not in state.things
    assert holds(world(), "away T"), "what nobody has spoken of is away"


def test_somebody_who_is_not_there_has_no_mood():
    state = world()
    assert not state.is_true(("mood", "duck", "happy"), {})
    assert not state.is_true(("feels", "duck", "cold"), {})


# --- wishes and the rest --------------------------------------------------------------------------


def test_wishes_open_and_close():
    state = world("floor T P, wish A fly T")
    assert holds(state, "wish A fly, wants A T, !wish B fly, !wants A U")
    state.apply(facts("done A fly"), ROLES)
    assert holds(state, "!wish A fly, !wants A T") and state.wishes[0].status == "met"
    state = world("wish A fly T, up B fly, up A sing")
    assert state.wishes[0].status == "open", "somebody else's or another wish"
    state.apply(facts("up A fly"), ROLES)
    assert state.wishes[0].status == "up"


def test_to_know_is_mutual_and_to_be_cross_is_not():
    state = world("knows A B, cross A B")
    assert holds(state, "knows B A") and not holds(state, "cross B A")


def test_morning_ends_the_dark_but_not_in_a_cave():
    state = world("dark P, time night")
    assert holds(state, "!dark P")
    state.apply([("dark", "cave"), ("time", "day")], {})
    assert state.is_true(("dark", "cave"), {})


def test_a_copy_changes_by_itself():
    text = "holds A T, feels A cold, knows A B, wish A fly T, dark P, heard X, did A fetch"
    state = world(text)
    twin = state.copy()
    assert twin == state
    changes = "at A Q, T is broken, !feels A cold, !knows A B, done A fly, !dark P, !heard X"
    for change in facts(
        changes + ", cross A B, promised A B T, blocked P, skill A swim, time night, did B sing"
    ):
        before = twin.copy()
        twin.apply([change], ROLES)
        assert twin != before
    assert state == world(text)


@pytest.mark.parametrize("text", ["flies A T", "!near T P", "free A"])
def test_unknown_changes_are_refused(text: str):
    with pytest.raises(ValueError, match="nothing that an event can make true"):
        world().apply(facts(text), ROLES)


def test_unknown_questions_are_refused():
    with pytest.raises(ValueError, match="no fact that this world knows"):
        holds(world(), "flies A T")


def test_the_texts_ask_and_change_nothing_else():
    roles = {**ROLES, "D": "duck", "X": "whale", "Y": "telescope", "Z": "moon"}
    asked = {f for e in events().values() for f in e.conditions}
    asked |= {f for w in wish_kinds().values() for f in (*w.conditions, *w.goal)}
    for each in asked:
        world().is_true(each, roles)
    for event in events().values():
        for each in event.effects:
            assert each[1:2] == ("is",) or each[0].removeprefix("!") in _CHANGES, (event.name, each)


# --- promises, ways, dreams -----------------------------------------------------------------------


def test_a_promise_says_of_what_and_ends_when_it_is_had():
    state = world("holds A T, promised A B T, promised B A help")
    assert holds(state, "promised A B, promised A B T, !promised A B help, promised B A help")
    state.apply(facts("holds C T"), ROLES)
    assert holds(state, "promised A B T"), "somebody else has it"
    state.apply(facts("holds B T"), ROLES)
    assert holds(state, "!promised A B, promised B A")
    state.apply(facts("!promised B A"), ROLES)
    assert not state.promised


def test_nobody_goes_where_the_way_is_blocked():
    moves = [
        event
        for event in events().values()
        if any(f == ("all", "Q") or (f[0] == "at" and f[2:] == ("Q",)) for f in event.effects)
    ]
    assert len(moves) > 20
    for event in moves:
        assert {("!blocked", "P"), ("!blocked", "Q")} <= set(event.conditions), event.name
    assert ("!blocked", "P") in events()["come.by"].conditions
    assert not any("blocked" in f[0] for f in events()["take.floor"].conditions)


def test_the_weather_clears_the_way():
    state = world("weather snow, blocked P")
    state.apply(facts("weather clear"), ROLES)
    assert holds(state, "!blocked P")


def test_what_was_dreamt_has_not_happened():
    state = world("holds A T, wish A fly T, mood B sad")
    state.earlier = state.copy()
    assert holds(state, "dreamt A, !dreamt B")
    then = state.copy()
    state.apply(facts("gone T, at A Q, cross A B, weather snow, heard X, up A fly"), ROLES)
    state.apply(events()["wake.dream"].effects[:1], ROLES)
    assert holds(state, "heard X"), "the story has spoken of it all the same"
    then.words.add("X")
    assert state == then and state is not then
    state.apply(facts("dreamt A"), ROLES)
    assert state == then, "a second time"
