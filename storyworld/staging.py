"""Stage tales and readers' deeds: make their conditions true.

A tale is staged by making the conditions of its wish true in a new world; a reader's deed is made
possible in the same way, with anybody and anything. The director chooses what follows.
"""

from __future__ import annotations

from collections.abc import Mapping

from storyworld.binding import bindings
from storyworld.director import Director
from storyworld.event import CHARACTER_ROLES, FOREIGN_ROLES, THING_ROLES, Event, events
from storyworld.planner import Step
from storyworld.state import SKILLS, Fact, Person, State, Wish
from storyworld.texts import WishKind, wish_kinds
from storyworld.wordlists import is_held_out
from storyworld.world import CHARACTERS, PLACES, THINGS

USUAL_SKILLS = 0.2
"""Probability that somebody already has a skill when a story begins."""


def stage(
    director: Director, kind: str | None = None, *, foreign_share: float = 0.15, most: int = 60
) -> bool:
    """Set up a world and a wish in it; return whether a plan for the wish was found.

    Args:
        director: The director, whose world is set up.
        kind: Kind of the wish; any by default.
        foreign_share: Probability of a wish about something that no image can show.
        most: Number of tries at most.
    """
    for attempt in range(most):
        # Each kind gets a dozen tries: otherwise those easily staged would be the most frequent.
        if attempt % 12 == 0:
            is_foreign = director.rng.random() < foreign_share
            kinds = [name for name, one in wish_kinds().items() if one.is_foreign == is_foreign]
            wanted = wish_kinds()[kind or director.rng.choice(sorted(kinds))]
        director.state = State(dark={"cave"})
        _people(director)
        if not (_stage_wish(director, wanted) and _furnish(director) and director.replan()):
            continue
        # A wish that one step fulfils makes a tale only if attempts can fail first.
        is_short = len(director.plan) < 2 and not director.foreign
        if is_short and not _tries_here(director) and attempt % 12 < 6:
            continue
        _rewind(director)
        return True
    return False


def stage_next(director: Director) -> bool:
    """Begin another tale in the same world; return whether one was staged.

    It has another wish, and perhaps another hero.
    """
    here = director.state.people_in(director.place)
    director.hero = director.rng.choice(here)
    director.state.did.clear()
    old = {wish.kind for wish in director.state.wishes}
    kinds = [k for k in sorted(wish_kinds()) if k not in old]
    director.rng.shuffle(kinds)
    for name in kinds[:25]:
        saved = director.state
        director.state = saved.copy()
        for person in director.state.people.values():
            person.mood = "happy"
            person.feelings.clear()
        is_staged = _stage_wish(director, wish_kinds()[name]) and director.replan()
        if is_staged and (len(director.plan) > 1 or director.foreign or _tries_here(director)):
            _rewind(director)
            return True
        director.state = saved
    return False


def _tries_here(director: Director) -> bool:
    """Return whether an attempt can fail before the plan begins."""
    groups = {step.event.group for step in director.plan}
    assert director.wish is not None
    things = {director.wish.roles[role] for role in "TU" if role in director.wish.roles}
    return any(
        step.event.group in groups or things & set(step.roles.values())
        for step in director.options(("try",), most=40)
    )


def _people(director: Director) -> None:
    rng = director.rng
    director.cast = rng.sample(sorted(CHARACTERS), rng.choices((2, 3, 4), (0.3, 0.45, 0.25))[0])
    director.hero = director.cast[0]
    place = rng.choice(sorted(PLACES))
    for index, who in enumerate(director.cast):
        together = index == 0 or rng.random() < 0.5
        where = place if together else rng.choice(sorted(PLACES))
        skills = {s for s in SKILLS if rng.random() < USUAL_SKILLS}
        director.state.people[who] = Person(where, skills=skills)
    for one in director.cast:
        for other in director.cast:
            if one < other and rng.random() < 0.9:
                director.state.knows.add(frozenset((one, other)))
    director.state.time = rng.choices(("day", "dusk", "night"), (0.7, 0.18, 0.12))[0]
    weathers = (("clear", "wind", "rain", "snow"), (0.68, 0.14, 0.1, 0.08))
    director.state.weather = rng.choices(*weathers)[0]


def _furnish(director: Director) -> bool:
    """Put a few things into the world; all others are away."""
    rng = director.rng
    places = {person.place for person in director.state.people.values()}
    spare = [name for name in sorted(THINGS) if name not in director.state.things]
    usable = [n for n in spare if THINGS[n].carried != "never" and "alive" not in THINGS[n].can]
    for name in rng.sample(usable, rng.randint(1, 4)):
        place = rng.choice(sorted(places))
        holder = rng.choice([*director.state.people_in(place), ""])
        if holder and director.state.free_hands(holder):
            director.state.put(name, "holds", holder)
            if "precious" in THINGS[name].can:
                director.state.things[name].owner = holder
        else:
            table = "table" in PLACES[place].has and rng.random() < 0.4
            director.state.put(name, "table" if table else "floor", place)
    return True


def _stage_wish(director: Director, kind: WishKind) -> bool:
    """Bind a wish's roles and make its conditions true; return whether that is possible."""
    roles = _cast_wish(director, kind)
    if roles is None or not _may_be(director, kind, roles):
        return False
    for fact in kind.conditions:
        if director.state.is_true(fact, roles):
            continue
        if not _stage_fact(director, fact, roles):
            return False
    if not all(director.state.is_true(fact, roles) for fact in kind.conditions):
        return False
    if all(director.state.is_true(fact, roles) for fact in kind.goal):
        return False
    thing = director.state.things.get(roles.get("T", ""))
    says_owner = any(fact[:2] in (("owner", "T"), ("!owner", "T")) for fact in kind.conditions)
    if (
        thing is not None
        and not thing.owner
        and "precious" in THINGS[roles["T"]].can
        and director.rng.random() < 0.5
        and not says_owner
    ):
        thing.owner = roles["A"]
    director.state.wishes.append(Wish(kind.name, roles))
    director.has_wish = True
    director.mishaps = director.rng.choices((0, 1, 2), (0.3, 0.5, 0.2))[0]
    director.traces = director.rng.choice((1, 2, 3, 3)) if director.foreign else 0
    director.tries = director.rng.choices((0, 1, 2, 3), (0.1, 0.4, 0.35, 0.15))[0]
    return True


def _may_be(director: Director, kind: WishKind, roles: Mapping[str, str]) -> bool:
    """Return whether the split may have this wish; some are held out for test stories.

    It depends on the owner and the subject of the wish. Foreign words are held out one by one
    instead.
    """
    if kind.is_foreign:
        return True
    # A wish for a den always has the tent.
    is_fixed = any(fact[:2] == ("T", "kind") for fact in kind.conditions)
    about = [roles[r] for r in ("A" if is_fixed else "AT") if r in roles]
    is_kept = any(is_held_out(f"{kind.name} {word}") for word in about)
    return is_kept or bool(director.past) if director.test else not is_kept


def _cast_wish(director: Director, kind: WishKind) -> dict[str, str] | None:
    rng, roles = director.rng, {"A": director.hero}
    letters = [*kind.roles, *(w for f in kind.conditions for w in f if w == "P")]
    for role in dict.fromkeys(letters):
        if role in roles:
            continue
        if role in CHARACTER_ROLES:
            fits = [who for who in director.cast if who not in roles.values()]
            if not fits:
                newcomer = rng.choice([w for w in CHARACTERS if w not in director.cast])
                director.cast.append(newcomer)
                director.state.people[newcomer] = Person(rng.choice(sorted(PLACES)))
                fits = [newcomer]
        elif role in THING_ROLES:
            asked = [f for f in kind.conditions if f[0] == role and f[1] in ("can", "kind")]
            asked += [
                (role, "can", "precious")
                for f in kind.conditions
                if f[0] in ("owner", "holds") and role in f and not asked and rng.random() < 0.8
            ]
            denied = [f for f in kind.conditions if f[0] == "!" + role and f[1] in ("can", "kind")]
            states = [f[2] for f in kind.conditions if f[0] == role and f[1] == "is"]
            fits = [
                name
                for name in sorted(THINGS)
                if all(director.state.is_true(f, {role: name}) for f in (*asked, *denied))
                and all(s in (*THINGS[name].states, "whole") for s in states)
                and (kind.conditions == () or THINGS[name].carried != "never" or asked)
            ]
        elif role == "P":
            roles["P"] = director.place
            continue
        elif role in FOREIGN_ROLES:
            if director.new_word is None:
                return None
            fits = [director.new_word(role)]
        elif role == "Q":
            fits = [name for name in sorted(PLACES) if name != director.place]
        else:
            return None
        if not fits:
            return None
        roles[role] = rng.choice(fits)
    return roles


def _stage_fact(director: Director, fact: Fact, roles: Mapping[str, str]) -> bool:
    """Make a condition of a wish true in a new world; return whether that is possible."""
    if "/" in fact:
        fact = fact[: fact.index("/")]
    if fact[1:2] and fact[1] in ("can", "kind", "has"):
        if fact[1] != "has" or fact[0].startswith("!") or roles.get(fact[0]) != director.place:
            return False
        fits = [p for p in sorted(PLACES) if fact[2] in PLACES[p].has]
        place, old = director.rng.choice(fits), director.place
        for person in director.state.people.values():
            if person.place == old:
                person.place = place
        assert isinstance(roles, dict)
        roles["P"] = place
        return True
    if fact[1:2] == ("is",):
        kind = roles[fact[0]]
        if kind not in director.state.things:
            director.state.put(kind, "floor", director.place)
        if fact[2] == "whole":
            director.state.things[kind].state = THINGS[kind].states[0]
            return True
    if fact[0] == "near":
        director.state.put(roles[fact[1]], "floor", roles[fact[2]])
        return True
    if fact[0] == "!near":
        director.state.put(roles[fact[1]], "away", "")
        return True
    if fact[0] == "!at":
        elsewhere = [p for p in sorted(PLACES) if p != roles[fact[2]]]
        director.state.people[roles[fact[1]]].place = director.rng.choice(elsewhere)
        return True
    if fact[0] in ("free", "!free", "wants", "wish", "!wants"):
        return False
    try:
        director.state.apply([fact], roles)
    except (ValueError, KeyError):
        return False
    return True


def _rewind(director: Director) -> None:
    """Perhaps begin a step earlier: before the mishap that caused the wish."""
    director.incident = None
    if director.wish is None or director.rng.random() < 0.25:
        return
    roles, kind = director.wish.roles, director.kind
    assert kind is not None
    thing = roles.get("T", "")
    if thing not in director.state.things:
        return
    now = director.state.things[thing]
    if now.where not in ("high", "sky", "water", "hidden") and now.state != "broken":
        return
    earlier = director.state.copy()
    earlier.put(thing, "holds", director.hero)
    earlier.things[thing].state = THINGS[thing].states[0]
    earlier.people[director.hero].mood = "happy"
    found = [e for e in events().values() if "mishap" in e.tags]
    director.rng.shuffle(found)
    for event in found:
        given = {"P": earlier.people[director.hero].place}
        for bound in bindings(event, earlier, given, director.rng, most=4):
            if bound.get("A") != director.hero or thing not in bound.values():
                continue
            after = earlier.copy()
            after.apply(event.effects, bound)
            same = after.things[thing]
            if (same.where, same.at, same.state) == (now.where, now.at, now.state):
                director.incident = Step(event, bound)
                director.state = earlier
                return


def force(director: Director, event: Event, state: State) -> dict[str, str] | None:
    """Bind an event to anybody and anything and make its conditions true in `state`.

    Returns:
        The roles, or None if the conditions contradict each other.
    """
    rng, place = director.rng, director.place
    roles: dict[str, str] = {"P": place}
    here = state.people_in(place)
    for role in event.roles:
        if role in roles:
            continue
        if role in CHARACTER_ROLES:
            fits = [who for who in here if who not in roles.values()]
            if not fits or rng.random() < 0.2:
                fits = [who for who in CHARACTERS if who not in roles.values()]
        elif role in THING_ROLES:
            types = [f for f in event.conditions if len(f) > 1 and f[1] in ("can", "kind")]
            fits = [kind for kind in THINGS if kind not in roles.values()]
            fits = [
                kind
                for kind in fits
                if all(
                    state.is_true(f, {role: kind}) for f in types if f[0].removeprefix("!") == role
                )
            ]
            near = [kind for kind in fits if state.place_of(kind) == place]
            fits = near if near and rng.random() < 0.6 else fits
        else:
            fits = [name for name in sorted(PLACES) if name not in roles.values()]
        if not fits:
            return None
        roles[role] = rng.choice(fits)
    for who in roles.values():
        if who in CHARACTERS and (who not in state.people or state.people[who].place != place):
            state.apply([("at", who, place)], {})
            if who not in director.cast:
                director.cast.append(who)
    for fact in event.conditions:
        if state.is_true(fact, roles):
            continue
        fact = fact[: fact.index("/")] if "/" in fact else fact
        bare = fact[0].removeprefix("!")
        if fact[1:2] and fact[1] in ("can", "kind", "has") or bare in ("wish", "wants", "dreamt"):
            return None
        if fact[0] == "near":
            state.put(roles[fact[1]], "floor", place)
        elif fact[0] == "free":
            for kind in state.held_by(roles[fact[1]]):
                state.put(kind, "floor", place)
        elif fact[1:3] == ("is", "whole"):
            kind = roles[fact[0]]
            if kind not in state.things:
                state.put(kind, "floor", place)
            state.things[kind].state = THINGS[kind].states[0]
        elif bare in ("at", "free"):
            return None
        else:
            try:
                state.apply([fact], roles)
            except (ValueError, KeyError):
                return None
    if not all(state.is_true(fact, roles) for fact in event.conditions):
        return None
    return roles
