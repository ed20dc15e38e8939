"""What a slot says: names once with their kind, owners' things, and the order of mention."""

from __future__ import annotations

import random
import re
from collections import Counter
from typing import Any

import pytest

from storyworld.event import SLOT_FORMS
from storyworld.language.inflect import past
from storyworld.language.pattern import parse_pattern, tidy
from storyworld.naming import Foreign, Namer
from storyworld.state import State
from storyworld.world import CHARACTERS, PLACES, THINGS
from tests.helpers.small_world import ROLES, world

CAST = {**ROLES, "X": "whale", "Y": "umbrella stand", "Z": "moon"}


def namer(seed: int = 0, *known: str) -> Namer:
    foreign = {"whale": Foreign("whale"), "umbrella stand": Foreign("umbrella stand")}
    foreign |= {"moon": Foreign("moon"), "Ada": Foreign("Ada", "she", True)}
    foreign |= {"twins": Foreign("twins", "they")}
    return Namer(random.Random(seed), introduced=set(known), foreign=foreign)


def read(text: str, names: Namer, state: State | None = None, **roles: str) -> str:
    here = state or world("floor T P")
    pattern = parse_pattern(text)
    cast = {**CAST, **roles}
    return tidy(pattern.expand(names.rng, lambda slot: names.fill(slot, cast, here), past))


# --- people ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("species", CHARACTERS)
def test_somebody_new_is_introduced_once(species: str):
    character, ways = CHARACTERS[species], Counter[str]()
    for seed in range(60):
        names = namer(seed)
        first = read("{A} ran.", names, A=species)
        ways[first] += 1
        assert character.name in first
        assert read("{A} ran.", names, A=species) == f"{character.name} ran."
        names.new_panel()
        assert read("{A} ran.", names, A=species) == f"{character.name} ran.", "known in any panel"
    assert sum(count for way, count in ways.items() if species in way) > 50
    assert {f"{character.name} the {species} ran."} < set(ways)


@pytest.mark.parametrize("species", CHARACTERS)
def test_pronouns_are_the_characters_own(species: str):
    one = CHARACTERS[species]
    his, him, self_ = (
        ("his", "him", "himself") if one.pronoun == "he" else ("her", "her", "herself")
    )
    told = read(
        "{A.He} saw {A.him} in {A.his} box, {A.self}, and {A.he} sat. {A.His}", namer(), A=species
    )
    he = one.pronoun
    assert told == f"{he.title()} saw {him} in {his} box, {self_}, and {he} sat. {his.title()}"


def test_names_kinds_and_bare_names():
    assert read("{A.name} and {A.kind}", namer()) == "Mira and the fox"


def test_people_are_listed_in_the_order_of_mention_panel_by_panel():
    names = namer()
    read("{B.He} gave {A} {T} and {C.his} {U}.", names)
    assert names.people == ["bear", "fox", "cat"]
    assert names.things == ["kite", "box"]
    read("{A} thanked {B}.", names)
    assert names.people == ["bear", "fox", "cat"], "named again is named once"
    names.new_panel()
    assert names.people == [] and names.things == []
    read("{C} ran.", names)
    assert names.people == ["cat"]


def test_what_is_taken_back_was_never_named():
    names = namer()
    read("{A} sat.", names)
    mark = names.mark()
    read("{B} took {T}.", names)
    names.back_to(mark)
    assert (names.people, names.things, names.introduced) == (["fox"], [], {"fox"})
    read("{C} sat.", names)
    assert mark[0] == ["fox"], "a mark stays what it was"


def test_people_are_put_in_the_order_in_which_a_text_names_them():
    names = namer()
    names.people[:] = ["fox", "bear", "cat", "duck"]
    names.in_order("The duck saw Cleo, and she saw Mira.")
    assert names.people[0] == "duck" and names.people[-2:] == ["fox", "bear"]
    names.people[:] = ["fox", "bear"]
    names.in_order("She and he sat.")
    assert names.people == ["fox", "bear"], "pronouns stay where they were said"


# --- things ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", THINGS)
def test_a_thing_is_a_first_and_the_afterwards(kind: str):
    state = State()
    state.put(kind, "floor", "garden")
    for seed in range(8):
        names = namer(seed)
        first = read("{T}", names, state, T=kind)
        article, rest = first.split(" ", 1)
        assert rest.endswith(kind)
        some = kind in ("bread", "honey")
        vowel = rest[0] in "aeio" or rest.startswith("um")
        assert article == ("some" if some else "an" if vowel else "a"), first
        assert re.fullmatch(rf"the ([\w-]+ )?{kind}", read("{T}", names, state, T=kind))
        assert read("{T.noun} {T.it} {T.It} {T.its}", names, state, T=kind) == f"{kind} it It its"


def test_the_owners_thing_is_theirs_where_the_owner_was_named_last():
    state, said = world("holds A T, owner T A"), Counter[str]()
    for seed in range(80):
        names = namer(seed, "fox", "bear", "kite")
        said[read("{A} took {T}", names, state)] += 1
        names.new_panel()
        assert " her kite" not in read("{A} saw {B} and {T}", names, state), "whose would it be?"
        names.new_panel()
        assert read("{T} flew", names, state).endswith("kite flew")
    assert said["Mira took her kite"] > 10 and said["Mira took the kite"] > 10


def test_a_new_thing_of_somebody_just_named_is_theirs():
    for seed in range(10):
        told = read("{A} had {T}", namer(seed, "fox"), world("holds A T, owner T A"))
        assert re.fullmatch(r"Mira had her (yellow )?kite", told)


def test_a_spoilt_thing_may_be_called_what_it_is_but_never_what_it_is_not():
    broken, seen = world("floor T P, T is broken"), Counter[bool]()
    for seed in range(60):
        names = namer(seed)
        seen["broken" in read("{T} {T}", names, broken)] += 1
        assert "broken" not in read("{T} {T}", namer(seed), world("floor T P"))
    assert seen[True] > 20 and seen[False] > 0


def test_what_is_owned_by_nobody_is_nobodys():
    for seed in range(30):
        assert " her " not in read("{A} took {T}", namer(seed, "fox", "kite"))


# --- places ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PLACES)
def test_places_are_there_and_gone_to(name: str):
    place = PLACES[name]
    roles: dict[str, Any] = {"P": name}
    names = namer()
    assert read("{P.at}|{P.to}".replace("|", ";"), names, **roles) == f"{place.at};{place.to}"
    assert read("{P.At}", names, **roles) == place.at[0].upper() + place.at[1:]
    the = read("{P.the}", names, **roles)
    assert the.startswith("the ") and place.at.endswith(the)
    assert read("{perch} {hider}", names, **roles) == f"{place.perch} {place.hider}"
    assert names.people == names.things == []


# --- strangers ------------------------------------------------------------------------------------


def test_strangers_take_articles_and_names_do_not():
    assert read("{X}, {X}, {X.a}", namer()) == "a whale, the whale, a whale"
    assert read("{Y}, {Y}", namer()) == "an umbrella stand, the umbrella stand"
    assert read("{X}, {X}", namer(), X="Ada") == "Ada, Ada"
    assert read("{X}, {X}", namer(), X="twins") == "twins, the twins"
    assert read("{Z.at} {Z.to}", namer()) == "at the moon to the moon"
    assert read("{X.kind} {X.noun}", namer(), X="Ada") == "Ada Ada"


def test_strangers_have_pronouns_and_are_not_drawn():
    names = namer()
    assert read("{X.he} {X.him} {X.his} {X.He}", names, X="twins") == "they them their They"
    assert read("{X.he} {X.him} {X.his}", names, X="Ada") == "she her her"
    assert read("{Y.it} {Y.It} {Y.its}", names) == "it It its"
    assert names.people == names.things == []


def test_every_form_of_every_slot_says_something():
    for role, forms in SLOT_FORMS.items():
        for form in forms:
            slot = f"{{{role}.{form}}}" if form else f"{{{role}}}"
            roles: dict[str, Any] = {"D": "duck", role: CAST.get(role, "duck")}
            assert read(slot, namer(), **roles), slot
    assert read("{why}", namer()) == ""
