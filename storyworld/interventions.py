"""What readers do to a story: a deed of theirs, on a page that goes on from their words.

Any event is allowed, with anybody and anything; what it needs comes true with it. Lines that must
not come true (`kindly` events) get a kind answer instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from storyworld.binding import bindings
from storyworld.event import FOREIGN_ROLES, Event, events
from storyworld.language.pattern import sentence, tidy
from storyworld.planner import Step
from storyworld.wordlists import foreign_person, foreign_place, foreign_thing

if TYPE_CHECKING:
    from storyworld.storyteller import Storyteller


def reader_page(story: Storyteller) -> bool:
    """Let a reader do something; whether they found anything to do."""
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


def _do_deed(story: Storyteller, step: Step) -> None:
    """A page that begins with a reader's words, or follows their hint."""
    rng, director = story.rng, story.director
    before = story.state.copy()
    place = director.place
    director.happen(step)
    story.remember(step, before)
    story.namer.new_page()
    pattern = rng.choice(step.event.do)
    is_hint = rng.random() < 0.25
    spoken = story.reader.line(pattern, step.roles, before)
    told: str | None = None
    if is_hint:
        story.namer.new_page()
    elif not spoken.asked:
        told = ""
    page = story.teller.tell(
        *(step.event, step.roles, before, story.state, director.place), deed=told
    )
    if is_hint:
        page.hint = spoken.text
    else:
        page.reader_text = spoken.text
        if not page.parts:
            page.parts = _something_more(story, step)
        if spoken.text[-1] not in ".!?)":
            page.stop = "."
    story.add(page, step.roles, step.event)
    story.deed = step
    if story.state.people[director.hero].place != place:
        director.replan()


def _something_more(story: Storyteller, step: Step) -> list[str]:
    """What the storyteller adds to a reader's own sentence."""
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
        choices.append(teller.reaction(who, story.state, with_why=False))
    return choices[:2]


def _forced_deed(story: Storyteller) -> Step | None:
    """Any event at all, with anybody and anything: what it needs comes true with it."""
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
        roles = director.force(event, trial)
        if roles is not None:
            director.state = trial
            return Step(event, roles)
    return None


def _foreign_deed(story: Storyteller) -> Step | None:
    """Somebody, something or some place that no picture can show comes in, or comes up again."""
    rng, director = story.rng, story.director
    candidates = [event for event in events().values() if "foreign" in event.tags and event.do]
    if not candidates:
        return None
    for event in rng.sample(candidates, min(12, len(candidates))):
        given: dict[str, str] = {"P": director.place}
        for role in event.roles:
            if role in FOREIGN_ROLES:
                given[role] = _foreign_word(story, role, event)
        found = next(iter(bindings(event, story.state, given, rng, most=1)), None)
        if found is not None:
            return Step(event, found)
    return None


def _foreign_word(story: Storyteller, role: str, event: Event) -> str:
    """A word for a foreign role: one the story knows already where the event asks for it."""
    known = any(fact[0] in ("heard", "word") and role in fact for fact in event.conditions)
    old = [word for word, kind in story.foreign_roles.items() if kind == role]
    if old and (known or story.rng.random() < 0.2):
        return story.rng.choice(old)
    make = {"X": foreign_person, "Y": foreign_thing, "Z": foreign_place}[role]
    foreign = make(story.rng, story.test)
    story.namer.foreign[foreign.noun] = foreign
    story.foreign_roles[foreign.noun] = role
    if not known:
        story.state.words.add(foreign.noun)
    return foreign.noun


def _answer_kindly(story: Storyteller) -> bool:
    """A line that must not come true gets a kind answer."""
    director = story.director
    found = [s for s in director.options(("kindly",), most=30) if s.event.hint]
    if not found:
        return False
    step = story.rng.choice(found)
    before = story.state.copy()
    story.namer.new_page()
    line = story.teller.read_out(story.rng.choice(step.event.hint), step.roles, before)
    story.namer.new_page()
    director.happen(step)
    story.remember(step, before)
    page = story.teller.tell(
        *(step.event, step.roles, before, story.state, director.place), brief=True
    )
    page.hint = story.reader.typed(tidy(line))
    story.add(page, step.roles, step.event)
    return True
