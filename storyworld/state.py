"""The state of the world at one moment, small enough to print.

Facts are tested and changed in the words of the event files (`events/README.md`):
`state.is_true(("high", "T", "P"), roles)` and `state.apply(...)`. A `State` knows no sentences and
no images.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

from storyworld.world import CHARACTERS, PLACES, THINGS

MOODS = (
    *("happy", "laughing", "sad", "surprised", "cross", "sleepy", "scared", "thoughtful"),
    "proud",
)
FEELINGS = ("cold", "wet", "hungry", "tired", "ill", "shy", "asleep", "hurt")
SKILLS = (
    *("swim", "whistle", "read", "drum", "sing", "dance", "paint", "bake", "climb", "skate"),
    "juggle",
)
UNSOUND = ("broken", "half-eaten", "out", "empty")
"""States in which a thing is not `whole`."""
IN_A_PLACE = ("floor", "table", "high", "sky", "water", "hidden")
ON_SOMEBODY = ("holds", "wears")
NOWHERE = ("gone", "away")
"""`gone` for ever, or `away`, from where somebody may bring it. A thing that a state does not hold
is away."""
Roles = Mapping[str, str]
Fact = tuple[str, ...]


REACHED = ("met", "got", "been")
"""Facts about foreign words: A has met X, has got Y, has been at Z, as far as one can."""


@dataclass
class Person:
    """Where somebody is and how they are."""

    place: str
    spot: str = "floor"
    mood: str = "happy"
    feelings: set[str] = field(default_factory=set)
    skills: set[str] = field(default_factory=set)


@dataclass
class Item:
    """Where a thing is (`where`, and the place, character or container it names) and how it is."""

    where: str
    at: str
    state: str
    owner: str = ""


@dataclass
class Wish:
    """A wish: a kind of `texts/wishes.txt` with its roles."""

    kind: str
    roles: dict[str, str]
    status: str = "open"
    """`open`, `met` or `up` (given up)."""

    @property
    def owner(self) -> str:
        """The character whose wish it is."""
        return self.roles["A"]


@dataclass
class State:
    """All facts at one moment."""

    people: dict[str, Person] = field(default_factory=dict)
    things: dict[str, Item] = field(default_factory=dict)
    time: str = "day"
    weather: str = "clear"
    dark: set[str] = field(default_factory=set)
    knows: set[frozenset[str]] = field(default_factory=set)
    cross: set[tuple[str, str]] = field(default_factory=set)
    promised: dict[tuple[str, str], str] = field(default_factory=dict)
    """Promises: who has promised whom a thing, `help` or a `favour`."""
    blocked: set[str] = field(default_factory=set)
    """Places that nobody can enter or leave until the way is cleared or the weather changes."""
    wishes: list[Wish] = field(default_factory=list)
    did: set[tuple[str, str]] = field(default_factory=set)
    """Characters who took part in events of a group during this tale."""
    words: set[str] = field(default_factory=set)
    """Foreign words that the story has named, with their roles `X`, `Y` and `Z`."""
    reached: set[tuple[str, str]] = field(default_factory=set)
    """Characters whose wish about one of these words has come true, as far as it can."""
    earlier: State | None = None
    """The state right after the tale's wish was told; all since then may turn out to be a dream."""

    def copy(self) -> State:
        """Return an equal, independent state."""
        return State(
            {
                who: Person(p.place, p.spot, p.mood, set(p.feelings), set(p.skills))
                for who, p in self.people.items()
            },
            {kind: Item(i.where, i.at, i.state, i.owner) for kind, i in self.things.items()},
            *(self.time, self.weather, set(self.dark), set(self.knows), set(self.cross)),
            *(dict(self.promised), set(self.blocked)),
            *([Wish(w.kind, w.roles, w.status) for w in self.wishes], set(self.did)),
            *(set(self.words), set(self.reached)),
            self.earlier,
        )

    # --- asking ---------------------------------------------------------------------------------

    def place_of(self, thing: str, depth: int = 0) -> str | None:
        """Return the place in which a thing is, in any position; None if it is gone."""
        item = self.things.get(thing)
        if item is None or item.where in NOWHERE:
            return None
        if item.where in IN_A_PLACE:
            return item.at
        if item.where in ON_SOMEBODY:
            return self.people[item.at].place if item.at in self.people else None
        return self.place_of(item.at, depth + 1) if depth < 4 else None

    def held_by(self, who: str) -> list[str]:
        """Return the things in somebody's hands."""
        return [t for t, item in self.things.items() if item.where == "holds" and item.at == who]

    def free_hands(self, who: str) -> int:
        """Return the number of empty hands."""
        used = sum(2 if THINGS[t].carried == "both" else 1 for t in self.held_by(who))
        return max(0, 2 - used)

    def people_in(self, place: str) -> list[str]:
        """Return the characters in a place."""
        return [who for who, person in self.people.items() if person.place == place]

    def is_true(self, fact: Fact, roles: Roles) -> bool:
        """Return whether a fact holds with its roles replaced."""
        return _compiled(fact)(self, roles)

    # --- changing -------------------------------------------------------------------------------

    def apply(self, facts: Sequence[Fact], roles: Roles) -> None:
        """Make facts true, one after the other.

        Raises:
            ValueError: An event cannot make this fact true.
        """
        for fact in facts:
            self._apply(fact, roles)

    def _apply(self, fact: Fact, roles: Roles) -> None:
        denied = fact[0].startswith("!")
        fact = (fact[0].removeprefix("!"), *fact[1:])
        words = tuple(roles.get(word, word) for word in fact)
        if len(words) > 2 and words[1] == "is":
            if words[0] not in self.things:
                self.put(words[0], "floor", roles["P"])
            whole = THINGS[words[0]].states[0]
            state = whole if words[2] == "whole" else words[2]
            # A reader may try to break an unbreakable thing: it stays as it is.
            if state in THINGS[words[0]].states:
                self.things[words[0]].state = state
            return
        change = _CHANGES.get(words[0])
        if change is None:
            raise ValueError(f"{' '.join(fact)!r} is nothing that an event can make true.")
        change(self, words[1:], denied, roles)

    def put(self, thing: str, where: str, at: str) -> None:
        """Move a thing; full hands drop what they hold.

        A promise of the thing to its new holder is kept by that.
        """
        item = self.things.get(thing)
        if where == "away":
            self.things.pop(thing, None)
            return
        if item is None:
            item = self.things[thing] = Item(where, at, THINGS[thing].states[0])
        if where == "holds":
            needed = 2 if THINGS[thing].carried == "both" else 1
            # The thing itself must not count as held while room is made for it.
            item.where = "away"
            for other in self.held_by(at):
                if self.free_hands(at) < needed:
                    self.put(other, "floor", self.people[at].place)
        item.where, item.at = where, at
        if where == "holds":
            self.promised = {
                pair: what for pair, what in self.promised.items() if (pair[1], what) != (at, thing)
            }


# --- meanings of facts --------------------------------------------------------------------------


def _is(state: State, thing: str, words: Sequence[str]) -> bool:
    item = state.things.get(thing)
    if item is None:
        return False
    return item.state not in UNSOUND if words[0] == "whole" else item.state == words[0]


def _has(state: State, place: str, words: Sequence[str]) -> bool:
    return words[0] in PLACES[place].has


_OF_SUBJECT: dict[str, Callable[[State, str, Sequence[str]], bool]] = {
    "is": _is,
    "can": lambda state, thing, words: thing in THINGS and words[0] in THINGS[thing].can,
    "kind": lambda state, thing, words: thing in words,
    "has": _has,
}


_NOBODY = Person("", spot="", mood="")


def _of(state: State, who: str) -> Person:
    """Return a character; one who is not in the story is nowhere and feels nothing."""
    return state.people.get(who, _NOBODY)


def _near(state: State, words: Sequence[str]) -> bool:
    thing, place = words
    item = state.things.get(thing)
    return (
        item is not None
        and item.where not in ("hidden", "inside")
        and (state.place_of(thing) == place)
    )


def _in_place(where: str) -> Callable[[State, Sequence[str]], bool]:
    def check(state: State, words: Sequence[str]) -> bool:
        item = state.things.get(words[0])
        return item is not None and item.where == where and item.at == words[1]

    return check


def _has_wish(state: State, who: str, thing: str) -> bool:
    return any(
        wish.status == "open" and wish.owner == who and thing in wish.roles.values()
        for wish in state.wishes
    )


def _is_promised(state: State, words: Sequence[str]) -> bool:
    what = state.promised.get((words[0], words[1]))
    return what is not None and (len(words) == 2 or what == words[2])


def _can_be_dreamt(state: State, words: Sequence[str]) -> bool:
    return state.earlier is not None and state.earlier.wishes[-1].owner == words[0]


_CHECKS: dict[str, Callable[[State, Sequence[str]], bool]] = {
    "at": lambda s, w: w[0] in s.people and s.people[w[0]].place == w[1],
    **{where: _in_place(where) for where in IN_A_PLACE},
    "holds": lambda s, w: w[1] in s.held_by(w[0]),
    "wears": lambda s, w: _in_place("wears")(s, (w[1], w[0])),
    "inside": _in_place("inside"),
    "near": _near,
    "gone": lambda s, w: w[0] not in s.things or s.things[w[0]].where == "gone",
    "away": lambda s, w: w[0] in THINGS and w[0] not in s.things,
    "owner": lambda s, w: w[0] in s.things and s.things[w[0]].owner == w[1],
    "free": lambda s, w: s.free_hands(w[0]) > 0,
    "spot": lambda s, w: _of(s, w[0]).spot == w[1],
    "mood": lambda s, w: _of(s, w[0]).mood == w[1],
    "feels": lambda s, w: w[1] in _of(s, w[0]).feelings,
    "knows": lambda s, w: frozenset(w[:2]) in s.knows,
    "cross": lambda s, w: (w[0], w[1]) in s.cross,
    "skill": lambda s, w: w[1] in _of(s, w[0]).skills,
    "wants": lambda s, w: _has_wish(s, w[0], w[1]),
    "wish": lambda s, w: any(
        wish.status == "open" and wish.owner == w[0] and wish.kind == w[1] for wish in s.wishes
    ),
    "promised": _is_promised,
    "blocked": lambda s, w: w[0] in s.blocked,
    "dreamt": _can_be_dreamt,
    "time": lambda s, w: s.time == w[0],
    "weather": lambda s, w: s.weather == w[0],
    "dark": lambda s, w: w[0] in s.dark,
    "did": lambda s, w: (w[0], w[1]) in s.did,
    "heard": lambda s, w: w[0] in s.words,
    "word": lambda s, w: w[0] in s.words,
    **dict.fromkeys(REACHED, lambda s, w: (w[0], w[1]) in s.reached),
}


@cache
def _compiled(fact: Fact) -> Callable[[State, Roles], bool]:
    """Return a fact as a function, compiled once because events test their facts very often."""
    if "/" in fact:
        cut = fact.index("/")
        one, other = _compiled(fact[:cut]), _compiled(fact[cut + 1 :])
        return lambda state, roles: one(state, roles) or other(state, roles)
    if fact[0].startswith("!"):
        denied = _compiled((fact[0][1:], *fact[1:]))
        return lambda state, roles: not denied(state, roles)
    if len(fact) > 1 and fact[1] in _OF_SUBJECT:
        of_subject, subject, rest = _OF_SUBJECT[fact[1]], fact[0], fact[2:]
        return lambda state, roles: of_subject(state, roles.get(subject, subject), rest)
    check = _CHECKS.get(fact[0])
    if check is None:
        raise ValueError(f"{' '.join(fact)!r} is no fact that this world knows.")
    if len(fact) == 2:
        one_word = fact[1]
        return lambda state, roles: check(state, (roles.get(one_word, one_word),))
    words = fact[1:]
    return lambda state, roles: check(state, [roles.get(word, word) for word in words])


def _change_set(name: str) -> Callable[[State, Sequence[str], bool, Roles], None]:
    def change(state: State, words: Sequence[str], denied: bool, roles: Roles) -> None:
        having = getattr(state.people[words[0]], name)
        (having.discard if denied else having.add)(words[1])

    return change


def _change_pairs(name: str) -> Callable[[State, Sequence[str], bool, Roles], None]:
    def change(state: State, words: Sequence[str], denied: bool, roles: Roles) -> None:
        pair = frozenset(words[:2]) if name == "knows" else (words[0], words[1])
        pairs = getattr(state, name)
        (pairs.discard if denied else pairs.add)(pair)

    return change


def _change_at(state: State, words: Sequence[str], denied: bool, roles: Roles) -> None:
    who, place = words
    if who in CHARACTERS:
        person = state.people.setdefault(who, Person(place))
        person.place, person.spot = place, "floor"
    else:
        state.put(who, "floor", place)


def _change_all(state: State, words: Sequence[str], denied: bool, roles: Roles) -> None:
    for person in state.people.values():
        if person.place == roles["P"]:
            person.place, person.spot = words[0], "floor"


def _change_where(where: str) -> Callable[[State, Sequence[str], bool, Roles], None]:
    def change(state: State, words: Sequence[str], denied: bool, roles: Roles) -> None:
        thing, at = (words[1], words[0]) if where in ON_SOMEBODY else (words[0], words[-1])
        item = state.things.get(thing)
        if not denied:
            state.put(thing, where, at)
        elif item is not None and item.where == where and item.at == at:
            state.put(thing, "floor", state.place_of(thing) or roles["P"])

    return change


def _change_wish(status: str) -> Callable[[State, Sequence[str], bool, Roles], None]:
    def change(state: State, words: Sequence[str], denied: bool, roles: Roles) -> None:
        if status == "open":
            wish = Wish(words[1], dict(zip("ATB", (words[0], *words[2:]), strict=False)))
            if wish not in state.wishes:
                state.wishes.append(wish)
            return
        for wish in state.wishes:
            if wish.owner == words[0] and wish.kind == words[1] and wish.status == "open":
                wish.status = status

    return change


def _set_person(name: str) -> Callable[[State, Sequence[str], bool, Roles], None]:
    def change(state: State, words: Sequence[str], denied: bool, roles: Roles) -> None:
        usual = {"mood": "happy", "spot": "floor"}[name]
        setattr(state.people[words[0]], name, usual if denied else words[1])

    return change


def _change_time(state: State, words: Sequence[str], denied: bool, roles: Roles) -> None:
    state.time = words[0]
    state.dark -= {place for place in state.dark if "dark" not in PLACES[place].has}


def _change_weather(state: State, words: Sequence[str], denied: bool, roles: Roles) -> None:
    state.weather = "clear" if denied else words[0]
    state.blocked.clear()


def _change_blocked(state: State, words: Sequence[str], denied: bool, roles: Roles) -> None:
    (state.blocked.discard if denied else state.blocked.add)(words[0])


def _change_promised(state: State, words: Sequence[str], denied: bool, roles: Roles) -> None:
    if denied:
        state.promised.pop((words[0], words[1]), None)
    else:
        state.promised[words[0], words[1]] = words[2]


def _change_dreamt(state: State, words: Sequence[str], denied: bool, roles: Roles) -> None:
    if state.earlier is not None:
        spoken_of, earlier = state.words, state.earlier
        state.__dict__.update(earlier.copy().__dict__)
        state.words, state.earlier = spoken_of, earlier


def _change_dark(state: State, words: Sequence[str], denied: bool, roles: Roles) -> None:
    (state.dark.discard if denied else state.dark.add)(words[0])


def _change_owner(state: State, words: Sequence[str], denied: bool, roles: Roles) -> None:
    if words[0] in state.things:
        state.things[words[0]].owner = "" if denied else words[1]


def _change_reached(state: State, words: Sequence[str], denied: bool, roles: Roles) -> None:
    (state.reached.discard if denied else state.reached.add)((words[0], words[1]))


def _change_words(state: State, words: Sequence[str], denied: bool, roles: Roles) -> None:
    (state.words.discard if denied else state.words.add)(words[0])


_CHANGES: dict[str, Callable[[State, Sequence[str], bool, Roles], None]] = {
    "at": _change_at,
    "all": _change_all,
    **{where: _change_where(where) for where in (*IN_A_PLACE, *ON_SOMEBODY, "inside", *NOWHERE)},
    "owner": _change_owner,
    "spot": _set_person("spot"),
    "mood": _set_person("mood"),
    "feels": _change_set("feelings"),
    "skill": _change_set("skills"),
    "knows": _change_pairs("knows"),
    "cross": _change_pairs("cross"),
    "promised": _change_promised,
    "blocked": _change_blocked,
    "dreamt": _change_dreamt,
    "did": _change_pairs("did"),
    "wish": _change_wish("open"),
    "done": _change_wish("met"),
    "up": _change_wish("up"),
    "time": _change_time,
    "weather": _change_weather,
    "dark": _change_dark,
    "heard": _change_words,
    "word": _change_words,
    **dict.fromkeys(REACHED, _change_reached),
}
KNOWN_FACTS = frozenset(_CHECKS) | frozenset(_CHANGES)
