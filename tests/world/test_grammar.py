"""Patterns stand for exactly the sentences one reads in them, and words take their right forms."""

from __future__ import annotations

import random

import pytest

from storyworld.event import events
from storyworld.language.inflect import article, ing, past, plural_past, third
from storyworld.language.pattern import Pattern, Slot, Verb, parse_pattern, sentence, tidy
from storyworld.texts import wants


def readings(source: str, draws: int = 300) -> set[str]:
    """Everything that a pattern can say, slots and verbs as they stand."""
    rng, pattern = random.Random(0), parse_pattern(source)
    return {pattern.expand(rng, lambda slot: slot.role, past) for _ in range(draws)}


def test_a_line_without_choices_has_one_reading():
    assert readings("Up went the kite.") == {"Up went the kite."}
    assert parse_pattern("Up went the kite.").num_readings == 1


def test_choices_give_each_of_their_options_and_nothing_else():
    assert readings("a [b|c] d") == {"a b d", "a c d"}
    assert readings("[a|b] [c|d|e]") == {f"{x} {y}" for x in "ab" for y in "cde"}


def test_choices_nest():
    assert readings("x [a|b [c|d [e|f]]] y") == {"x a y", "x b c y", "x b d e y", "x b d f y"}


@pytest.mark.parametrize(
    "source", ["a", "[a|b]", "[a|b][c|d|e]", "[a|b [c|d]]", "[[a|b]|c|[d|[e|f]]]", "[a|]b[c|]"]
)
def test_as_many_readings_are_counted_as_can_be_read(source: str):
    assert parse_pattern(source).num_readings == len(readings(source))


def test_a_rich_option_is_read_more_often_than_a_poor_one():
    rng, pattern = random.Random(0), parse_pattern("[poor|rich [a|b|c|d|e|f|g|h|i]]")
    rich = sum(pattern.expand(rng, str, past) != "poor" for _ in range(400))
    assert 240 < rich < 360  # three to one expected: the square root of nine to one


def test_stars_mark_verbs():
    assert readings("{A} *run and *hop") == {"A ran and hopped"}
    assert readings("*[take [off|]|bring] it") == {"took off it", "took  it", "brought it"}
    nodes = parse_pattern("*pick-up *be").nodes
    assert nodes == (Verb("pick-up"), " ", Verb("be"))


def test_slots_know_their_role_and_form():
    pattern = parse_pattern("{A} [saw {B.his}|lost {T}] by the {perch}, because {why}")
    assert set(pattern.slots) == {
        *(Slot("A"), Slot("B", "his"), Slot("T"), Slot("perch"), Slot("why")),
    }
    assert pattern.roles == {"A", "B", "T"}, "words like {perch} are nobody's role"


@pytest.mark.parametrize(
    "source", ["[a|b", "[a|[b]", "a]", "a|b", "{A", "{}", "{A.}", "{1}", "*[|run]", "*[{A}|run]"]
)
def test_a_broken_line_is_refused(source: str):
    with pytest.raises(ValueError, match=r"\S"):
        parse_pattern(source)


@pytest.mark.parametrize(
    ("text", "tidied"),
    [
        ("a  b ", "a b"),
        ("a , b .", "a, b."),
        ("a,, b", "a, b"),
        ("the gentle bear,.", "the gentle bear."),
        ("Lulu, the quick rabbit, , ran", "Lulu, the quick rabbit, ran"),
        ('"Stop!".', '"Stop!"'),
        ('"Stop!", and', '"Stop!" and'),
        ("Well... no", "Well... no"),
    ],
)
def test_tidying_mends_blanks_and_stops(text: str, tidied: str):
    assert tidy(text) == tidied
    assert tidy(tidied) == tidied


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("mira ran", "Mira ran."),
        ("Mira ran!", "Mira ran!"),
        ("she ran. then she sat", "She ran. Then she sat."),
        ("what? she sat", "What? She sat."),
        ('"no!" said Mira', '"no!" said Mira.'),
        ('she cried, "no!"', 'She cried, "no!"'),
        ("tag with Bruno, the gentle bear,", "Tag with Bruno, the gentle bear."),
        ("", ""),
    ],
)
def test_a_sentence_begins_with_a_capital_and_ends_with_a_stop(text: str, made: str):
    assert sentence(text) == made


VERBS = """
be was is being|have had has having|do did does doing|go went goes going|run ran runs running
hop hopped hops hopping|carry carried carries carrying|play played plays playing
try tried tries trying|bake baked bakes baking|fetch fetched fetches fetching
tie tied ties tying|lie lay lies lying|see saw sees seeing|agree agreed agrees agreeing
travel travelled travels travelling|sail sailed sails sailing|howl howled howls howling
curl curled curls curling|picnic picnicked picnics picnicking|fix fixed fixes fixing
whizz whizzed whizzes whizzing|begin began begins beginning|forget forgot forgets forgetting
offer offered offers offering|visit visited visits visiting|open opened opens opening
hide hid hides hiding|put put puts putting|show showed shows showing|mix mixed mixes mixing
bag bagged bags bagging|bob bobbed bobs bobbing|fib fibbed fibs fibbing|wet wetted wets wetting
flee fled flees fleeing|cast cast casts casting|awake awoke awakes awaking|moo mooed moos mooing
overtake overtook overtakes overtaking|overshoot overshot overshoots overshooting
tiptoe tiptoed tiptoes tiptoeing|rebuild rebuilt rebuilds rebuilding
"""


@pytest.mark.parametrize("row", VERBS.strip().replace("\n", "|").split("|"))
def test_verbs_take_their_forms(row: str):
    base, *forms = row.split()
    assert [past(base), third(base), ing(base)] == forms


def test_several_were():
    assert (plural_past("be"), plural_past("run")) == ("were", "ran")


def verbs(pattern: Pattern) -> set[str]:
    found = set()
    for node in pattern.nodes:
        if isinstance(node, Verb):
            found.add(node.base)
        for option in getattr(node, "options", ()):
            found |= verbs(option)
    return found


def test_every_starred_word_looks_like_a_verb():
    patterns = [p for event in events().values() for p in event.do]
    patterns += [p for words in wants().values() for p in words.want]
    bases = set().union(*map(verbs, patterns))
    assert len(bases) > 300
    for base in bases:
        assert not base.endswith("ly") or base in ("fly", "apply", "reply", "rely"), base
        assert base not in ("not", "and", "the", "to", "a", "with", "very", "just"), base
        short = len(base) == 3 and base[0] not in "aeiou" and base[1] in "aeiou"
        if short and base[2] not in "aeiouwxy":
            assert past(base) != base + "ed", f"{base} lacks a letter in {past(base)}"


@pytest.mark.parametrize(
    ("word", "a"),
    [
        *(("apple", "an"), ("kite", "a"), ("umbrella", "an"), ("unicorn", "a"), ("egg", "an")),
        *(("old map", "an"), ("one-legged pirate", "a"), ("hourglass", "an"), ("hat", "a")),
        *(("uncle", "an"), ("European", "a"), ("useful key", "a"), ("ukulele", "a")),
        *(("Apple", "an"), ("open box", "an"), ("honest fox", "an"), ("once", "a")),
        *(("unusual hat", "an"), ("unopened letter", "an"), ("unicycle", "a"), ("untidy", "an")),
    ],
)
def test_articles_follow_the_sound(word: str, a: str):
    assert article(word) == a


def test_the_article_before_a_noun_follows_the_noun():
    pattern = parse_pattern("A {T.noun}, [a|the] {T.noun}, a [big|] {T.noun} and a {T}")

    def told(noun: str) -> set[str]:
        rng = random.Random(0)
        return {pattern.expand(rng, lambda slot: noun, past) for _ in range(40)}

    assert "An apple, the apple, a big apple and a apple" in told("apple")
    assert "An apple, an apple, a big apple and a apple" in told("apple")
    assert all(text.startswith("A kite, ") for text in told("kite"))
