"""Simulated readers' deeds: each gets a panel that continues the reader's words.

Any event is allowed, with anybody and anything; its conditions are made true. Lines that must not
come true (`kindly` events) get a kind answer instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING

from storyworld.binding import bindings
from storyworld.event import FOREIGN_ROLES, Event, events
from storyworld.language.pattern import Pattern, parse_pattern, sentence, tidy
from storyworld.planner import Step
from storyworld.staging import force
from storyworld.state import REACHED
from storyworld.teller import PanelDraft, join
from storyworld.texts import wants
from storyworld.wordlists import other_words
from storyworld.world import PLACES

if TYPE_CHECKING:
    from storyworld.storyteller import Storyteller


def reader_panel(story: Storyteller) -> bool:
    """Let a reader do something; return whether they found anything to do."""
    rng = story.rng
    chance = rng.random()
    if chance < 0.07:
        return _answer_kindly(story)
    step = _foreign_deed(story) if chance < 0.22 else None
    if step is None and chance < 0.7:
        steps = story.director.options((), without=("kindly", "begin"), most=12)
        steps = [s for s in steps if s.event.do]
        step = rng.choice(steps) if steps else None
    if step is None:
        step = _forced_deed(story)
    if step is None or not step.event.do:
        return False
    _do_deed(story, step)
    return True


def _do_deed(story: Storyteller, step: Step, *, opens: bool = False) -> None:
    """Add a panel that begins with a reader's words, or follows their hint.

    Args:
        story: The story that gets the panel.
        step: The reader's deed.
        opens: Whether it is the first panel, in which the storyteller adds hour and place.
    """
    rng, director = story.rng, story.director
    before = story.state.copy()
    place = director.place
    director.happen(step)
    story.remember(step, before)
    story.namer.new_panel()
    pattern = rng.choice(step.event.do)
    is_hint = rng.random() < 0.25
    known = set(story.namer.introduced)
    spoken = story.reader.line(pattern, step.roles, before, asked=False if opens else None)
    said, has_place = _with_place(story, spoken.text) if opens else (spoken.text, True)
    told: str | None = None
    opening = ""
    if opens and not (has_place and story.is_plain_day):
        opening = story.first_words(first=True)
    if is_hint:
        # A hint is no part of the tale, so whoever it names is still new there.
        story.namer.new_panel()
        story.namer.introduced = known
    elif not spoken.asked:
        told = ""
    draft = story.teller.tell(
        *(step.event, step.roles, before, story.state, director.place),
        deed=told,
        opening=opening if told is None else "",
        brief=bool(opening) and told == "",
    )
    if opening and told == "":
        # The event is told already; hour and place go into the sentence of the wish.
        draft.parts.insert(0, _wish_told(story, opening))
        if opens and rng.random() < 0.6:
            draft.parts[:0] = _something_more(story, step)[:1]
    if is_hint:
        draft.hint = said
    else:
        draft.reader_text = said
        if not draft.parts:
            draft.parts = _something_more(story, step)
        if said[-1] not in ".!?)":
            draft.stop = "."
    story.add(draft, step.roles, step.event)
    story.deed = None if opens else step
    if story.state.people[director.hero].place != place:
        director.replan()


def _wish_told(story: Storyteller, opening: str) -> str:
    """Return the tale's wish as a sentence after a prefix; it then needs no panel of its own."""
    kind, roles = story.director.kind, story.wish_roles()
    assert kind is not None
    pattern = story.teller.choose(kind.tell, roles, opening=opening)
    assert pattern is not None
    story.wish_told = True
    return sentence(join(opening, story.teller.read_out(pattern, roles, story.state)))


def _something_more(story: Storyteller, step: Step) -> list[str]:
    """Return the storyteller's additions to a reader's own sentence."""
    teller, event = story.teller, step.event
    here = [who for who in story.namer.people if who in story.state.people]
    choices = []
    if event.after:
        pattern = teller.choose(event.after, step.roles)
        if pattern:
            choices.append(sentence(teller.read_out(pattern, step.roles, story.state)))
    if not choices or story.rng.random() < 0.5:
        spoken = teller.speech(event, step.roles, story.state, story.director.place)
        choices += [spoken] if spoken else []
    if here and (not choices or story.rng.random() < 0.4):
        who = story.rng.choice(here)
        choices.append(teller.reaction(who, story.state, with_why=story.rng.random() < 0.6))
    return choices[:2]


def _forced_deed(story: Storyteller) -> Step | None:
    """Return any event, with anybody and anything; its conditions are made true."""
    rng, director = story.rng, story.director
    candidates = [
        event
        for event in events().values()
        if event.do
        and not event.tags & {"kindly", "begin", "end"}
        and not set(event.roles) & set(FOREIGN_ROLES)
    ]
    for event in rng.sample(candidates, min(12, len(candidates))):
        trial = story.state.copy()
        roles = force(director, event, trial)
        if roles is not None:
            director.state = trial
            return Step(event, roles)
    return None


def _foreign_deed(story: Storyteller) -> Step | None:
    """Return an event that brings in a foreign word, or one that the story knows already."""
    rng, director = story.rng, story.director
    candidates = foreign_events()
    for event in rng.sample(candidates, min(12, len(candidates))):
        given: dict[str, str] = {"P": director.place}
        for role in event.roles:
            if role in FOREIGN_ROLES:
                given[role] = _foreign_word(story, role, event)
        found = next(iter(bindings(event, story.state, given, rng, most=1)), None)
        if found is not None:
            return Step(event, found)
    return None


@cache
def foreign_events() -> tuple[Event, ...]:
    """Return the events with a foreign role: a person, thing or place that no image can show."""
    everything = events().values()
    return tuple(e for e in everything if e.do and set(e.roles) & set(FOREIGN_ROLES))


def _foreign_word(story: Storyteller, role: str, event: Event) -> str:
    """Return a word for a foreign role: a known one if the event's conditions ask for it."""
    known = any(fact[0] in ("heard", "word") and role in fact for fact in event.conditions)
    old = [word for word, kind in story.foreign_roles.items() if kind == role]
    if old and (known or story.rng.random() < 0.2):
        return story.rng.choice(old)
    word = story.new_word(role)
    story.foreign_roles[word] = role
    if not known:
        story.state.words.add(word)
    return word


def opening_panel(story: Storyteller) -> bool:
    """Let a reader begin the story with a panel about the tale's wish.

    They ask for the wish in their own words, tell the first event, or only name somebody and
    something; the storyteller adds what is missing of place, hour, weather and wish.
    """
    chance = story.rng.random()
    if chance < 0.55:
        return _ask_for_wish(story)
    if chance < 0.7:
        return _name_it(story)
    return _tell_beginning(story)


def _foreign_beginning(story: Storyteller) -> Step | None:
    """Return an event that connects the hero with the foreign word of the wish."""
    director = story.director
    steps = director.options(("foreign",), without=("mishap",), about=[director.hero], most=12)
    steps = [s for s in steps if s.event.do and s.roles.get("A") == director.hero]
    steps = [s for s in steps if not any(fact[0] in REACHED for fact in s.event.effects)]
    return story.rng.choice(steps) if steps else None


def _with_place(story: Storyteller, text: str) -> tuple[str, bool]:
    """Perhaps append the place to a reader's sentence; return the text and whether it has it."""
    rng, place = story.rng, story.director.place
    noun = PLACES[place].at
    others = other_words("place-synonyms", story.test).get(place)
    if others and rng.random() < 0.2:
        noun = "at the " + rng.choice(others)
    if rng.random() < 0.45 or text[-1:] in "?!.":
        return text, False
    return f"{text} {noun}", True


def _bring_about(story: Storyteller) -> None:
    """Apply the mishap that caused the wish before the first panel."""
    director = story.director
    if director.incident is not None:
        director.happen(director.incident)
        director.incident = None


def _ask_for_wish(story: Storyteller) -> bool:
    _bring_about(story)
    director, rng, teller = story.director, story.rng, story.teller
    kind, wish = director.kind, director.wish
    assert kind is not None and wish is not None
    roles = story.wish_roles()
    patterns = [p for p in wants()[kind.name].ask if p.roles <= set(roles)]
    if not patterns:
        return False
    said, is_hint = _say_first(story, rng.choice(patterns), roles)
    said, has_place = _with_place(story, said)
    # A panel that answers a hint tells everything itself.
    is_said = has_place and story.is_plain_day and not is_hint
    opening = "" if is_said else story.first_words(first=True)
    is_enough = not opening and rng.random() < 0.5
    parts = [] if is_enough else [_wish_told(story, opening)]
    quoted = teller.choose(kind.say, roles)
    if quoted is not None and (is_enough or rng.random() < 0.4):
        words = sentence(teller.read_out(quoted, roles, story.state))
        parts.append(teller.quote(roles["A"], words, story.state))
    if is_enough:
        parts.append(teller.reaction(roles["A"], story.state, with_why=False))
        story.wish_told = True
    _add_reader_panel(story, PanelDraft(parts, f"wish {kind.name}"), said, roles, is_hint=is_hint)
    return True


def _tell_beginning(story: Storyteller) -> bool:
    """Let the reader tell the mishap or the quiet scene with which the tale begins.

    It must concern the wish: a scene that shares only the hero with it would be forgotten in the
    next panel.
    """
    director = story.director
    assert director.wish is not None
    about = {entity for role, entity in director.wish.roles.items() if role not in "AP"}
    step = director.incident
    step = step or (_foreign_beginning(story) if director.foreign else story.quiet_beginning())
    if step is None or not step.event.do or (about and not about & set(step.roles.values())):
        return _ask_for_wish(story)
    _do_deed(story, step, opens=True)
    return True


def _name_it(story: Storyteller) -> bool:
    """Let the reader give a kind of title: somebody, somebody and something, a place, an hour."""
    _bring_about(story)
    director, rng = story.director, story.rng
    kind = director.kind
    assert kind is not None
    roles = story.wish_roles()
    frames = ["{A}", "a story about {A}", "{A} {P.at}", "once there was {A}", "tell me about {A}"]
    if "T" in roles:
        frames += [
            "{A} and {T.a}",
            "a tale of {A} and {T.a}",
            "{T.a}, {A}",
            "{A}, {T.a}, {P.the}",
        ] * 2
    for role in director.foreign:
        word = "{" + role + "}"
        frames += [f"{{A}} and {word}", f"{word} and {{A}}", f"about {{A}} and {word}"] * 3
    if "B" in roles:
        frames += [
            "{A} and {B}",
            "{A} and {B} {P.at}",
            "{A} meets {B}",
            "two friends: {A} and {B}",
        ] * 2
    said, is_hint = _say_first(story, parse_pattern(rng.choice(frames)), roles)
    parts = [_wish_told(story, story.first_words(first=True))]
    _add_reader_panel(story, PanelDraft(parts, f"wish {kind.name}"), said, roles, is_hint=is_hint)
    return True


def _say_first(story: Storyteller, pattern: Pattern, roles: Mapping[str, str]) -> tuple[str, bool]:
    """Return a reader's first words, and whether (one in six) they are only a hint."""
    mark = story.namer.mark()
    said = story.reader.words(pattern, roles, story.state)
    is_hint = story.rng.random() < 0.17
    if is_hint:
        story.namer.back_to(mark)
    return said, is_hint


def _add_reader_panel(
    story: Storyteller, draft: PanelDraft, said: str, roles: Mapping[str, str], *, is_hint: bool
) -> None:
    """Add a panel that begins with a reader's words, or answers them as a hint."""
    typed = story.reader.typed(said)
    if is_hint:
        draft.hint = typed
    else:
        draft.reader_text = typed
        if typed[-1] not in ".!?)":
            draft.stop = "."
    story.add(draft, roles, None)


def _answer_kindly(story: Storyteller) -> bool:
    """Answer a line that must not come true kindly."""
    director = story.director
    found = [s for s in director.options(("kindly",), most=30) if s.event.hint]
    if not found:
        return False
    # Mostly the hero answers, so that the panel stays with the tale's main character.
    step = story.rng.choice([s for s in found if s.roles.get("A") == director.hero] or found)
    before = story.state.copy()
    story.namer.new_panel()
    line = story.teller.read_out(story.rng.choice(step.event.hint), step.roles, before)
    story.namer.new_panel()
    director.happen(step)
    story.remember(step, before)
    draft = story.teller.tell(
        *(step.event, step.roles, before, story.state, director.place), brief=True
    )
    draft.hint = story.reader.typed(tidy(line))
    story.add(draft, step.roles, step.event)
    return True
