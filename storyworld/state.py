"""What is true in the world at one moment, small enough to print.

Facts are asked and changed by words, as the event files write them (`events/README.md`):
`state.is_true(("high", "T", "P"), roles)` and `state.apply(...)`. A `State` knows no sentences and
no pictures.
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
"""No more; or somewhere else, from where somebody may bring it. What is not among a state's things
is away."""
Roles = Mapping[str, str]
Fact = tuple[str, ...]


REACHED = ("met", "got", "been")
"""Facts about what no picture shows: A has met X, has got Y, has been at Z, as far as one can."""


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
    """What somebody wants: a kind of `texts/wishes.txt` with its roles."""

    kind: str
    roles: dict[str, str]
    status: str = "open"
    """`open`, `met` or `up` (given up)."""

    @property
    def owner(self) -> str:
        """Whose wish it is."""
        return self.roles["A"]


@dataclass
class State:
    """Everything that is true."""

    people: dict[str, Person] = field(default_factory=dict)
    things: dict[str, Item] = field(default_factory=dict)
    time: str = "day"
    weather: str = "clear"
    dark: set[str] = field(default_factory=set)
    knows: set[frozenset[str]] = field(default_factory=set)
    cross: set[tuple[str, str]] = field(default_factory=set)
    promised: dict[tuple[str, str], str] = field(default_factory=dict)
    """Who has promised whom what: a thing that they will have, `help` or a `favour`."""
    blocked: set[str] = field(default_factory=set)
    """Places from and to which there is no way until somebody clears it or the weather changes."""
    wishes: list[Wish] = field(default_factory=list)
    did: set[tuple[str, str]] = field(default_factory=set)
    """Who took part in events of which group during this tale."""
    words: set[str] = field(default_factory=set)
    """What no picture can show and the story has spoken of: `X`, `Y` and `Z` by their words."""
    reached: set[tuple[str, str]] = field(default_factory=set)
    """Whose wish about which of these words has come true, in the way it can."""
    earlier: State | None = None
    """When the tale's wish had just been told; all that came after may turn out to be a dream."""

    def copy(self) -> State:
        """Another state that is equal and changes by itself."""
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
        """The place in which a thing is, wherever it is there; None when it is gone."""
        item = self.things.get(thing)
        if item is None or item.where in NOWHERE:
            return None
        if item.where in IN_A_PLACE:
            return item.at
        if item.where in ON_SOMEBODY:
            return self.people[item.at].place if item.at in self.people else None
        return self.place_of(item.at, depth + 1) if depth < 4 else None

    def held_by(self, who: str) -> list[str]:
        """Things in somebody's hands."""
        return [t for t, item in self.things.items() if item.where == "holds" and item.at == who]

    def free_hands(self, who: str) -> int:
        """How many hands are empty."""
        used = sum(2 if THINGS[t].carried == "both" else 1 for t in self.held_by(who))
        return max(0, 2 - used)

    def people_in(self, place: str) -> list[str]:
        """Who is in a place."""
        return [who for who, person in self.people.items() if person.place == place]

    def is_true(self, fact: Fact, roles: Roles) -> bool:
        """Whether a fact holds, roles replaced by whom or what they stand for."""
        return _compiled(fact)(self, roles)

    # --- changing -------------------------------------------------------------------------------

    def apply(self, facts: Sequence[Fact], roles: Roles) -> None:
        """Make facts true, one after the other."""
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
            # A reader may break what cannot break: it stays as it is.
            if state in THINGS[words[0]].states:
                self.things[words[0]].state = state
            return
        change = _CHANGES.get(words[0])
        if change is None:
            raise ValueError(f"{' '.join(fact)!r} is nothing that an event can make true.")
        change(self, words[1:], denied, roles)

    def put(self, thing: str, where: str, at: str) -> None:
        """Move a thing; hands that are full let go of what they hold.

        Whoever gets what was promised them is promised it no more.
        """
        item = self.things.get(thing)
        if where == "away":
            self.things.pop(thing, None)
            return
        if item is None:
            item = self.things[thing] = Item(where, at, THINGS[thing].states[0])
        if where == "holds":
            needed = 2 if THINGS[thing].carried == "both" else 1
            # The thing itself fills no hand while room is made for it.
            item.where = "away"
            for other in self.held_by(at):
                if self.free_hands(at) < needed:
                    self.put(other, "floor", self.people[at].place)
        item.where, item.at = where, at
        if where == "holds":
            self.promised = {
                pair: what for pair, what in self.promised.items() if (pair[1], what) != (at, thing)
            }


# --- what the words of facts mean ---------------------------------------------------------------


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
    """Somebody; whoever is not in the story is nowhere and feels nothing."""
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
    """A fact as a function: the events ask each of theirs thousands of times."""
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
