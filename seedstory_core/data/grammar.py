"""Templates: one object that writes a sentence and reads it back.

A template is a sentence with slots and what it makes visible, as one line of text:

    "{A} (jumped|leapt) for {the prop}, but it hung [far] too high. ## A jump cross, prop high"

- `{A}`, `{A.he}`, `{A.own}`, `{A.paw}` ... are somebody in role A: by name, or by a pronoun where
  it can mean only one of those in the caption;
- `(a|b)` is a choice, `[a]` may be left out, `%sad` is a list of words from `words.py`;
- after `##` stands what the words show: pose and mood of each role (`T` is everybody named so far),
  who has the prop, place, time and weather;
- after `@` stands where the sentence fits: `@ outdoors kite|balloon -night A=fox`; a tail may also
  ask what the sentence before it shows, and whether it is a reader's: `@ A:sad -B:sit -reader`.

`write` renders templates into a caption and notes what it shows. `parse` finds the templates again
in any caption and arrives at the same scene, without knowing how the caption was made.
"""

from __future__ import annotations

import random
import re
import zlib
from collections import Counter
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Literal

from seedstory_core.data import words
from seedstory_core.data.world import (
    CHARACTERS,
    EXPRESSIONS,
    INDOORS,
    PLACES,
    POSES,
    PROP_COLOURS,
    PROPS,
    TIMES,
    WEATHERS,
    Actor,
    Holder,
    Scene,
)

ROLES = "ABCDX"
SOMEWHERE = "somewhere"
"""The holder of a prop that is named while it stays open who has it."""


class DoesNotFitError(Exception):
    """This template cannot be used here; take another."""


# --- templates ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Literal_:
    """Plain text."""

    text: str


@dataclass(frozen=True)
class Slot:
    """`{A.he}`: role `A`, form `he`; `{the prop}`: role `prop`, form `the`."""

    role: str
    form: str
    quoted: bool
    subject: bool
    opening: bool = False
    """Whether a sentence begins with it."""


@dataclass(frozen=True)
class Choice:
    """One of several sequences; an optional one has the empty sequence among them."""

    options: tuple[tuple[Node, ...], ...]


Node = Literal_ | Slot | Choice


@dataclass(frozen=True)
class Template:
    """One line of the language; see the module's docstring."""

    text: str
    nodes: tuple[Node, ...] = field(repr=False, compare=False)
    actors: dict[str, tuple[str | None, str | None]] = field(repr=False, compare=False)
    """By role: pose and expression, where they are said."""
    holder: str | None = None
    """Role, `ground`, `high` or `somewhere` (left open), where the prop is mentioned."""
    place: str | None = None
    time: str | None = None
    weather: str | None = None
    needs: tuple[frozenset[str], ...] = ()
    excludes: frozenset[str] = frozenset()
    is_reader: bool = False
    held_out: bool = False

    @cached_property
    def roles(self) -> frozenset[str]:
        """The roles that are named or meant."""
        return frozenset(s.role for s in slots(self.nodes) if s.role in ROLES)

    @cached_property
    def mentions_prop(self) -> bool:
        """Whether the words name the prop."""
        return any(s.role == "prop" for s in slots(self.nodes))

    def fits(self, facts: frozenset[str]) -> bool:
        """Whether the `@` conditions hold."""
        return all(need & facts for need in self.needs) and not self.excludes & facts


def slots(nodes: tuple[Node, ...]) -> list[Slot]:
    """Every slot, in order."""
    found: list[Slot] = []
    for node in nodes:
        if isinstance(node, Slot):
            found.append(node)
        elif isinstance(node, Choice):
            for option in node.options:
                found.extend(slots(option))
    return found


_TOKEN = re.compile(r"\{([^}]*)\}|([()\[\]|])")


def template(line: str, *, is_reader: bool = False) -> Template:
    """Read one line of template language."""
    line, _, conditions = line.partition("@")
    text, _, effects = line.partition("##")
    text = re.sub(r"%(\w+)", lambda m: words.MACROS[m.group(1)], text.strip())
    text = re.sub(r"\{([A-Z])\}'s\b", r"{\1's}", text)
    nodes, rest = _nodes(text, 0, "")
    if rest != len(text):
        raise ValueError(f"Unbalanced brackets in {text!r}.")
    needs, excludes = [], set()
    for condition in conditions.split():
        if condition.startswith("-"):
            excludes.add(condition[1:])
        else:
            needs.append(frozenset(condition.split("|")))
    made = Template(
        text,
        nodes,
        {},
        needs=tuple(needs),
        excludes=frozenset(excludes),
        is_reader=is_reader,
        held_out=is_reader and zlib.crc32(text.encode()) % 100 < 12,
    )
    _read_effects(made, effects)
    if is_reader:
        _keep_what_is_said(made)
    unnamed = set(made.actors) - made.roles - {"T"}
    if made.holder is not None and made.holder in ROLES:
        unnamed |= {made.holder} - made.roles
    if unnamed:
        raise ValueError(f"{text!r} says how {unnamed} looks and does not name them.")
    if made.mentions_prop and made.holder is None:
        raise ValueError(f"{text!r} names a prop and does not say who has it.")
    return made


def _keep_what_is_said(made: Template) -> None:
    """Forget a pose or mood for which a reader's line has no word; the completion says it."""
    found = set(normalise(" ".join(_literals(made.nodes))).split())
    for role, (pose, mood) in list(made.actors.items()):
        if pose is not None and not found & words.POSE_WORDS.get(pose, found):
            pose = None
        if mood is not None and not found & words.MOOD_WORDS[mood]:
            mood = None
        made.actors[role] = (pose, mood)
        if pose is None and mood is None:
            del made.actors[role]


def _nodes(text: str, start: int, closing: str) -> tuple[tuple[Node, ...], int]:
    options: list[list[Node]] = [[]]
    position = start
    while position < len(text):
        match = _TOKEN.search(text, position)
        end = match.start() if match else len(text)
        if end > position:
            options[-1].append(Literal_(text[position:end]))
        if match is None:
            position = len(text)
            break
        position = match.end()
        if match.group(1) is not None:
            before = text[: match.start()]
            after = text[match.end() :]
            options[-1].append(_slot(match.group(1), before, after))
        elif match.group(2) in "([":
            inner, position = _nodes(text, position, ")" if match.group(2) == "(" else "]")
            choice = inner[0]
            assert isinstance(choice, Choice)
            if match.group(2) == "[":
                choice = Choice((*choice.options, ()))
            options[-1].append(choice)
        elif match.group(2) == "|":
            options.append([])
        else:
            if match.group(2) != closing:
                raise ValueError(f"Unbalanced brackets in {text!r}.")
            return (Choice(tuple(tuple(o) for o in options)),), position
    if closing:
        raise ValueError(f"Unbalanced brackets in {text!r}.")
    return tuple(options[0]), position


def _slot(inside: str, before: str, after: str) -> Slot:
    quoted = before.count('"') % 2 == 1
    subject = (
        not quoted
        and bool(re.search(r'(^|[.!?]"? |[a-z}], |\bbut |\bso )$', before))
        and bool(re.match(r" (?!and |or )[a-z(]", after))
    )
    if inside[0] in ROLES and inside[1:2] in ("", ".", "'"):
        opening = subject and bool(re.search(r'(^|[.!?]"? )$', before))
        return Slot(inside[0], inside[2:] if len(inside) > 1 else "", quoted, subject, opening)
    if " " in inside:
        form, role = inside.split(" ")
        return Slot(role, form, quoted, False)
    if inside == "prop":
        return Slot("prop", inside, quoted, False)
    return Slot("word", inside, quoted, False)


def _read_effects(made: Template, effects: str) -> None:
    for effect in filter(None, (e.strip() for e in effects.split(","))):
        who, *what = effect.split()
        if who in (*ROLES, "T"):
            pose = next((w for w in what if w in POSES), None)
            mood = next((w for w in what if w in EXPRESSIONS), None)
            if len(what) != (pose is not None) + (mood is not None):
                raise ValueError(f"{effect!r} in {made.text!r} is no pose or expression.")
            made.actors[who] = (pose, mood)
            continue
        attribute = {"prop": "holder"}.get(who, who)
        known = {
            "holder": (*ROLES, "ground", "high", SOMEWHERE),
            "place": PLACES,
            "time": TIMES,
            "weather": WEATHERS,
        }
        if attribute not in known or what[0] not in known[attribute]:
            raise ValueError(f"{effect!r} in {made.text!r} is no effect.")
        object.__setattr__(made, attribute, what[0])


# --- writing --------------------------------------------------------------------------------------


@dataclass
class Draft:
    """A caption while it is being written: its bindings, and what it shows so far."""

    rng: random.Random
    cast: dict[str, str]
    """Species by role."""
    place: str
    time: str
    weather: str
    prop: str | None = None
    known: set[str] = field(default_factory=set)
    """Species the story has introduced."""
    genders: Counter[str] = field(default_factory=Counter)
    """How many of the actors of the whole caption are he and she."""
    is_link: bool = False
    """Whether the story goes on after earlier panels."""
    is_here: bool = False
    """Whether it goes on where and when it is."""
    prop_known: bool = False
    """Whether the story has spoken of the prop before."""
    carry: str | None = None
    """A species whose next subject slot shall also say that they carry the prop."""
    reader: bool = False
    strict: bool = False
    """Whether a name in place of a pronoun would be one name too many."""
    tidy: bool = False
    """Whether no sentence may name somebody again for want of a clear pronoun."""
    parts: list[str] = field(default_factory=list)
    named: list[str] = field(default_factory=list)
    looks: dict[str, tuple[str | None, str | None]] = field(default_factory=dict)
    holder: str | None = None
    shown_place: str | None = None
    shown_time: str | None = None
    shown_weather: str | None = None
    prop_named: bool = False

    def write(self, made: Template) -> str:
        """Add one template to the caption and return its text."""
        text = re.sub(r"\s+", " ", self._render(made.nodes)).strip()
        if self.tidy and _names_twice(text):
            raise DoesNotFitError
        text = text.replace(_FOR_PRONOUN, "")
        text = re.sub(r" ([,.!?])", r"\1", text)
        text = re.sub(r",+([.!?])", r"\1", text).replace(",,", ",")
        text = re.sub(r"(?<=[.!?] )a (?=[a-z]+ [a-z]+ called )", "A ", text)
        if re.search(r"\bcalled a [a-z]+ [a-z]+ called ", text):
            raise DoesNotFitError
        if not self.reader and (not self.parts or self.parts[-1][-1] != ","):
            text = text[0].upper() + text[1:]
        self.parts.append(text)
        for role, (pose, mood) in made.actors.items():
            for species in self.named if role == "T" else [self.cast[role]]:
                old = self.looks.get(species, (None, None))
                self.looks[species] = (pose or old[0], mood or old[1])
        if made.holder not in (None, SOMEWHERE):
            self.holder = self.cast.get(made.holder, made.holder)
        self.shown_place = made.place or self.shown_place
        self.shown_time = made.time or self.shown_time
        self.shown_weather = made.weather or self.shown_weather
        return text

    def scene(self, previous: Scene | None, seed: int = 0) -> Scene:
        """What the caption shows."""
        return build_scene(
            " ".join(self.parts),
            self.named,
            self.looks,
            self.prop if self.prop_named else None,
            self.holder if self.prop_named else None,
            (self.shown_place, self.shown_time, self.shown_weather),
            previous,
            seed,
        )

    def _render(self, nodes: tuple[Node, ...]) -> str:
        out = ""
        for index, node in enumerate(nodes):
            if isinstance(node, Literal_):
                out += node.text
            elif isinstance(node, Choice):
                out += self._render(self.rng.choice(node.options))
            else:
                following = nodes[index + 1] if index + 1 < len(nodes) else None
                tail = following.text if isinstance(following, Literal_) else " "
                out += self._slot(node, tail)
        return out

    def _slot(self, slot: Slot, after: str) -> str:
        if slot.role in ROLES:
            return self._somebody(slot, after)
        if slot.role == "prop":
            return self._prop(slot.form)
        if slot.role == "place":
            self.shown_place = self.place
            return self._place(slot.form)
        form = slot.form
        if form.lower() == "once":
            if self.is_here:
                phrase = self.rng.choice(words.HERE)
            else:
                self.shown_time, self.shown_weather = self.time, self.weather
                table = words.LINK if self.is_link else words.ONCE
                phrase = self.rng.choice(table[self.time, self.weather])
            return phrase[0].upper() + phrase[1:] if form[0] == "O" else phrase
        if form == "ground":
            return self.rng.choice(words.GROUND[self.place])
        if form == "high":
            indoors = self.place in INDOORS
            return self.rng.choice(words.HIGH_INDOORS if indoors else words.HIGH_OUTDOORS)
        if form.lower() in ("they", "them", "their"):
            if len(self.named) < 2:
                raise DoesNotFitError
            return form
        raise ValueError(f"{{{form}}} is no slot.")

    def _place(self, form: str) -> str:
        if self.reader:
            noun = self.rng.choice(words.READER_PLACES[self.place])
            phrase = words.IN_PLACE[self.place][0]
            if form.lower() == "to":
                return f"to the {noun}"
            if form == "the":
                return f"the {noun}"
            return f"{phrase.split()[0]} the {noun}" if form == "in" else noun
        table = words.TO_PLACE if form.lower() == "to" else words.IN_PLACE
        phrase = self.rng.choice(table[self.place])
        return phrase[0].upper() + phrase[1:] if form[0].isupper() else phrase

    def _prop(self, form: str) -> str:
        if self.prop is None:
            raise DoesNotFitError
        noun = self.prop
        known = self.prop_known or self.prop_named
        self.prop_named = True
        if self.reader:
            noun = self.rng.choice(words.READER_PROPS[self.prop])
        if self.rng.random() < 0.22:
            noun = f"{PROP_COLOURS[self.prop]} {noun}"
        if form == "prop":
            return noun
        if form in ("a", "A") and known and not self.reader:
            return f"{'the' if form == 'a' else 'The'} {noun}"
        if form in ("a", "A"):
            return form + ("n " if noun[0] in "aeiou" else " ") + noun
        return f"{form} {noun}"

    def _somebody(self, slot: Slot, after: str) -> str:
        species = self.cast.get(slot.role)
        if species is None:
            raise DoesNotFitError
        character = CHARACTERS[species]
        form = slot.form
        body = words.BODY[species]
        if form in body:
            return body[form]
        forms = words.PRONOUNS[character.pronoun]
        if form in ("own", "self"):
            return forms[form]
        if form == "fox":
            if species not in self.named:
                raise DoesNotFitError
            return f"the {self.rng.choice(('', character.manner + ' ', 'little '))}{species}"
        if form.lower() in forms:
            clear = species in self.named and self.genders[character.pronoun] <= 1
            if clear:
                pronoun = forms[form.lower()]
                return pronoun.capitalize() if form[0].isupper() else pronoun
            if self.strict and species in self.named:
                raise DoesNotFitError
            form = "s" if form.lower() == "his" else ""
            mark = "" if self.reader else _FOR_PRONOUN
            return self._name(species, form, slot, after) + mark
        return self._name(species, form, slot, after)

    def _name(self, species: str, form: str, slot: Slot, after: str) -> str:
        character = CHARACTERS[species]
        first = species not in self.named
        if first:
            self.named.append(species)
            if slot.quoted and species not in self.known:
                raise DoesNotFitError
        if slot.quoted:
            return f"{character.name}'s" if form else character.name
        if self.reader:
            noun = self.rng.choice((species, self.rng.choice(words.READER_SPECIES[species])))
            if form == "a":
                return self._a(species, noun)
            if form == "other":
                name = self.rng.choice(words.OTHER_NAMES)
                return f"a {noun} {self.rng.choice(('called', 'named'))} {name}"
            kind = self.rng.random()
            name = character.name if kind < 0.6 else f"the {noun}"
            if not form and kind > 0.9:
                name = f"{character.name} the {noun}"
            return f"{name}'s" if form else name
        name = character.name
        if species not in self.known:
            if form:
                raise DoesNotFitError
            self.known.add(species)
            name = self._introduction(species, after, slot.subject)
        elif form:
            return f"{name}'s"
        elif slot.opening and not self.strict and not self.carry and self.rng.random() < 0.035:
            name = f"{name}, in {self._own(species)} {character.clothes},"
        if slot.subject and self.carry == species and self.prop is not None:
            name = name.rstrip(",")
            phrase = self.rng.choice(words.CARRY[self.prop])
            phrase = phrase.format(own=self._own(species), paw=words.BODY[species]["paw"])
            self.carry, self.holder, self.prop_named = None, species, True
            return f"{name}, {phrase},"
        return name

    def _a(self, species: str, noun: str) -> str:
        """Somebody as a reader brings him in: `a fox`, `a little fox`, `a fox called Mira`."""
        character = CHARACTERS[species]
        which = self.rng.choice(("", "", "", "little ", f"{character.manner} "))
        name = f"{self.rng.choice(('called', 'named'))} {character.name}"
        said = f"{which}{noun}" + (f" {name}" if self.rng.random() < 0.4 else "")
        return f"an {said}" if said[0] in "aeiou" else f"a {said}"

    def _own(self, species: str) -> str:
        return words.PRONOUNS[CHARACTERS[species].pronoun]["own"]

    def _introduction(self, species: str, after: str, subject: bool) -> str:
        character = CHARACTERS[species]
        name, kind = character.name, self.rng.random()
        if kind < 0.35:
            return f"{name} the {species}"
        if kind < 0.6:
            return f"{name} the {character.manner} {species}"
        if kind < 0.8 and re.match(r" [a-z]", after):
            clothes = f"in {self._own(species)} {character.clothes}"
            if after.startswith((" and ", " or ")):
                return f"{name} the {species} {clothes}"
            if subject:
                return f"{name} the {species}, {clothes},"
        if kind < 0.9 and not self.parts:
            return f"a {character.manner} {species} called {name}"
        return f"{name} the {species}"


_FOR_PRONOUN = "\x01"
"""Follows a name that stands where a pronoun would not be clear."""


def _names_twice(text: str) -> bool:
    """Whether a sentence names somebody again where it would rather say `he` or `she`."""
    for sentence in re.split(r'(?<=[.!?])"? ', text):
        told = re.sub(r'"[^"]*"?', "", sentence)
        for match in re.finditer(rf"(\w+?)(?:'s)?{_FOR_PRONOUN}", told):
            if re.search(rf"\b{match.group(1)}\b", told[: match.start()]):
                return True
    return False


def build_scene(
    text: str,
    named: list[str],
    looks: dict[str, tuple[str | None, str | None]],
    prop: str | None,
    holder: str | None,
    setting: tuple[str | None, str | None, str | None],
    previous: Scene | None,
    seed: int = 0,
) -> Scene:
    """The scene of a caption whose words have been understood.

    Camera and facing are read off the words as they stand; what is not said is carried over.

    Raises:
        ValueError: When that is no possible scene.
    """
    flat = normalise(text)
    place, time, weather = setting
    if previous is not None:
        place = place or previous.place
        time = time or previous.time
        weather = weather or previous.weather
    if place is None:
        raise ValueError("The first caption of a story says where it is.")
    if not named:
        raise ValueError("A caption names somebody.")
    facing: Literal["left", "right"] | None = None
    if len(named) == 1 and words.BACK_MARKERS.search(flat):
        facing = "left"
    actors = []
    for species in named:
        pose, mood = looks.get(species, (None, None))
        actors.append(Actor(species, pose or "stand", mood or "happy", facing))
    where: Holder | None = None
    if holder in ("ground", "high"):
        where = "ground" if holder == "ground" else "high"
    elif holder is not None:
        where = named.index(holder)
    near = len(named) <= 2 and bool(words.CLOSE_MARKERS.search(flat))
    return Scene(
        place,
        tuple(actors),
        time or "day",
        weather or "clear",
        "close" if near and where not in ("ground", "high") else "wide",
        prop,
        where,
        seed,
    )


# --- reading --------------------------------------------------------------------------------------

_WORD = re.compile(r"[a-z']+")


def normalise(text: str) -> str:
    """Lower case, no punctuation but apostrophes, one space after every word."""
    return "".join(f"{word} " for word in _WORD.findall(text.lower()))


def _either(options: object) -> str:
    flat = sorted({normalise(str(o)).strip() for o in options}, key=len, reverse=True)  # type: ignore[attr-defined]
    return "(?:" + "|".join(flat) + ")"


_NAME = _either(words.NAMES.values())
_OTHER_NAME = _either(words.OTHER_NAMES)
_SPECIES = _either(s for synonyms in words.READER_SPECIES.values() for s in synonyms)
_MANNER = _either(c.manner for c in CHARACTERS.values())
_CLOTHES = _either(c.clothes for c in CHARACTERS.values())
_COLOUR = _either(PROP_COLOURS.values())
_PROP = _either(s for synonyms in words.READER_PROPS.values() for s in synonyms)
_CARRY = _either(
    phrase.format(own=own, paw=paw)
    for phrases in words.CARRY.values()
    for phrase in phrases
    for own in ("his", "her")
    for paw in ("paw", "hand", "wing", "flipper")
)
_SOMEBODY = (
    f"(?:(?:a {_MANNER} {_SPECIES} called )?{_NAME}(?: the (?:{_MANNER} )?{_SPECIES})?"
    f"(?: in (?:his|her) {_CLOTHES})?|(?:the )?(?:little )?{_SPECIES})"
)
_IN_PLACES = [p for table in (words.IN_PLACE, words.TO_PLACE) for ps in table.values() for p in ps]
_READER_PLACES = [
    f"{preposition}the {noun}"
    for nouns in words.READER_PLACES.values()
    for noun in nouns
    for preposition in ("at ", "on ", "in ", "to ", "by ", "")
] + [noun for nouns in words.READER_PLACES.values() for noun in nouns]
_PLACE = _either([*_IN_PLACES, *_READER_PLACES])
_PHRASES: dict[str, tuple[str, str]] = {
    normalise(phrase).strip(): setting
    for table in (words.ONCE, words.LINK)
    for setting, phrases in table.items()
    for phrase in phrases
}
_WORDS: dict[str, str] = {
    "once": _either([*_PHRASES, *words.HERE]),
    "ground": _either(p for phrases in words.GROUND.values() for p in phrases),
    "high": _either([*words.HIGH_OUTDOORS, *words.HIGH_INDOORS]),
    "they": "they",
    "them": "them",
    "their": "their",
}
_PLACE_OF = {n: place for place, nouns in words.READER_PLACES.items() for n in nouns}
_PLACE_OF["sea"] = "beach"
_PROP_OF = {noun: prop for prop, nouns in words.READER_PROPS.items() for noun in nouns}
_WHO_OF = {noun: species for species, nouns in words.READER_SPECIES.items() for noun in nouns}
_WHO_OF |= {name.lower(): species for species, name in words.NAMES.items()}


@dataclass(frozen=True)
class _Pattern:
    made: Template
    regex: re.Pattern[str]
    groups: tuple[tuple[str, Slot], ...]
    keys: tuple[str, ...]
    """Words of which the sentence holds at least one."""


def _pattern(made: Template, frequency: Counter[str]) -> _Pattern:
    groups: list[tuple[str, Slot]] = []

    def build(nodes: tuple[Node, ...]) -> str:
        out = ""
        for node in nodes:
            if isinstance(node, Literal_):
                out += normalise(node.text)
            elif isinstance(node, Choice):
                out += "(?:" + "|".join(build(o) for o in node.options) + ")"
            else:
                name = f"s{len(groups)}"
                groups.append((name, node))
                out += f"(?P<{name}>{_slot_regex(node)}) "
                if node.subject:
                    carry = f"c{len(groups)}"
                    groups.append((carry, node))
                    out += f"(?:(?P<{carry}>{_CARRY}) )?"
        return out

    regex = re.compile(build(made.nodes))
    return _Pattern(made, regex, tuple(groups), _keys(made, frequency))


def _slot_regex(slot: Slot) -> str:
    form = slot.form.lower()
    if slot.role in ROLES:
        if slot.form in ("paw", "ears", "nose", "went"):
            return _either(body[slot.form] for body in words.BODY.values())
        if form == "own":
            return "(?:his|her)"
        if form == "self":
            return "(?:himself|herself)"
        if form == "fox":
            return f"the (?:{_MANNER} |little )?{_SPECIES}"
        if form in ("he", "him"):
            pronouns = "he|she" if form == "he" else "him|her"
            return f"(?:{pronouns}|{_SOMEBODY})"
        if form == "his":
            return f"(?:his|her|{_NAME}'s|(?:the )?{_SPECIES}'s)"
        if form == "a":
            return f"an? (?:{_MANNER} |little )?{_SPECIES}(?: (?:called|named) {_NAME})?"
        if form == "other":
            return f"an? {_SPECIES} (?:called|named) {_OTHER_NAME}"
        if form == "s":
            return f"(?:{_NAME}'s|(?:the )?{_SPECIES}'s)"
        return _SOMEBODY
    if slot.role == "prop":
        article = {"prop": "", "a": "(?:an?|the) "}.get(form, f"{form} ")
        return f"{article}(?:{_COLOUR} )?{_PROP}"
    if slot.role == "place":
        return _PLACE
    return _WORDS[form]


def _first_sentence(nodes: tuple[Node, ...]) -> tuple[Node, ...]:
    kept: list[Node] = []
    for node in nodes:
        if isinstance(node, Literal_):
            end = re.search(r"[.!?]", node.text)
            if end:
                return (*kept, Literal_(node.text[: end.start()]))
        elif isinstance(node, Choice) and re.search(r"[.!?]", "".join(_literals((node,)))):
            break
        kept.append(node)
    return tuple(kept)


def _keys(made: Template, frequency: Counter[str]) -> tuple[str, ...]:
    sets: list[tuple[str, ...]] = []
    for node in _first_sentence(made.nodes):
        if isinstance(node, Literal_):
            sets.extend((word,) for word in normalise(node.text).split())
        elif isinstance(node, Choice):
            each = []
            for option in node.options:
                option_words = [
                    w for n in option if isinstance(n, Literal_) for w in normalise(n.text).split()
                ]
                if not option_words:
                    break
                each.append(min(option_words, key=lambda w: frequency[w]))
            else:
                sets.append(tuple(each))
    if not sets:
        return ()
    return min(sets, key=lambda s: sum(frequency[w] for w in s))


class Reader:
    """Understands captions made of a set of templates."""

    def __init__(self, templates: list[Template]) -> None:
        """Index the templates by their rarest word."""
        frequency: Counter[str] = Counter()
        vocabulary: set[str] = set()
        for made in templates:
            for literal in _literals(made.nodes):
                found = normalise(literal).split()
                frequency.update(set(found))
                vocabulary.update(found)
        self.vocabulary = vocabulary | _world_words()
        self._index: dict[str, list[_Pattern]] = {}
        self._always: list[_Pattern] = []
        for made in templates:
            pattern = _pattern(made, frequency)
            for key in pattern.keys:
                self._index.setdefault(key, []).append(pattern)
            if not pattern.keys:
                self._always.append(pattern)

    def parse(self, caption: str, previous: Scene | None) -> Scene | None:
        """The scene a caption shows after `previous`, or None where it is not understood."""
        reading = self.read(caption)
        if reading is None:
            return None
        named: list[str] = []
        looks: dict[str, tuple[str | None, str | None]] = {}
        prop: str | None = None
        holder: str | None = None
        place = time = weather = None
        for pattern, match in reading:
            bound = self._bind(pattern, match, named)
            if bound is None:
                return None
            roles, new_names, new_prop, carrier, new_place, once = bound
            named.extend(new_names)
            made = pattern.made
            for role, (pose, mood) in made.actors.items():
                if role != "T" and role not in roles:
                    return None
                for species in named if role == "T" else [roles[role]]:
                    old = looks.get(species, (None, None))
                    looks[species] = (pose or old[0], mood or old[1])
            prop = new_prop or prop
            if carrier is not None:
                holder = carrier
            if made.holder not in (None, SOMEWHERE) and new_prop and made.mentions_prop:
                holder = roles.get(made.holder, made.holder)
            place = made.place or new_place or place
            time = made.time or (once[0] if once else None) or time
            weather = made.weather or (once[1] if once else None) or weather
        try:
            return build_scene(
                caption, named, looks, prop, holder, (place, time, weather), previous
            )
        except (ValueError, KeyError):
            return None

    def read(self, caption: str) -> list[tuple[_Pattern, re.Match[str]]] | None:
        """The templates a caption is made of, in order; None where some part is unknown."""
        flat, strong, weak = self._flatten(caption)
        ends = strong | weak
        memory: dict[int, list[tuple[_Pattern, re.Match[str]]] | None] = {len(flat): []}

        def from_here(start: int, named: tuple[str, ...]) -> object:
            if start in memory:
                return memory[start]
            stop = min((s for s in strong if s > start), default=len(flat))
            seen: set[int] = set()
            found: list[tuple[int, _Pattern, re.Match[str]]] = []
            for word in dict.fromkeys(flat[start:stop].split()):
                for pattern in self._index.get(word, ()):
                    if id(pattern) in seen:
                        continue
                    seen.add(id(pattern))
                    match = pattern.regex.match(flat, start)
                    if match and match.end() in ends:
                        found.append((match.end(), pattern, match))
            for pattern in self._always:
                match = pattern.regex.match(flat, start)
                if match and match.end() in ends:
                    found.append((match.end(), pattern, match))
            found.sort(key=lambda f: -f[0])
            for end, pattern, match in found:
                bound = self._bind(pattern, match, list(named))
                if bound is None:
                    continue
                rest = from_here(end, (*named, *bound[1]))
                if rest is not None:
                    memory[start] = [(pattern, match), *rest]  # type: ignore[misc]
                    return memory[start]
            memory[start] = None
            return None

        result = from_here(0, ())
        return result if result else None  # type: ignore[return-value]

    def _flatten(self, caption: str) -> tuple[str, set[int], set[int]]:
        flat = ""
        strong: set[int] = set()
        weak: set[int] = set()
        tokens = re.findall(r"[A-Za-z']+|[.!?]", caption.replace("’", "'"))
        for token in tokens:
            if token in ".!?":
                strong.add(len(flat))
                continue
            if token[0].isupper():
                weak.add(len(flat))
            flat += self.spelling(token.lower()) + " "
        strong.add(len(flat))
        return flat, strong, weak

    def spelling(self, word: str) -> str:
        """The word of the language that was probably meant: the only one a slip away."""
        if word in self.vocabulary:
            return word
        near = slips(word) & self.vocabulary
        if len(near) == 1:
            return next(iter(near))
        return word

    @staticmethod
    def _bind(
        pattern: _Pattern, match: re.Match[str], named: list[str]
    ) -> (
        tuple[
            dict[str, str],
            list[str],
            str | None,
            str | None,
            str | None,
            tuple[str, str] | None,
        ]
        | None
    ):
        roles: dict[str, str] = {}
        names: list[tuple[int, str]] = []
        pronouns: list[tuple[str, str]] = []
        prop = carrier = place = None
        once = None
        for group, slot in pattern.groups:
            said = match.group(group)
            if said is None:
                continue
            if slot.role in ROLES:
                if group[0] == "c":
                    carrier = roles[slot.role]
                    prop = next(_PROP_OF[w] for w in said.split() if w in _PROP_OF)
                    continue
                if slot.form in ("paw", "ears", "nose", "went", "own", "self"):
                    continue
                if said in ("he", "she", "him", "her", "his"):
                    gender = "he" if said in ("he", "him", "his") else "she"
                    pronouns.append((slot.role, gender))
                    continue
                species = _who(said)
                if roles.setdefault(slot.role, species) != species:
                    return None
                names.append((match.start(group), species))
            elif slot.role == "prop":
                prop = _PROP_OF[said.split()[-1]]
            elif slot.role == "place":
                place = next(_PLACE_OF[w] for w in said.split() if w in _PLACE_OF)
            elif slot.form.lower() == "once":
                once = _PHRASES.get(said)
        order = [species for _, species in sorted(names)]
        everyone = list(dict.fromkeys([*named, *order]))
        for role, gender in pronouns:
            if role in roles:
                if CHARACTERS[roles[role]].pronoun != gender:
                    return None
                continue
            possible = [s for s in everyone if CHARACTERS[s].pronoun == gender]
            if len(possible) != 1:
                return None
            roles[role] = possible[0]
        if len(set(roles.values())) != len(roles):
            return None
        fresh = [s for s in dict.fromkeys(order) if s not in named]
        return roles, fresh, prop, carrier, place, once


def _who(said: str) -> str:
    found = [w.removesuffix("'s") for w in said.split()]
    by_name = [w for w in found if w in _NAMES_LOWER]
    return _WHO_OF[by_name[0] if by_name else next(w for w in found if w in _WHO_OF)]


_NAMES_LOWER = {name.lower() for name in words.NAMES.values()}


def _literals(nodes: tuple[Node, ...]) -> list[str]:
    found: list[str] = []
    for node in nodes:
        if isinstance(node, Literal_):
            found.append(node.text)
        elif isinstance(node, Choice):
            for option in node.options:
                found.extend(_literals(option))
    return found


@cache
def _world_words() -> frozenset[str]:
    tables: list[str] = [*PROP_COLOURS.values(), "a an the called in his her him himself herself"]
    for character in CHARACTERS.values():
        tables += [character.name, character.name + "'s", character.species + "'s"]
        tables += [character.manner, character.clothes]
    for table in (words.IN_PLACE, words.TO_PLACE, words.GROUND, words.ONCE, words.LINK):
        for phrases in table.values():
            tables += phrases
    for synonyms in (words.READER_PLACES, words.READER_PROPS, words.READER_SPECIES):
        for nouns in synonyms.values():
            tables += nouns
    for body in words.BODY.values():
        tables += body.values()
    for phrases in words.CARRY.values():
        tables += (re.sub(r"\{.*?\}", "", p) for p in phrases)
    tables += [*words.HIGH_INDOORS, *words.HIGH_OUTDOORS, "he she they them their at on by"]
    return frozenset(word for text in tables for word in normalise(text).split())


def slips(word: str) -> set[str]:
    """Every string one slip of the fingers away: a letter dropped, doubled, swapped or wrong."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    splits = [(word[:i], word[i:]) for i in range(len(word) + 1)]
    near = {a + b[1:] for a, b in splits if b}
    near |= {a + b[1] + b[0] + b[2:] for a, b in splits if len(b) > 1}
    near |= {a + c + b[1:] for a, b in splits if b for c in letters}
    near |= {a + c + b for a, b in splits for c in letters}
    near.discard(word)
    return near


def facts_of(
    place: str, time: str, weather: str, prop: str | None, cast: dict[str, str]
) -> set[str]:
    """The words a template's `@` conditions may ask for."""
    facts = {place, time, weather, "indoors" if place in INDOORS else "outdoors"}
    if prop is not None:
        facts.add(prop)
    facts |= {f"{role}={species}" for role, species in cast.items()}
    facts |= {f"{role}={CHARACTERS[species].pronoun}" for role, species in cast.items()}
    return facts


assert set(words.IN_PLACE) == set(PLACES) and set(words.CARRY) == set(PROPS)
