"""Every event can happen, and each of its lines is good English with any characters."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping, Sequence

import pytest

from storyworld.blocks import ROOT, parse_blocks
from storyworld.check import stage
from storyworld.event import CHARACTER_ROLES, Event, events, parse_event, read_events
from storyworld.language.inflect import article, past
from storyworld.language.pattern import Choice, Pattern, Slot, parse_pattern, sentence
from storyworld.naming import Foreign, Namer
from storyworld.scene import Scene
from storyworld.state import State
from storyworld.teller import Teller, join
from storyworld.texts import text_lists, wants, wish_kinds
from storyworld.world import CHARACTERS

FILES = sorted(path.name for path in (ROOT / "events").glob("*.txt"))
BROKEN = re.compile(
    r"[{}\[\]|*\0]|  | [,.;:!?](?!\.\.)|,[.,!?;]|(?<!\.)\.\.(?!\.)"
    r"|\b[Aa] (?=[aeio]\w)(?!one)|\b[Aa]n (?=[bcdfgj-np-tv-z]\w)"
    r"|\b(?:the|a|an) (?:the|a|an|his|her) "
    r"|\b(?:(a|and|at|by|for|he|in|is|of|she|they|to|was|with) \1)\b"
)
"""Slots, choices and stars that were not read; blanks and stops that are wrong; wrong articles, and
small words that stand there twice."""
CHAT = "== chat.on\nif at A P, at B P\nthen mood B sad\ntell {A} sat.\nsay B I [sit|stand] here!\n"
STRANGERS = {word: Foreign(word) for word in ("whale", "telescope", "moon")}
HE, SHE = (
    {species for species, one in CHARACTERS.items() if one.pronoun == pronoun}
    for pronoun in ("he", "she")
)


def staged(event: Event, rng: random.Random) -> tuple[State, dict[str, str]]:
    """Return a state in which the event can happen, and its roles."""
    found = next((s for s in (stage(event, rng) for _ in range(400)) if s), None)
    assert found is not None, f"{event.name}: its conditions never hold"
    return found


def recast(state: State, roles: Mapping[str, str], hero: str) -> tuple[State, dict[str, str]]:
    """Return the same with another character as A, who changes roles with the old one."""
    old = roles["A"]
    swap = {old: hero, hero: old}

    def other(word: str) -> str:
        return swap.get(word, word)

    twin = state.copy()
    twin.people = {other(who): person for who, person in twin.people.items()}
    for item in twin.things.values():
        item.at, item.owner = other(item.at), other(item.owner)
    twin.knows = {frozenset(map(other, pair)) for pair in twin.knows}
    twin.cross = {(other(one), other(two)) for one, two in twin.cross}
    twin.promised = {(other(one), other(two)): what for (one, two), what in twin.promised.items()}
    twin.did = {(other(who), group) for who, group in twin.did}
    for wish in twin.wishes:
        wish.roles = {role: other(word) for role, word in wish.roles.items()}
    if twin.earlier is not None:
        twin.earlier, _ = recast(twin.earlier, roles, hero)
    return twin, {role: other(word) for role, word in roles.items()}


def told(
    pattern: Pattern,
    roles: Mapping[str, str],
    state: State,
    rng: random.Random,
    why: str = "it was so",
) -> str:
    namer = Namer(rng, foreign=dict(STRANGERS))

    def fill(slot: Slot) -> str:
        return namer.fill(slot, roles, state, why)

    return sentence(pattern.expand(rng, fill, past))


def complaint(text: str) -> str:
    """Return what is wrong with a sentence, or ''."""
    found = BROKEN.search(text)
    return f"{found.group()!r} in {text!r}" if found else ""


def lines(event: Event, state: State, after: State) -> Iterator[tuple[Pattern, State]]:
    for pattern in (*event.do, *event.tell, *event.why, *event.hint):
        yield pattern, state
    for pattern in (*event.after, *(p for _, p in event.say)):
        yield pattern, after


@pytest.mark.parametrize("name", FILES)
def test_every_event_can_happen_and_its_effects_hold(name: str):
    rng = random.Random(name)
    for event in read_events(name):
        state, roles = staged(event, rng)
        assert all(state.is_true(fact, roles) for fact in event.conditions)
        before = state.copy()
        state.apply(event.effects, roles)
        assert state != before or "kindly" in event.tags
        again = state.copy()
        again.apply([("did", role, event.group) for role in event.roles if role in "ABCD"], roles)
        assert again == state, event.name


@pytest.mark.parametrize("name", FILES)
def test_every_line_of_an_event_is_whole_with_both_pronouns(name: str):
    rng, wrong = random.Random(name), []
    for event in read_events(name):
        state, roles = staged(event, rng)
        heroes = [roles["A"]] if "A" in roles else [""]
        heroes += (
            [min((HE if roles["A"] in SHE else SHE) - set(roles.values()))] if heroes[0] else []
        )
        for hero in heroes:
            here, cast = recast(state, roles, hero) if hero else (state, roles)
            after = here.copy()
            after.apply(event.effects, cast)
            for pattern, when in lines(event, here, after):
                text = told(pattern, cast, when, rng)
                if complaint(text):
                    wrong.append(f"{event.name}: {complaint(text)}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", FILES)
def test_every_event_makes_a_panel_with_an_image(name: str):
    rng = random.Random(name)
    for event in read_events(name):
        if not event.tell or "P" not in event.roles:
            continue
        state, roles = staged(event, rng)
        after = state.copy()
        after.apply(event.effects, roles)
        teller = Teller(rng, Namer(rng, foreign=dict(STRANGERS)))
        place = after.people[roles["A"]].place if "A" in roles else roles["P"]
        draft = teller.tell(event, roles, state, after, place)
        assert draft.text and not complaint(draft.text.replace('"', "")), complaint(draft.text)
        show = {roles[role]: words for role, words in event.show.items() if role in roles}
        scene = teller.scene(after, place, show, close=event.close, hero=roles.get("A", ""))
        assert isinstance(scene, Scene)
        assert {actor.species for actor in scene.actors} <= set(after.people)


def test_a_panel_that_is_cut_short_names_nobody_of_what_was_cut(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("storyworld.teller._MOST_WORDS", 4)
    chat = parse_event(next(parse_blocks(CHAT, "test.txt")))
    state, roles = State(), {"A": "fox", "B": "bear", "P": "garden"}
    state.apply([("at", who, "garden") for who in ("fox", "bear")], {})
    for seed in range(20):
        namer = Namer(random.Random(seed))
        draft = Teller(namer.rng, namer).tell(chat, roles, state, state, "garden")
        assert draft.parts[0].endswith("sat.") and len(draft.parts) == 1
        assert namer.people == ["fox"] and namer.introduced == {"fox"}


def test_the_options_of_a_choice_differ():
    def doubled(pattern: Pattern) -> Iterator[str]:
        for node in pattern.nodes:
            if isinstance(node, Choice):
                sources = [option.source for option in node.options]
                yield from (source for source in set(sources) if sources.count(source) > 1)
                for option in node.options:
                    yield from doubled(option)

    wrong = [
        f"{event.name}: {twice!r} in {pattern.source!r}"
        for event in events().values()
        for pattern in (*event.do, *event.tell, *event.after, *event.why)
        for twice in doubled(pattern)
    ]
    assert not wrong, "\n".join(wrong)


def first_words(nodes: Sequence[object]) -> Iterator[str]:
    """Yield the texts with which these parts may begin; none after a slot."""
    for node in nodes:
        if isinstance(node, str) and node.strip():
            yield node.strip()
            return
        if isinstance(node, Choice):
            heads = [list(first_words(option.nodes)) for option in node.options]
            yield from (head for each in heads for head in each)
            if all(option.nodes for option in node.options):
                return
        elif not isinstance(node, str):
            return


def wrong_articles(nodes: Sequence[object], after: Sequence[object] = ()) -> Iterator[str]:
    """Every `a` before a word that takes `an`, whatever options are chosen."""
    for number, node in enumerate(nodes):
        rest = (*nodes[number + 1 :], *after)
        if isinstance(node, Choice):
            for option in node.options:
                yield from wrong_articles(option.nodes, rest)
        elif isinstance(node, str) and (found := re.search(r"\b([Aa]n?) $", node)):
            for text in first_words(rest):
                word = re.match(r"[\w'-]+", text)
                if word and article(word[0]) != found[1].lower():
                    yield f"{found[1]} {word[0]}"


def test_articles_fit_every_option_that_may_follow():
    wrong = [
        f"{event.name}: {each} in {pattern.source!r}"
        for event in events().values()
        for pattern in (
            *event.do,
            *event.tell,
            *event.after,
            *event.why,
            *(p for _, p in event.say),
        )
        for each in wrong_articles(pattern.nodes)
    ]
    assert not wrong, "\n".join(wrong)
    assert list(wrong_articles(parse_pattern("a [big|[old|new]|] apple").nodes)) == [
        *("a old", "a apple"),
    ]


# --- the texts around events ----------------------------------------------------------------------


def everyday() -> tuple[State, dict[str, str]]:
    state = State()
    roles = {"A": "fox", "B": "bear", "C": "cat", "D": "duck", "T": "kite", "U": "box"}
    roles |= {"P": "garden", "Q": "hill", "V": "drum", "L": "ladder", "want": "*"}
    for role, who in roles.items():
        if role in CHARACTER_ROLES:
            state.apply([("at", who, "garden")], {})
        elif role in "TUVL":
            state.put(who, "floor", "garden")
    return state, roles


@pytest.mark.parametrize("hero", ["fox", "bear"])
@pytest.mark.parametrize(
    "name", ["along", "openings", "beginnings", "endings", "reactions", "voices"]
)
def test_every_line_of_a_list_is_whole(name: str, hero: str):
    rng, (state, roles) = random.Random(0), everyday()
    roles |= {"A": hero, "B": "cat"}
    wrong = []
    for heading, patterns in text_lists(name).items():
        for pattern in patterns:
            text = told(pattern, roles, state, rng)
            if name in ("openings", "beginnings"):
                opening = pattern.expand(
                    rng, lambda s: Namer(rng).fill(s, roles, state, "he sat"), past
                )
                text = sentence(join(opening, "Mira ran"))
                assert text.endswith(" Mira ran."), text
            wrong += [f"{heading}: {complaint(text)}"] if complaint(text) else []
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("hero", ["fox", "bear"])
def test_every_line_of_a_wish_is_whole(hero: str):
    rng, (state, roles) = random.Random(0), everyday()
    roles |= {"A": hero, "B": "cat", **dict(zip("XYZ", STRANGERS, strict=True))}
    wrong = []
    for kind in wish_kinds().values():
        patterns = (*kind.tell, *kind.say, *kind.met, *kind.up, *kind.title)
        for pattern in (*patterns, *wants()[kind.name].ask, *wants()[kind.name].want):
            text = told(pattern, roles, state, rng)
            wrong += [f"{kind.name}: {complaint(text)}"] if complaint(text) else []
    assert not wrong, "\n".join(wrong)
