"""Tales about foreign words, which no image can show: wishes come true as far as they can."""

from __future__ import annotations

import random

import pytest

from storyworld.event import FOREIGN_ROLES, events
from storyworld.staging import stage
from storyworld.state import REACHED, Person, State
from storyworld.stories import tell
from storyworld.storyteller import Storyteller
from storyworld.texts import wish_kinds
from storyworld.wordlists import is_held_out

FOREIGN = sorted(name for name, kind in wish_kinds().items() if kind.is_foreign)


def tale(kind: str, seed: int, *, reader_share: float = 0.0, test: bool = False) -> Storyteller:
    """A storyteller that has told one tale about a wish of this kind."""
    for attempt in range(20):
        teller = Storyteller(
            random.Random(f"{kind}/{seed}/{attempt}"), test=test, reader_share=reader_share
        )
        if stage(teller.director, kind):
            teller.tale(first=True, most=14)
            return teller
    raise AssertionError(f"{kind} cannot be staged")


def test_a_wish_about_a_stranger_belongs_to_whoever_has_it() -> None:
    state = State(people={"fox": Person("garden"), "bear": Person("garden")})
    roles = {"A": "fox", "B": "bear", "X": "whale", "P": "garden"}
    assert not state.is_true(("met", "A", "X"), roles)
    state.apply([("met", "A", "X")], roles)
    assert state.is_true(("met", "A", "X"), roles)
    assert not state.is_true(("met", "B", "X"), roles)
    assert state.copy().is_true(("met", "A", "X"), roles)


@pytest.mark.parametrize("fact", REACHED)
def test_every_such_wish_can_come_true_in_several_ways(fact: str) -> None:
    ways = {event.name for event in events().values() if fact in {e[0] for e in event.effects}}
    assert len(ways) >= 6


@pytest.mark.parametrize("kind", FOREIGN)
def test_such_a_tale_speaks_of_it_from_the_first_panels_to_the_end(kind: str) -> None:
    lengths, mentions = [], []
    for seed in range(4):
        teller = tale(kind, seed)
        (word,) = (w for r, w in teller.state.wishes[0].roles.items() if r in FOREIGN_ROLES)
        texts = [panel.text.lower() for panel in teller.panels]
        named = [word.lower() in text for text in texts]
        assert any(named[:2]), "the wish is said at once"
        assert sum(named) >= 3
        assert teller.state.wishes[0].status in ("met", "up")
        lengths.append(len(texts))
        mentions.append(sum(named) / len(texts))
    assert 5 <= sum(lengths) / len(lengths) <= 14
    assert sum(mentions) / len(mentions) > 0.4


@pytest.mark.parametrize("test", [False, True])
def test_its_words_are_those_of_its_split(test: bool) -> None:
    for seed, kind in enumerate(FOREIGN):
        teller = tale(kind, seed, test=test)
        (word,) = (w for r, w in teller.state.wishes[0].roles.items() if r in FOREIGN_ROLES)
        words = [word, word.split(" the ")[0], *word.split(" ", 1)[1:], word.split(" the ")[-1]]
        assert any(is_held_out(w) == test for w in words)


def test_a_reader_opens_such_a_tale_with_just_that() -> None:
    opened = 0
    for seed in range(12):
        teller = tale("have-y", seed, reader_share=0.25)
        first = teller.panels[0]
        typed = (first.reader_text or first.hint).lower()
        word = teller.state.wishes[0].roles["Y"]
        if typed:
            opened += 1
            near = any(part in f"{typed} {first.text.lower()}" for part in word.lower().split())
            assert near, (typed, word)
    assert opened >= 6


def test_what_a_reader_tells_first_is_what_the_tale_is_about() -> None:
    openings = 0
    for seed in range(700, 740):
        story = tell(seed, reader_share=0.5)[0]
        first, (_, roles, _) = story.panels[0], story.wishes[0]
        if not first.reader_text and not first.hint:
            continue
        about = {entity for role, entity in roles.items() if role not in "AP"}
        openings += 1
        assert not about or about & set(first.roles.values()), (first.text, roles)
        assert roles["A"] in first.roles.values()
    assert openings > 15
