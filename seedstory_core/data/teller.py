"""The storyteller: keeps the state of a story and writes one panel after the other.

A plot says what happens (`tell("stuck.wind", hold="high")`); the teller finds words that fit what
has been said so far, brings in what must not be forgotten (somebody still holds the kite), lets a
reader write a panel now and then, and refuses words that would contradict the state.
"""

from __future__ import annotations

import random
import re
import zlib
from collections import Counter
from dataclasses import dataclass, field
from functools import cache

from seedstory_core.data import library, reader, words
from seedstory_core.data.events import Event
from seedstory_core.data.grammar import (
    SOMEWHERE,
    DoesNotFitError,
    Draft,
    Template,
    facts_of,
    normalise,
    slots,
)
from seedstory_core.data.world import CHARACTERS, INDOORS, PLACES, PROPS, Scene


class StuckError(DoesNotFitError):
    """No words fit; the story is begun again from another seed."""


@dataclass(frozen=True)
class StoryPanel:
    """One panel: its words and what its image shows.

    Attributes:
        text: The whole caption, the reader's words first where there are any.
        scene: What the image shows.
        reader_text: What the reader wrote; empty where the storyteller wrote alone.
        event: What happens, as the plots call it.
        chapter: From 0.
        is_end: Whether the tale ends here (the last words are `The end.`).
        said: What the reader's words alone say: `place`, `time`, `weather`, `prop`, `holder`,
            `cast`, `pose:fox`, `expression:fox`.
        held_out: Whether the reader's words come from a paraphrase that training never sees.
    """

    text: str
    scene: Scene
    reader_text: str = ""
    event: str = ""
    chapter: int = 0
    is_end: bool = False
    said: frozenset[str] = frozenset()
    held_out: bool = False


def is_held_out(species: str, place: str, prop: str | None) -> bool:
    """Whether this character is never seen in this place with this prop while training."""
    return prop is not None and zlib.crc32(f"{species}/{place}/{prop}".encode()) % 100 < 5


HELD_OUT_TRIPLES = tuple(
    (species, place, prop)
    for species in CHARACTERS
    for place in PLACES
    for prop in PROPS
    if is_held_out(species, place, prop)
)

_OPEN_PANELS = frozenset({"begin.alone", "begin.owner", "begin.nickname"})
"""A reader's first panels after which the tale begins at the same place and time."""

_BREAK = re.compile(r'(?<=[.!?])"? +(?="?[A-Z])')


def sentences(text: str) -> list[str]:
    """The sentences of a caption, without quotation marks around them."""
    return [s.strip('" ') for s in _BREAK.split(text) if s.strip('" ')]


@dataclass
class Teller:
    """A story in the making."""

    rng: random.Random
    split: str
    cast: dict[str, str]
    reader_share: float
    place: str = "garden"
    time: str = "day"
    weather: str = "clear"
    prop: str | None = None
    holders: dict[str, str | None] = field(default_factory=dict)
    """Who has which prop: a species, `ground`, `high`, or None when it is not there."""
    fixed: set[str] = field(default_factory=set)
    """What a reader may not change here: `place`, `time`, `weather`, `prop`, `give`."""
    flags: set[str] = field(default_factory=set)
    panels: list[StoryPanel] = field(default_factory=list)
    known: set[str] = field(default_factory=set)
    used: Counter[str] = field(default_factory=Counter)
    spoken: set[str] = field(default_factory=set)
    chapter: int = 0
    pending: list[str] = field(default_factory=list)
    on_stage: list[str] = field(default_factory=list)
    closing: bool = True
    """Whether this chapter ends with `The end.`"""
    brief: bool = False
    """Whether optional beats are left out, so that three chapters fit."""

    # --- what plots use ---------------------------------------------------------------------------

    def begin(self, place: str, time: str, weather: str, prop: str | None) -> None:
        """Set the stage of a chapter; its first event says it in words."""
        self.place, self.time, self.weather, self.prop = place, time, weather, prop
        self.holders = {}
        self.fixed, self.flags = set(), set()
        self.on_stage = []
        self.plot_place, self.plot_holder = place, {}

    def chance(self, share: float) -> bool:
        """Whether an optional beat is told."""
        return not self.brief and self.rng.random() < share

    def pick(self, *options: str) -> str:
        """One of several ways."""
        return self.rng.choice(options)

    def another_place(self, *among: str, outdoors: bool = False) -> str:
        """Somewhere else to go, where everybody may be seen with the prop."""
        places = [p for p in among or PLACES if p != self.place]
        places = [p for p in places if not (outdoors and p in INDOORS)]
        if self.split != "test":
            places = [
                p
                for p in places
                if not any(is_held_out(s, p, self.prop) for s in self.cast.values())
            ]
        if not places:
            raise StuckError("another place")
        return self.rng.choice(places)

    def put_away(self) -> None:
        """From here on the prop is out of sight."""
        if self.prop is not None:
            self.holders[self.prop] = self.plot_holder[self.prop] = None

    def pass_time(self, share: float = 1.0) -> None:
        """Perhaps let it get later before the next event."""
        if self.pending or self.brief or "time" in self.fixed or self.time == "night":
            return
        if self.rng.random() < share * 0.6:
            self.pending.append("time." + ("dusk" if self.time == "day" else "night"))

    def change_weather(self, share: float = 1.0) -> None:
        """Perhaps let the weather change before the next event."""
        if self.pending or self.brief or "weather" in self.fixed:
            return
        if self.rng.random() < share * 0.55:
            new = self.rng.choice(("rain", "snow")) if self.weather == "clear" else "clear"
            if self.place == "mountain" and new == "rain":
                new = "snow"
            self.pending.append(f"weather.{self.weather}.{new}")

    def tell(
        self,
        name: str,
        *,
        hold: str | None = None,
        after: str | None = None,
        place: str | None = None,
        time: str | None = None,
        weather: str | None = None,
        prop: str | None = None,
        end: bool = False,
        free: bool = True,
        by_reader: bool | None = None,
    ) -> None:
        """Tell one event.

        Args:
            name: The event.
            hold: Who has the prop now, when that changes: a role, `ground` or `high`.
            after: `away` when the prop is out of sight after this panel.
            place: Where the event takes everybody, when that changes.
            time: The time of day the event brings.
            weather: The weather the event brings.
            prop: Another prop from here on.
            end: Whether the tale may end here.
            free: Whether a reader may put something in before it.
            by_reader: Whether a reader writes it; None leaves it to chance.
        """
        if free and self.panels and not self.brief and not self.pending:
            reader.detour(self)
        if prop is not None:
            self.prop = prop
        event = library.EVENTS[name]
        asked = by_reader is not None
        if by_reader is None:
            by_reader = self.rng.random() < self.reader_share * 0.9 and not end
        for attempt in range(80):
            if attempt > 40 and not asked:
                by_reader = False
            state = self.rng.getstate()
            try:
                panel = self._try(event, hold, place, time, weather, end, by_reader, attempt)
            except DoesNotFitError:
                self.rng.setstate(state)
                self.rng.random()
                continue
            self._keep(panel, after)
            return
        raise StuckError(name)

    # --- one panel --------------------------------------------------------------------------------

    def _try(
        self,
        event: Event,
        hold: str | None,
        place: str | None,
        time: str | None,
        weather: str | None,
        end: bool,
        by_reader: bool,
        attempt: int,
    ) -> tuple[StoryPanel, Draft, list[Template]]:
        first = not self.panels
        follows = not first and self.panels[-1].event in _OPEN_PANELS
        away = not first and place is None and self.place != self._home() and bool(self.on_stage)
        target_place = place or (self._home() if away else self.place)
        target_time, target_weather = time or self.time, weather or self.weather
        prefixes: list[Template] = []
        for pending in self.pending:
            what, *_, value = pending.split(".")
            if what == "time":
                target_time = value
            elif what == "weather":
                target_weather = value
        held = self.holders.get(self.prop) if self.prop else None
        expected = self.cast.get(hold, hold) if hold else held
        facts = facts_of(target_place, target_time, target_weather, self.prop, self.cast)
        facts |= self.flags | {"first" if first else "later", f"chapter{min(self.chapter, 1)}"}
        facts |= {f"hold={role}" for role, species in self.cast.items() if species == expected}
        tale, _, what_happens = event.name.partition(".")
        facts |= {f"hold={expected}", f"tale={tale}", f"event={what_happens}"}
        frozen = frozenset(facts)
        cast = dict(self.cast)
        if expected in CHARACTERS:
            cast["X"] = expected

        def eligible(made: Template, told: frozenset[str]) -> bool:
            if not made.fits(frozen | told) or any(r not in self.cast for r in made.roles - {"X"}):
                return False
            if made.holder == SOMEWHERE:
                if expected is None:
                    return False
            elif made.holder is not None and cast.get(made.holder, made.holder) != expected:
                return False
            if made.time not in (None, target_time) or made.place not in (None, target_place):
                return False
            if made.weather not in (None, target_weather):
                return False
            return not (made.held_out and self.split != "test")

        def choose(options: tuple[Template, ...], told: frozenset[str] = frozenset()) -> Template:
            possible = [made for made in options if eligible(made, told)]
            if not possible:
                raise DoesNotFitError
            fewest = min(self.used[made.text] for made in possible)
            possible = [made for made in possible if self.used[made.text] == fewest]
            if by_reader and self.split == "test" and self.rng.random() < 0.6:
                possible = [made for made in possible if made.held_out] or possible
            return self.rng.choice(possible)

        for pending in self.pending:
            prefixes.append(choose(library.EVENTS[pending].heads))
        if away:
            prefixes.append(choose(library.EVENTS["bridge.place"].heads))
        wanted = self._plot_holder
        if held is not None and wanted is not None and held != wanted and hold is None:
            if held not in CHARACTERS or wanted not in CHARACTERS:
                raise DoesNotFitError
            expected = wanted
            prefixes.append(library.EVENTS["bridge.hold"].heads[0])

        if expected in CHARACTERS:
            cast["X"] = expected
        draft = Draft(
            self.rng,
            cast,
            target_place,
            target_time,
            target_weather,
            self.prop,
            known=set(self.known),
            is_link=not first,
            is_here=follows and self.rng.random() < 0.5,
            prop_known=any(panel.scene.prop == self.prop for panel in self.panels),
            tidy=attempt < 55,
        )
        chosen: list[Template] = list(prefixes)
        written = by_reader and not prefixes
        begun: list[Template] = []
        if written and first and event.heads and self.rng.random() < 0.6:
            begun.append(choose(library.EVENTS["begin"].reader))
            if self.rng.random() < 0.25:
                begun.append(choose(library.EVENTS["begin.more"].reader))
        own_words = (
            written
            and not begun
            and bool(event.reader)
            and (not event.heads or self.rng.random() < 0.65)
        )
        head = choose(event.reader if own_words else event.heads)
        if not all(_agree(line, head) for line in begun):
            raise DoesNotFitError
        chosen += [*begun, head]
        by_hand = begun or [head]
        tails = tuple(t for t in self._tails(event, head) if _agree(head, t))
        with_tail = bool(tails) and (
            own_words or not written or len(head.text.split()) < 16 or self.rng.random() < 0.6
        )
        length = len(head.text.split()) + 9 * len(prefixes)
        names = {cast[r] for r in head.roles if r in cast}
        if expected in names and not head.mentions_prop:
            length += 7
        needed = own_words or ("must" in event.pools and attempt < 60)
        if with_tail and not needed and length > 27 and self.rng.random() < 0.75:
            with_tail = False
        if with_tail and not needed and length > 17 and attempt % 3 == 2:
            with_tail = False
        if with_tail:
            told = _shown(head) | ({"reader"} if own_words else set())
            chosen.append(choose(tails, told))
        end = end and self.closing
        if end:
            chosen.append(library.EVENTS["end"].heads[0])
        roles = {r for made in chosen for r in made.roles}
        species = {cast[r] for r in roles if r in cast}
        draft.genders = Counter(CHARACTERS[s].pronoun for s in species)
        mentions = any(made.mentions_prop for made in chosen)
        if expected in species and not mentions and not written and self.rng.random() < 0.7:
            draft.carry = expected

        reader_text = ""
        said: frozenset[str] = frozenset()
        for made in chosen:
            if written and made in by_hand:
                draft.reader = own_words or bool(begun)
                raw = draft.write(made)
                draft.reader = False
                said = _said(draft, self.cast)
                typed = reader.in_a_hurry(raw, self.rng, plain=not own_words and not begun)
                # The storyteller closes a sentence that its reader left open.
                is_open = typed[-1].isalnum()
                if made is not by_hand[-1] and is_open:
                    typed, is_open = typed + ".", False
                reader_text = f"{reader_text} {typed}".lstrip()
                draft.parts[-1] = typed + "." if is_open else typed
            else:
                draft.strict = made.text in _POOLED
                draft.write(made)
                draft.strict = False
        if expected in draft.named and not draft.prop_named and self.prop is not None:
            pool = library.EVENTS["carry"].heads
            extra = choose(pool)
            at = len(draft.parts) - (1 if end else 0)
            ending = draft.parts[at:]
            del draft.parts[at:]
            draft.carry = None
            draft.write(extra)
            draft.parts.extend(ending)
            chosen.append(extra)
        return self._check(draft, chosen, event, expected, hold, reader_text, said, end, attempt)

    def _check(
        self,
        draft: Draft,
        chosen: list[Template],
        event: Event,
        expected: str | None,
        hold: str | None,
        reader_text: str,
        said: frozenset[str],
        end: bool,
        attempt: int,
    ) -> tuple[StoryPanel, Draft, list[Template]]:
        text = " ".join(draft.parts)
        spoken = sentences(text.removesuffix("The end."))
        if any(s.lower() in self.spoken for s in spoken) or len(set(spoken)) < len(spoken):
            raise DoesNotFitError
        count = len(text.split())
        slack = 0 if attempt < 40 else 3
        if not reader_text and not 19 - slack <= count <= 37 + slack + (2 if end else 0):
            raise DoesNotFitError
        if reader_text and count > 42:
            raise DoesNotFitError
        previous = self.panels[-1].scene if self.panels else None
        try:
            scene = draft.scene(previous)
        except (ValueError, KeyError):
            raise DoesNotFitError from None
        if (scene.place, scene.time, scene.weather) != (draft.place, draft.time, draft.weather):
            raise DoesNotFitError
        where = scene.holder
        holder = scene.actors[where].species if isinstance(where, int) else where
        if scene.prop is not None and holder != expected:
            raise DoesNotFitError
        if hold is not None and scene.prop is None:
            raise DoesNotFitError
        if self.split != "test" and any(
            is_held_out(a.species, scene.place, scene.prop) for a in scene.actors
        ):
            raise DoesNotFitError
        panel = StoryPanel(
            text,
            scene,
            reader_text,
            event.name,
            self.chapter,
            end,
            said,
            any(made.held_out for made in chosen),
        )
        return panel, draft, chosen

    def _keep(self, made: tuple[StoryPanel, Draft, list[Template]], after: str | None) -> None:
        panel, draft, chosen = made
        self.panels.append(panel)
        self.known |= draft.known
        self.pending = []
        scene = panel.scene
        self.place, self.time, self.weather = scene.place, scene.time, scene.weather
        self.on_stage = [actor.species for actor in scene.actors]
        if scene.prop is not None:
            where = scene.holder
            self.holders[scene.prop] = (
                scene.actors[where].species if isinstance(where, int) else where
            )
            if after == "away":
                self.holders[scene.prop] = None
        if not panel.event.startswith("detour."):
            self.plot_place = scene.place
            self.plot_holder = dict(self.holders)
        for template in chosen:
            self.used[template.text] += 1
        self.spoken |= {s.lower() for s in sentences(panel.text)}

    def _tails(self, event: Event, head: Template) -> tuple[Template, ...]:
        tails = event.tails
        plain = {"plain", "must"} & set(event.pools) or event.name.startswith("detour.")
        share = 0.9 if self._mood == "trouble" else 0.75
        if not plain and self._told() > 1 and self.rng.random() < share:
            company = {frozenset("A"): "1", frozenset("AB"): "2"}.get(head.roles)
            if company is not None:
                options = library.EVENTS[f"pool.{self._mood}{company}"].heads
                return tuple(made for made in options if not _echoes(head, made))
        pools = [pool for pool in event.pools if pool not in ("plain", "must")]
        if pools and (not tails or self.rng.random() < 0.35):
            return library.EVENTS[self.rng.choice(pools)].heads
        return tails

    def _told(self) -> int:
        """How many panels of this chapter are told."""
        return sum(panel.chapter == self.chapter for panel in self.panels)

    @property
    def _mood(self) -> str:
        """Trouble until there is an idea, joy after it."""
        ideas = any(p.chapter == self.chapter and p.event.endswith(".idea") for p in self.panels)
        return "joy" if ideas else "trouble"

    plot_place: str | None = None
    plot_holder: dict[str, str | None] = field(default_factory=dict)

    def _home(self) -> str:
        return self.plot_place or self.place

    @property
    def _plot_holder(self) -> str | None:
        return self.plot_holder.get(self.prop) if self.prop else None

    def outdoors(self) -> bool:
        """Whether the story is outdoors now."""
        return self.place not in INDOORS


def _shown(head: Template) -> frozenset[str]:
    """What a head shows, as a tail's `@` conditions ask for it: `A:sad`, `B:sit`, `says-place`."""
    says_place = any(slot.role == "place" for slot in slots(head.nodes))
    return frozenset({"says-place"} if says_place else ()) | frozenset(
        f"{role}:{what}"
        for who, looks in head.actors.items()
        for role in (head.roles if who == "T" else who)
        for what in looks
        if what
    )


def _agree(head: Template, tail: Template) -> bool:
    """Whether a tail says nothing about a pose or mood that the head says otherwise."""
    for role, (pose, mood) in tail.actors.items():
        for other, (head_pose, head_mood) in head.actors.items():
            if "T" in (role, other) or role == other:
                if pose and head_pose and pose != head_pose:
                    return False
                if mood and head_mood and mood != head_mood:
                    return False
    return not (tail.time or tail.weather or tail.place) or tail.time == head.time


_TELLING = frozenset().union(*words.MOOD_WORDS.values(), *words.POSE_WORDS.values())


_POOLED = frozenset(
    made.text
    for name in ("trouble1", "trouble2", "joy1", "joy2", "try", "alone")
    for made in library.EVENTS[f"pool.{name}"].heads
)


def _echoes(head: Template, tail: Template) -> bool:
    """Whether a tail tells a mood or a pose in the same words as the head."""
    return bool(_telling(head.text) & _telling(tail.text))


@cache
def _telling(text: str) -> frozenset[str]:
    return _TELLING & frozenset(normalise(text).split())


def _said(draft: Draft, cast: dict[str, str]) -> frozenset[str]:
    said = set()
    if draft.shown_place:
        said.add("place")
    if draft.shown_time:
        said.add("time")
    if draft.shown_weather:
        said.add("weather")
    if draft.prop_named:
        said |= {"prop", "holder"} if draft.holder else {"prop"}
    if draft.named:
        said.add("cast")
    for species, (pose, mood) in draft.looks.items():
        if pose:
            said.add(f"pose:{species}")
        if mood:
            said.add(f"expression:{species}")
    return frozenset(said)
