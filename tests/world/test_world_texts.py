"""Every text file can be read, errors name their line, and nothing is missing."""

from __future__ import annotations

import random
import re

import pytest

from storyworld.blocks import ROOT, parse_blocks, read_blocks
from storyworld.event import SLOT_FORMS, TextError, events, read_events
from storyworld.scene import TIMES, WEATHERS
from storyworld.state import MOODS
from storyworld.texts import check_texts, reactions, text_lists, wants, wish_kinds
from storyworld.wordlists import (
    _lines,
    foreign_person,
    foreign_place,
    foreign_thing,
    is_held_out,
    other_words,
)
from storyworld.world import CHARACTERS, PLACES, THINGS
from tests.helpers.small_world import event, facts

EVENT_FILES = sorted(path.name for path in (ROOT / "events").glob("*.txt"))
LISTS = sorted(
    path.stem for path in (ROOT / "texts").glob("*.txt") if path.stem not in ("wishes", "wants")
)
WORDS = sorted(path.stem for path in (ROOT / "words").glob("*.txt"))
GOOD = """
== fetch.ladder
tags solve
if at A P, high T P, holds A L, L can climb
then holds A T, mood A proud
show A reach left
do {A} *fetch {T}
tell {A} took {T}
  down from the {perch}.
say A Mine! # not read
after Down it came.
why {T} hung there
"""


# --- blocks ---------------------------------------------------------------------------------------


def test_a_line_that_begins_with_blanks_goes_on_with_the_one_before():
    (block,) = parse_blocks(GOOD, "test.txt")
    assert block.name == "fetch.ladder" and block.where == "test.txt:2"
    (told,) = block.all("tell")
    assert (told.rest, told.where) == ("{A} took {T} down from the {perch}.", "test.txt:8")


def test_comments_and_blank_lines_are_not_read():
    text = "# heading\n\n== a\n# no\ntell one # no\n\n== b\ntell C# is a note\n"
    one, other = parse_blocks(text, "test.txt")
    assert [line.rest for line in (*one.lines, *other.lines)] == ["one", "C# is a note"]


def test_an_event_is_what_its_block_says():
    read = event(GOOD)
    assert (read.name, read.group, read.tags) == ("fetch.ladder", "fetch", {"solve"})
    assert read.conditions[:2] == (("at", "A", "P"), ("high", "T", "P"))
    assert set(read.conditions[4:]) == {("!feels", "A", "asleep"), ("!spot", "A", "high")}, (
        "who takes part is awake and within reach unless the event says otherwise"
    )
    assert read.effects == (("holds", "A", "T"), ("mood", "A", "proud"), ("did", "A", "fetch"))
    assert read.show == {"A": ("reach", "left")} and not read.close
    assert set(read.roles) == set("APTL")
    assert [p.source for p in read.do] == ["{A} *fetch {T}"]
    assert [(who, p.source) for who, p in read.say] == [("A", "Mine!")]


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("tags solve", "tags solved", "test.txt:2: unknown tags"),
        ("high T P", "hihg T P", "test.txt:4: 'hihg T P' is no known fact"),
        ("high T P", "high T E", "test.txt:4: 'high T E' has the unknown role E"),
        ("L can climb", "L can climbs", r"test.txt:4: .* unknown \['climbs'\]"),
        ("L can climb", "L kind laddder", r"test.txt:4: .* unknown \['laddder'\]"),
        ("L can climb", "L is brokn", r"test.txt:4: .* unknown \['brokn'\]"),
        ("L can climb", "P has watr", r"test.txt:4: .* unknown \['watr'\]"),
        ("L can climb", "L can", "test.txt:4"),
        ("high T P", "holds A T / hihg T P", "test.txt:4: 'hihg T P'"),
        ("mood A proud", "moood A proud", "test.txt:5"),
        ("A reach left", "A reaches", "test.txt:6: nobody can be shown"),
        ("A reach left", "T reach", "test.txt:6: .* cannot be shown"),
        ("*fetch {T}", "*fetch {T", "test.txt:7"),
        ("*fetch {T}", "*fetch {E}", "test.txt:7: nobody is {E} here"),
        ("*fetch {T}", "*fetch {T.his}", "test.txt:7: {T.his} is no form of a slot"),
        ("*fetch {T}", "*fetch {T} to {want}", "{want} is for purposes.txt only"),
        ("say A", "say T", "test.txt:10: 'T' cannot speak"),
        ("do {A}", "dod {A}", "test.txt:7: a line begins with 'dod'"),
        ("why {T}", "why {U}", r"`if` says nothing of \['U'\]"),
    ],
)
def test_a_wrong_line_is_named(old: str, new: str, complaint: str):
    assert old in GOOD
    with pytest.raises(TextError, match=complaint):
        event(GOOD.replace(old, new))


def test_an_event_for_sleepers_does_not_wake_them():
    text = (
        "== sleep.on\nif at A P, feels A asleep, spot A high\nthen mood A sleepy\ntell {A} slept.\n"
    )
    assert event(text).conditions == facts("at A P, feels A asleep, spot A high")


# --- the files ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", EVENT_FILES)
def test_every_event_can_be_read_and_told(name: str):
    read = list(read_events(name))
    assert read
    for each in read:
        assert each.tell, each.name
        assert "." in each.name, each.name
        assert each.hint if "kindly" in each.tags else each.do, each.name


def test_names_of_events_are_unique():
    names = [b.name for name in EVENT_FILES for b in read_blocks(ROOT / "events" / name)]
    assert len(names) == len(set(names)) == len(events())


def test_every_kind_of_event_occurs():
    tags = {tag for each in events().values() for tag in each.tags}
    assert tags >= {"begin", "mishap", "try", "solve", "move", "make", "care", "play", "calm"}
    assert tags >= {"end", "reader", "big", "foreign", "kindly"}


@pytest.mark.parametrize("name", LISTS)
def test_every_list_of_texts_reads(name: str):
    lists = text_lists(name)
    assert lists and all(lists.values())


def test_no_text_is_missing():
    assert check_texts() == []


def test_every_wish_has_words_and_roles():
    for kind in wish_kinds().values():
        assert kind.tell and kind.say and kind.met and kind.up and kind.title, kind.name
        assert kind.roles.startswith("A") and len(set(kind.roles)) == len(kind.roles)
        used = {w for f in (*kind.conditions, *kind.goal) for w in f if len(w) == 1}
        assert used - {"/"} <= set(kind.roles) | {"P"}, kind.name
        for pattern in (*kind.tell, *kind.say, *kind.met, *kind.up):
            assert pattern.roles <= set(kind.roles) | {"P"}, pattern.source
    assert wants().keys() == wish_kinds().keys()


def test_every_hour_and_weather_has_its_beginnings():
    wanted = {f"{time} {weather}" for time in TIMES for weather in WEATHERS}
    assert text_lists("beginnings").keys() == wanted


@pytest.mark.parametrize("mood", MOODS)
def test_every_mood_shows_with_and_without_its_reason(mood: str):
    for species in CHARACTERS:
        asks = [any(slot.role == "why" for slot in p.slots) for p in reactions(mood, species)]
        assert any(asks) and not all(asks)


def test_slots_of_every_role_have_their_forms():
    assert SLOT_FORMS["A"] >= {"", "he", "him", "his", "self"} and SLOT_FORMS["P"] >= {"at", "to"}


# --- words ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", WORDS)
def test_a_word_stands_once_in_its_list(name: str):
    rows = _lines(name)
    assert rows
    twice = {row for row in rows if rows.count(row) > 1}
    assert not twice
    assert all(word and word == re.sub(r"\s+", " ", word) for word, _ in rows)


def test_other_words_mean_what_the_world_knows():
    assert {meaning for _, meaning in _lines("species")} <= CHARACTERS.keys()
    assert {meaning for _, meaning in _lines("synonyms")} <= THINGS.keys()
    assert {meaning for _, meaning in _lines("place-synonyms")} <= PLACES.keys()
    pronouns = {rest for name in ("names", "people") for _, rest in _lines(name)}
    assert pronouns <= {"he", "she", "it", "they", ""}


@pytest.mark.parametrize("name", ["names", "people", "things", "places", "synonyms"])
def test_about_a_tenth_of_every_list_is_held_out(name: str):
    words = [word for word, _ in _lines(name)]
    assert 0.05 < sum(map(is_held_out, words)) / len(words) < 0.16


def test_holding_out_goes_by_the_word_alone():
    assert is_held_out("Telescope") == is_held_out("telescope")


@pytest.mark.parametrize("test", [False, True])
@pytest.mark.parametrize("name", ["species", "synonyms", "place-synonyms"])
def test_a_split_sees_its_own_other_words_only(name: str, test: bool):
    words = [word for others in other_words(name, test).values() for word in others]
    assert words and all(is_held_out(word) == test for word in words)


@pytest.mark.parametrize("test", [False, True])
def test_a_split_meets_its_own_strangers_only(test: bool):
    rng = random.Random(0)
    lists = {n: {w for w, _ in _lines(n) if is_held_out(w) == test} for n in WORDS}
    lists["adjectives"] = {word for word, _ in _lines("adjectives")}
    for _ in range(400):
        name, _, kind = foreign_person(rng, test).noun.partition(" the ")
        assert name in lists["names"] | lists["people"] or f"{name} the {kind}" in lists["people"]
        assert not kind or kind in lists["people"] or f"{name} the {kind}" in lists["people"]
        thing = foreign_thing(rng, test).noun
        first, _, rest = thing.partition(" ")
        bare = rest if first in lists["adjectives"] and rest in lists["things"] else thing
        assert bare in lists["things"]
        assert foreign_place(rng, test).noun in lists["places"]
