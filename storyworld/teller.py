"""Tell one panel: an event's caption and its scene.

A caption consists of [opening] + deed + [outcome] + [a reaction with its cause] + [speech].

The scene is a function of the names in the caption and the state after the event, by the rules in
`scene`, so that it follows from the story so far.
"""

from __future__ import annotations

import random
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from storyworld.event import Event
from storyworld.language.inflect import past
from storyworld.language.pattern import Pattern, Slot, sentence, tidy
from storyworld.naming import Namer
from storyworld.scene import EXPRESSIONS, FACINGS, MAX_THINGS, POSES, SPOTS, Actor, Scene, Thing
from storyworld.state import State
from storyworld.texts import reactions, text_lists
from storyworld.world import CHARACTERS, PLACES, THINGS

NEXT_FRAMING = {"middle": "left", "left": "near", "near": "right", "right": "middle"}
"""Framing after a panel in the same place; in a new place it is `middle`."""
_FACES = {"proud": "happy"}
_MOST_WORDS = 46
_SITUATIONS = {
    "try": (("try-again", "A"), ("worry", "A")),
    "solve": (("joy", "ABCD"),),
    "mishap": (("worry", "ABCD"), ("scold", "BCD")),
    "care": (("comfort", "A"), ("thank", "B")),
    "play": (("joy", "ABCD"),),
    "make": (("joy", "A"),),
    "end": (("joy", "ABCD"),),
    "begin": (("wonder", "A"),),
}
"""Situations of speech at an event with this tag, beside its own lines, and their roles."""
_SAID_IN = {
    "joy": frozenset(("happy", "laughing", "proud")),
    "thank": frozenset(("happy", "laughing", "proud", "surprised")),
    "scold": frozenset(("cross",)),
    "worry": frozenset(("sad", "scared", "thoughtful", "surprised")),
}
"""Moods that fit a situation of speech; situations not listed fit every mood."""


@dataclass
class PanelDraft:
    """One panel while it is made.

    Attributes:
        parts: Sentences in order.
        scene: Scene of the image.
        reader_text: The beginning of the caption that the reader wrote.
        hint: The reader's hint, which is not part of the caption.
        event: Name of the event, or `wish …`, `met …`, `up …`, `end`.
    """

    parts: list[str]
    event: str
    scene: Scene | None = None
    reader_text: str = ""
    hint: str = ""
    stop: str = ""
    """Ends a reader's sentence that was left open."""

    @property
    def text(self) -> str:
        """Return the whole caption."""
        return " ".join(filter(None, (self.reader_text + self.stop, *self.parts)))


@dataclass
class Teller:
    """Finds words and images for events.

    Attributes:
        rng: The only source of chance.
        namer: Knows who was introduced.
        last: The scene before, which decides the framing of the next.
        causes: Causes of moods by character: the event's reasons.
        said: Lines of this story that are not used again.
    """

    rng: random.Random
    namer: Namer
    last: Scene | None = None
    causes: dict[str, tuple[Event, Mapping[str, str]]] = field(default_factory=dict)
    said: set[str] = field(default_factory=set)

    # --- words ----------------------------------------------------------------------------------

    def read_out(
        self, pattern: Pattern, roles: Mapping[str, str], state: State, why: str = ""
    ) -> str:
        """Return one reading of a pattern in the past tense."""
        return pattern.expand(self.rng, lambda slot: self.namer.fill(slot, roles, state, why), past)

    def choose(
        self,
        patterns: Sequence[Pattern],
        roles: Mapping[str, str],
        *,
        opening: str = "",
        only_fresh: bool = False,
    ) -> Pattern | None:
        """Return a pattern whose roles are all there; fresh ones first, rich ones more often.

        Args:
            patterns: The patterns to choose from.
            roles: The bound roles.
            opening: A prefix before it; a pattern that fits it (`follows`) is preferred.
            only_fresh: Return None rather than a pattern that this story has used.
        """
        fits = [p for p in patterns if p.roles <= set(roles)]
        if opening:
            fits = [p for p in fits if follows(p, opening)] or fits
        fresh = [p for p in fits if p.source not in self.said]
        if not only_fresh:
            fresh = fresh or fits
        if not fresh:
            return None
        chosen = self.rng.choices(fresh, [p.num_readings**0.35 for p in fresh])[0]
        self.said.add(chosen.source)
        return chosen

    def deed(self, event: Event, roles: Mapping[str, str], before: State, opening: str = "") -> str:
        """Return the event itself as a sentence that fits an opening."""
        rich = [p for p in event.tell if not opening or follows(p, opening)]
        # The characters in the image are named, even if the deed is of somebody unseen.
        plain = [p for p in event.do if "A" in p.roles or "A" not in roles]
        patterns = rich if rich and self.rng.random() < 0.72 else plain or event.tell
        pattern = self.choose(patterns, roles, opening=opening)
        assert pattern is not None, f"{event.name} cannot be told with {dict(roles)}"
        return self.read_out(pattern, roles, before)

    def why(self, who: str, state: State) -> str:
        """Return the cause of somebody's mood as a clause, or ''."""
        if who not in self.causes:
            return ""
        event, roles = self.causes[who]
        pattern = self.choose(event.why, roles)
        if pattern is None:
            return ""

        def fill(slot: Slot) -> str:
            words = self.namer.fill(slot, roles, state)
            return _SAME if not slot.form and roles.get(slot.role) == who else words

        clause = tidy(pattern.expand(self.rng, fill, past))
        # The character who feels it is named beside it: `since she had built a boat`.
        he, his = ("she", "her") if CHARACTERS[who].pronoun == "she" else ("he", "his")
        clause = re.sub(f"^{_SAME}'s ", f"{his} ", clause)
        clause = re.sub(f"^{_SAME} ", f"{he} ", clause)
        return clause.replace(_SAME, CHARACTERS[who].name)

    def reaction(self, who: str, state: State, *, with_why: bool) -> str:
        """Return a sentence that shows somebody's mood."""
        mood = state.people[who].mood
        patterns = reactions(mood, who)
        asks_why = [p for p in patterns if any(s.role == "why" for s in p.slots)]
        plain = [p for p in patterns if p not in asks_why]
        why = self.why(who, state) if with_why else ""
        pattern = self.choose(asks_why if why else plain, {"A": who})
        return sentence(self.read_out(pattern, {"A": who}, state, why)) if pattern else ""

    def speech(self, event: Event, roles: Mapping[str, str], after: State, place: str) -> str:
        """Return speech: mostly the event's own lines, sometimes the speaker's habit."""
        own = [
            (who, p)
            for who, p in event.say
            if who in roles
            and p.roles <= set(roles)
            and (roles[who] not in after.people or after.people[roles[who]].place == place)
        ]
        own = [(w, p) for w, p in own if p.source not in self.said]
        if own and self.rng.random() < 0.75:
            who, pattern = self.rng.choice(own)
            self.said.add(pattern.source)
            return self.quote(roles[who], sentence(self.read_out(pattern, roles, after)), after)
        habits = [
            (roles[role], situation)
            for tag in sorted(event.tags)
            for situation, who in _SITUATIONS.get(tag, ())
            for role in who
            if role in roles and self._may_say(situation, roles[role], event, after, place)
        ]
        if not habits:
            return ""
        speaker, situation = self.rng.choice(habits)
        lines = text_lists("voices").get(f"{speaker} {situation}", ())
        found = self.choose(lines, {"A": speaker}, only_fresh=True)
        if found is None:
            return ""
        return self.quote(speaker, sentence(self.read_out(found, {"A": speaker}, after)), after)

    def _may_say(self, situation: str, who: str, event: Event, after: State, place: str) -> bool:
        """Return whether a habit of speech fits somebody's mood, and they are there and awake."""
        person = after.people.get(who)
        if person is None or who not in self.namer.people or person.place != place:
            return False
        if "asleep" in person.feelings or (situation == "comfort" and event.group != "comfort"):
            return False
        return person.mood in _SAID_IN.get(situation, (person.mood,))

    def quote(self, speaker: str, words: str, state: State) -> str:
        """Return words in quotation marks, mostly with their speaker."""
        name = self.namer.fill(_slot_a(), {"A": speaker}, state)
        words = words.replace("...", "…")
        verbs = _SAID.get(words[-1], _SAID["."])
        if (
            words[-1] == "!"
            and speaker in state.people
            and state.people[speaker].mood == "laughing"
        ):
            verbs += ("laughed",) * 3
        verb = self.rng.choice(verbs)
        if words[-1] == ".":
            words = words[:-1] + ","
        first = " " not in verb and self.rng.random() < 0.8
        tag = f"{verb} {name}" if first else f"{name} {verb}"
        return tidy(f'"{words}" {tag}.')

    def tell(
        self,
        event: Event,
        roles: Mapping[str, str],
        before: State,
        after: State,
        place: str,
        *,
        opening: str = "",
        deed: str | None = None,
        brief: bool = False,
    ) -> PanelDraft:
        """Return the caption of an event.

        Args:
            event: The event.
            roles: Its roles.
            before: The state before it.
            after: The state after it.
            place: Place of the image.
            opening: A prefix with its comma.
            deed: The event in given words, e.g. a reader's; by default in new ones.
            brief: Whether to tell nothing but the event.
        """
        rng = self.rng
        parts, marks = [], [self.namer.mark()]
        told = self.deed(event, roles, before, opening) if deed is None else deed
        if told:
            proper = {foreign.noun for foreign in self.namer.foreign.values() if foreign.proper}
            parts.append(sentence(join(opening, told, proper)))
            marks.append(self.namer.mark())
        if along := self._along(event, roles, before, after):
            parts.append(along)
            marks.append(self.namer.mark())
        if event.after and rng.random() < 0.3 and not brief:
            pattern = self.choose(event.after, roles, only_fresh=True)
            if pattern:
                parts.append(sentence(self.read_out(pattern, roles, after)))
                marks.append(self.namer.mark())
        here = [
            who
            for who in roles.values()
            if who in after.people and after.people[who].place == place
        ]
        changed = [
            w
            for w in here
            if w not in before.people or before.people[w].mood != after.people[w].mood
        ]
        words = len(" ".join(parts).split())
        speaks = rng.random() < 0.6 and words < 30 and not brief
        if changed and words < (22 if speaks else 34) and rng.random() < 0.55 and not brief:
            parts.append(self.reaction(rng.choice(changed), after, with_why=rng.random() < 0.35))
            marks.append(self.namer.mark())
        if speaks and (spoken := self.speech(event, roles, after, place)):
            parts.append(spoken)
            marks.append(self.namer.mark())
        while len(" ".join(parts).split()) > _MOST_WORDS and len(parts) > 1:
            parts.pop()
            marks.pop()
            self.namer.back_to(marks[-1])
        return PanelDraft(parts, event.name)

    def _along(self, event: Event, roles: Mapping[str, str], before: State, after: State) -> str:
        """Return a sentence on who went along, if all go and the event names only some, or ''."""
        if ("all", "Q") not in event.effects:
            return ""
        others = [who for who in before.people_in(roles["P"]) if who not in roles.values()]
        if not 1 <= len(others) <= 3:
            return ""
        named = dict(zip("BCD", others, strict=False))
        pattern = self.choose(text_lists("along")[str(len(others))], named)
        return sentence(self.read_out(pattern, named, after)) if pattern else ""

    # --- images ---------------------------------------------------------------------------------

    def scene(
        self,
        state: State,
        place: str,
        show: Mapping[str, Sequence[str]],
        *,
        close: bool = False,
        hero: str = "",
    ) -> Scene:
        """Return the scene of the panel just told: the characters and things it named.

        Args:
            state: The state after the event.
            place: Place of the image.
            show: Poses, faces, spots and facings by character.
            close: Whether a close image is asked for.
            hero: Character to show if the panel names nobody who is there.
        """
        here = [
            w for w in self.namer.people if w in state.people and state.people[w].place == place
        ]
        if not here:
            here = (
                [w for w in state.people_in(place) if w == hero]
                or state.people_in(place)[:3]
                or [hero]
            )
        here = here[:4]
        actors: list[Actor] = []
        for who in here:
            person = state.people[who]
            asked = tuple(show.get(who, ()))
            pose = next((w for w in asked if w in POSES), "stand")
            face = next((w for w in asked if w in EXPRESSIONS or w in _FACES), person.mood)
            face = _FACES.get(face, face)
            spot = next((w for w in asked if w in SPOTS), person.spot)
            facing = next((w for w in asked if w in FACINGS), None)
            if "asleep" in person.feelings:
                face, pose = "sleepy", "lie" if pose == "stand" else pose
            if spot in ("water", "bed") and spot not in PLACES[place].has:
                spot = "floor"
            if spot == "shoulders" and not actors:
                spot = "floor"
            if face == "sleepy" and pose in ("run", "jump"):
                pose = "stand"
            actors.append(Actor(who, pose, face, facing, spot))  # type: ignore[arg-type]
        things: list[Thing] = []
        hands = [0] * len(here)
        indoors = "indoors" in PLACES[place].has
        for kind in self.namer.things:
            item = state.things.get(kind)
            if item is None or len(things) == MAX_THINGS or state.place_of(kind) != place:
                continue
            where, who_index = item.where, None
            if where in ("hidden", "inside", "gone", "away"):
                continue
            if where in ("holds", "wears"):
                if item.at not in here:
                    continue
                who_index = here.index(item.at)
                where = (
                    "head"
                    if where == "wears"
                    else ("both" if THINGS[kind].carried == "both" else "hand")
                )
                hands[who_index] += {"head": 0, "hand": 1, "both": 2}[where]
                if hands[who_index] > 2:
                    continue
            if (where == "sky" and indoors) or (
                where == "water" and "water" not in PLACES[place].has
            ):
                where = "floor"
            things.append(Thing(kind, where, item.state, who_index))
        camera = "wide"
        if (
            close
            and len(actors) <= 2
            and all(a.spot == "floor" and a.pose != "lie" for a in actors)
            and all(thing.who is not None for thing in things)
        ):
            camera = "close"
        framing = "middle"
        if self.last is not None and self.last.place == place:
            framing = NEXT_FRAMING[self.last.framing]
        dark = place in state.dark
        scene = Scene(
            *(place, tuple(actors), tuple(things), state.time, state.weather),
            *(camera, framing, dark),
        )
        self.last = scene
        return scene


_SAID = {
    "?": ("asked",) * 8 + ("wondered", "wanted to know"),
    "!": ("said", "said", "cried", "cried", "called", "called", "shouted"),
    ".": ("said",) * 10 + ("murmured",),
    "…": ("whispered", "murmured", "began"),
}
_SAME = "\0"
"""In a reason, stands for the character whose feeling it explains."""
_OF_REASON = re.compile(
    r"^(And |To |In order|So|Just|Only|All|With |Full of|In search|In an? |In the hope|For |Ready"
    r"|Eager|Keen|Impatient|Itching|Determined|Quite|Still|Longing|Hoping|Wishing|Wanting|Trying"
    r"|Doing|Thinking|Remember|Wondering|Looking|Never|Not |Without|Knowing|Moved|Touched|Out of"
    r"|Because|Since|As [A-Zhsi]|Now that|Seeing|Considering|Given|Perhaps because|You remember"
    r"|It was|This is|Here is the reason|If |Somebody had)|\b(so|So|that),$"
)
"""Openings that name a purpose or a reason."""


def _slot_a() -> Slot:
    # Briefly, where somebody new is only named as the speaker: `said Otto the duck`.
    return Slot("A", "speaker")


def follows(pattern: Pattern, opening: str) -> bool:
    """Return whether a sentence fits an opening.

    After `Hoping to help Mira,` or `Because she wanted it so much,` it begins with the character
    who acts; after `A little later,` with anything but a cry, a quotation or a clause.
    """
    first = pattern.nodes[0] if pattern.nodes else ""
    if isinstance(first, Slot):
        return first.role == "A" if _OF_REASON.search(opening) else len(first.role) == 1
    return False


def join(opening: str, told: str, proper: Collection[str] = ()) -> str:
    """Return a sentence after a prefix, its first word in small letters unless it is a name.

    Args:
        opening: The prefix, or ''.
        told: The sentence.
        proper: Names beside those of the characters.
    """
    if not opening:
        return told
    told = tidy(told)
    first = told.split(" ", 1)[0].strip(",").removesuffix("'s")
    names = {character.name for character in CHARACTERS.values()} | {"I", "I'm"}
    names |= {name.split()[0] for name in proper}
    if first not in names and told[:1].isupper():
        told = told[0].lower() + told[1:]
    return f"{tidy(opening)} {told}"
