"""Events: their conditions, their effects, and how they are told.

They are read from `events/*.txt`; `events/README.md` describes the format.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from storyworld.blocks import ROOT, Block, Line, read_blocks
from storyworld.language.pattern import Pattern, parse_pattern
from storyworld.scene import EXPRESSIONS, FACINGS, POSES, SPOTS
from storyworld.state import KNOWN_FACTS, Fact
from storyworld.world import ABILITIES, PLACES, THINGS

CHARACTER_ROLES, THING_ROLES, PLACE_ROLES = "ABCD", "TUVL", "PQ"
FOREIGN_ROLES = "XYZ"
ROLES = CHARACTER_ROLES + THING_ROLES + PLACE_ROLES + FOREIGN_ROLES
TAGS = frozenset(
    [
        "foreign",
        "kindly",
        "begin",
        "mishap",
        "try",
        "solve",
        "move",
        "make",
        "care",
        "play",
        "calm",
        "end",
        "reader",
        "big",
    ]
)
SLOT_FORMS = {
    **dict.fromkeys(
        CHARACTER_ROLES + "X",
        frozenset(("", *["he", "him", "his", "He", "His", "self", "kind", "name"])),
    ),
    **dict.fromkeys(THING_ROLES, frozenset(("", "it", "It", "its", "a", "noun", "The"))),
    "Y": frozenset(("", "it", "It", "its", "a", "the", "noun")),
    **dict.fromkeys(PLACE_ROLES + "Z", frozenset(("", "at", "to", "the", "At"))),
}
WORD_SLOTS = ("perch", "hider", "why", "want")
"""Slots for a word or a clause; `want` only in `texts/purposes.txt`."""


@dataclass(frozen=True, eq=False)
class Event:
    """One kind of event."""

    name: str
    tags: frozenset[str]
    conditions: tuple[Fact, ...]
    effects: tuple[Fact, ...]
    show: dict[str, tuple[str, ...]]
    """Poses, faces, spots and facings by role."""
    close: bool
    do: tuple[Pattern, ...]
    tell: tuple[Pattern, ...]
    say: tuple[tuple[str, Pattern], ...]
    """Speaking roles and their lines."""
    after: tuple[Pattern, ...]
    why: tuple[Pattern, ...]
    roles: str
    """Role letters in the order in which the conditions name them."""
    hint: tuple[Pattern, ...] = ()
    """Readers' lines that the event answers (`kindly` events)."""

    def __deepcopy__(self, memo: object) -> Event:
        """Return the event itself: it is immutable, so copies may share it."""
        return self

    @property
    def group(self) -> str:
        """The part of the name before the dot."""
        return self.name.split(".")[0]


class TextError(ValueError):
    """A line of a text file is wrong; the message says which and why."""


def split_facts(line: Line) -> tuple[Fact, ...]:
    """Return facts that are separated by commas."""
    facts = tuple(tuple(part.split()) for part in line.rest.split(",") if part.strip())
    for fact in facts:
        _check_fact(fact, line)
    return facts


def _check_fact(fact: Fact, line: Line) -> None:
    if "/" in fact:
        cut = fact.index("/")
        _check_fact(fact[:cut], line)
        _check_fact(fact[cut + 1 :], line)
        return
    bare = (fact[0].removeprefix("!"), *fact[1:])
    if len(bare) > 1 and bare[1] in ("is", "can", "kind", "has") and bare[0] in ROLES:
        words_of: dict[str, Collection[str]] = {
            "can": frozenset(ABILITIES),
            "kind": THINGS,
            "has": {word for place in PLACES.values() for word in place.has},
            "is": {"whole"} | {state for kind in THINGS.values() for state in kind.states},
        }
        wrong = [word for word in bare[2:] if word not in words_of[bare[1]]]
        if wrong or len(bare) < 3:
            raise TextError(f"{line.where}: {' '.join(fact)!r}: unknown {wrong}")
        return
    if bare[0] not in KNOWN_FACTS:
        raise TextError(f"{line.where}: {' '.join(fact)!r} is no known fact")
    for word in bare[1:]:
        if len(word) == 1 and word not in ROLES:
            raise TextError(f"{line.where}: {' '.join(fact)!r} has the unknown role {word}")


def read_pattern(line: Line, text: str | None = None, *, roles: str = ROLES) -> Pattern:
    """Return a line's pattern.

    Raises:
        TextError: The line is no pattern, or a slot is unknown.
    """
    try:
        pattern = parse_pattern(line.rest if text is None else text)
    except ValueError as error:
        raise TextError(f"{line.where}: {error}") from error
    for slot in pattern.slots:
        if slot.role == "want" and not line.where.startswith("purposes.txt:"):
            raise TextError(f"{line.where}: {{want}} is for purposes.txt only")
        if slot.role in WORD_SLOTS and not slot.form:
            continue
        if slot.role not in roles:
            raise TextError(f"{line.where}: nobody is {{{slot.role}}} here")
        if slot.form not in SLOT_FORMS[slot.role]:
            raise TextError(f"{line.where}: {{{slot.role}.{slot.form}}} is no form of a slot")
    return pattern


def parse_event(block: Block) -> Event:
    """Return the event of a block.

    Raises:
        TextError: A line is wrong.
    """
    tags: set[str] = set()
    conditions: list[Fact] = []
    effects: list[Fact] = []
    show: dict[str, tuple[str, ...]] = {}
    close = False
    lists: dict[str, list[Pattern]] = {key: [] for key in ("do", "tell", "after", "why", "hint")}
    say: list[tuple[str, Pattern]] = []
    for line in block.lines:
        if line.keyword == "tags":
            tags |= set(line.rest.split())
        elif line.keyword == "if":
            conditions += split_facts(line)
        elif line.keyword == "then":
            effects += split_facts(line)
        elif line.keyword == "show":
            for part in line.rest.split(","):
                words = part.split()
                if words == ["close"]:
                    close = True
                elif words and words[0] in CHARACTER_ROLES:
                    unknown = set(words[1:]) - {
                        *POSES,
                        *EXPRESSIONS,
                        "proud",
                        *SPOTS,
                        *FACINGS,
                        "close",
                    }
                    if unknown:
                        raise TextError(f"{line.where}: nobody can be shown {unknown}")
                    show[words[0]] = tuple(words[1:])
                elif words:
                    raise TextError(f"{line.where}: {part.strip()!r} cannot be shown")
        elif line.keyword == "say":
            role, _, text = line.rest.partition(" ")
            if role not in (*CHARACTER_ROLES, "X"):
                raise TextError(f"{line.where}: {role!r} cannot speak")
            say.append((role, read_pattern(line, text)))
        elif line.keyword in lists:
            lists[line.keyword].append(read_pattern(line))
        else:
            raise TextError(f"{line.where}: a line begins with {line.keyword!r}")
    if tags - TAGS:
        raise TextError(f"{block.where}: unknown tags {tags - TAGS}")
    used = "".join(
        word.removeprefix("!")
        for fact in (*conditions, *effects)
        for word in fact
        if len(word.removeprefix("!")) == 1 and word.removeprefix("!") in ROLES
    )
    spoken = "".join(
        sorted(
            {role for patterns in lists.values() for p in patterns for role in p.roles}
            | {role for who, p in say for role in {who, *p.roles}}
            | set(show)
        )
    )
    roles = "".join(dict.fromkeys(used + spoken))
    bound = {word for fact in conditions for word in fact if word in ROLES and len(word) == 1}
    loose = set(roles) - bound - set(FOREIGN_ROLES) - {"P", "Q"}
    if loose:
        raise TextError(f"{block.where}: {block.name}: `if` says nothing of {sorted(loose)}")
    conditions += _usual_conditions(conditions, effects)
    group = block.name.split(".")[0]
    effects += [("did", role, group) for role in roles if role in CHARACTER_ROLES]
    return Event(
        block.name,
        frozenset(tags),
        tuple(conditions),
        tuple(effects),
        show,
        close,
        say=tuple(say),
        roles=roles,
        **{key: tuple(patterns) for key, patterns in lists.items()},
    )


def _usual_conditions(conditions: Sequence[Fact], effects: Sequence[Fact]) -> list[Fact]:
    """Return the conditions that every event has without naming them.

    Its characters are awake and not up high, unless the event names that itself; and the way
    between the places of a move is free.
    """
    usual: list[Fact] = []
    came = {fact[1] for fact in conditions if fact[0] == "at" and fact[2:] == ("Q",)}
    goes = [f for f in effects if f == ("all", "Q") or (f[0] == "at" and f[1] in CHARACTER_ROLES)]
    if any(fact[-1] == "Q" or fact[1] in came for fact in goes):
        usual += [("!blocked", "P"), ("!blocked", "Q")]
    here = [fact[1] for fact in conditions if fact[0] == "at" and fact[2:] == ("P",)]
    for role in here:
        speaks = {
            fact[0].removeprefix("!") for fact in conditions if role in fact and fact[0] != "at"
        }
        if "spot" not in speaks:
            usual.append(("!spot", role, "high"))
        sleeps = any(role in fact and "asleep" in fact for fact in conditions)
        if not sleeps:
            usual.append(("!feels", role, "asleep"))
    return usual


def read_events(name: str) -> Iterator[Event]:
    """Yield the events of one file of `events/`."""
    for block in read_blocks(ROOT / "events" / name):
        yield parse_event(block)


@cache
def events() -> dict[str, Event]:
    """Return every event by name."""
    found: dict[str, Event] = {}
    for path in sorted((ROOT / "events").glob("*.txt")):
        for event in read_events(path.name):
            if event.name in found:
                raise TextError(f"{path.name}: {event.name} is there twice")
            found[event.name] = event
    return found
