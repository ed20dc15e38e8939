"""Names and pronouns: the words of a slot at its place in a story.

A `Namer` remembers which characters and things the story has introduced and, within a panel, the
order in which characters were named: it is also the order of the actors in the image.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from storyworld.language.inflect import article
from storyworld.language.pattern import Slot
from storyworld.state import Item, State
from storyworld.world import CHARACTERS, PLACES, THINGS

_FORMS = {
    "he": {"he": "he", "him": "him", "his": "his", "self": "himself"},
    "she": {"he": "she", "him": "her", "his": "her", "self": "herself"},
    "it": {"he": "it", "him": "it", "his": "its", "self": "itself"},
    "they": {"he": "they", "him": "them", "his": "their", "self": "themselves"},
}


@dataclass(frozen=True)
class Foreign:
    """Somebody or something that no image can show: `the whale`, `Grandma`, `a telescope`.

    Attributes:
        noun: The noun without article: `whale`, `telescope`, `Grandma Rosa`.
        pronoun: `he`, `she`, `it` or `they`.
        proper: Whether it is a name, without article.
    """

    noun: str
    pronoun: str = "it"
    proper: bool = False

    @property
    def the(self) -> str:
        """Return `the whale`, `Grandma Rosa`."""
        return self.noun if self.proper else f"the {self.noun}"

    @property
    def a(self) -> str:
        """Return `a whale`, `Grandma Rosa`."""
        if self.proper or self.pronoun == "they":
            return self.noun
        return f"{article(self.noun)} {self.noun}"


@dataclass
class Namer:
    """Gives every slot its words."""

    rng: random.Random
    introduced: set[str] = field(default_factory=set)
    foreign: dict[str, Foreign] = field(default_factory=dict)
    people: list[str] = field(default_factory=list)
    """Characters named in this panel, in order."""
    things: list[str] = field(default_factory=list)
    """Things named in this panel, in order."""

    def new_panel(self) -> None:
        """Forget the names of the panel before."""
        self.people.clear()
        self.things.clear()

    def mark(self) -> tuple[list[str], list[str], set[str]]:
        """Return the names so far, for `back_to`."""
        return list(self.people), list(self.things), set(self.introduced)

    def back_to(self, mark: tuple[list[str], list[str], set[str]]) -> None:
        """Forget the names since a mark: their words are not used after all."""
        people, things, introduced = mark
        self.people[:], self.things[:], self.introduced = people, things, introduced

    def in_order(self, text: str) -> None:
        """Sort the characters of this panel in the order in which its text names them.

        Texts are not always made in the order in which they are told: a reason is made before its
        sentence. A character who is only a pronoun stays behind the one before.
        """
        order: dict[str, int] = {}
        last = -1
        for species in self.people:
            names = rf"\b({CHARACTERS[species].name}|{species})\b"
            found = re.search(names, text, re.IGNORECASE)
            last = order[species] = found.start() if found else last
        self.people.sort(key=order.__getitem__)

    def fill(self, slot: Slot, roles: Mapping[str, str], state: State, why: str = "") -> str:
        """Return the words of a slot."""
        if slot.role == "why":
            return why
        if slot.role in ("perch", "hider"):
            return str(getattr(PLACES[roles["P"]], slot.role))
        entity = roles[slot.role]
        if entity in self.foreign:
            return self._foreign(self.foreign[entity], slot.form)
        if entity in CHARACTERS:
            return self._person(entity, slot.form)
        if entity in THINGS:
            return self._thing(entity, slot.form, state)
        place = PLACES[entity]
        if slot.form in ("at", "to"):
            return str(getattr(place, slot.form))
        if slot.form == "At":
            return place.at[0].upper() + place.at[1:]
        return "the " + place.at.split(" the ", 1)[-1]

    def _person(self, species: str, form: str) -> str:
        character = CHARACTERS[species]
        words = _FORMS[character.pronoun]
        if form.lower() in words:
            self._mention(self.people, species)
            return words[form] if form in words else words[form.lower()].capitalize()
        is_new = species not in self.introduced
        self._mention(self.people, species)
        self.introduced.add(species)
        if form == "name":
            return character.name
        if form == "kind":
            return f"the {species}"
        if is_new and form == "speaker":
            return f"{character.name} the {species}"
        if is_new and self.rng.random() < 0.97:
            kind = f"{character.manner} {species}"
            return self.rng.choices(
                (
                    f"{character.name} the {species}",
                    f"{character.name}, the {kind},",
                    f"{article(kind)} {kind} called {character.name}",
                ),
                (0.7, 0.15, 0.15),
            )[0]
        return character.name

    def _thing(self, kind: str, form: str, state: State) -> str:
        self._mention(self.things, kind)
        if form in ("it", "It", "its"):
            return form
        if form == "noun":
            return kind
        item = state.things.get(kind) or Item("away", "", THINGS[kind].states[0])
        is_new = kind not in self.introduced
        self.introduced.add(kind)
        looks = self._looks(kind, item.state)
        if form == "a" or (is_new and form == ""):
            owner = item.owner
            if owner and form == "" and owner in self.people and self.people[-1] == owner:
                his = _FORMS[CHARACTERS[owner].pronoun]["his"]
                return f"{his} {looks}{kind}"
            noun = f"{looks}{kind}"
            return f"some {noun}" if kind in ("bread", "honey") else f"{article(noun)} {noun}"
        owner = item.owner
        is_his = form == "" and owner and self.people and self.people[-1] == owner
        if is_his and self.rng.random() < 0.4:
            return f"{_FORMS[CHARACTERS[owner].pronoun]['his']} {kind}"
        if item.state not in (THINGS[kind].states[0], "open", "shut") and self.rng.random() < 0.3:
            return f"the {self._state_word(kind, item.state)}{kind}"
        if self.rng.random() < 0.08 and item.state not in ("open", "shut"):
            # Avoids `The open box was open`.
            return f"the {looks}{kind}"
        return f"the {kind}"

    def _looks(self, kind: str, state: str) -> str:
        """Return the adjective before a new thing with a blank, or ''."""
        if state != THINGS[kind].states[0] and self.rng.random() < 0.7:
            return self._state_word(kind, state)
        return f"{THINGS[kind].looks} " if self.rng.random() < 0.6 else ""

    def _state_word(self, kind: str, state: str) -> str:
        words = {"out": "", "small": "small ", "grown": "tall ", "full": "full "}
        return words.get(state, f"{state} ")

    def _foreign(self, foreign: Foreign, form: str) -> str:
        words = _FORMS[foreign.pronoun]
        if form.lower() in words:
            return words[form] if form in words else words[form.lower()].capitalize()
        if form in ("it", "It", "its"):
            return {"it": words["him"], "It": words["he"].capitalize(), "its": words["his"]}[form]
        if form in ("noun", "kind", "name", "the"):
            return foreign.noun if form in ("noun", "name") else foreign.the
        if form == "at":
            return f"at {foreign.the}"
        if form == "to":
            return f"to {foreign.the}"
        is_new = foreign.noun not in self.introduced
        self.introduced.add(foreign.noun)
        return foreign.a if form == "a" or (is_new and form == "") else foreign.the

    @staticmethod
    def _mention(mentioned: list[str], entity: str) -> None:
        if entity not in mentioned:
            mentioned.append(entity)
