"""Plans: chains of events that make a wish come true.

Backward chaining over the events' effects: to make a fact true, take an event that has it among its
effects, bind its roles, and make its own conditions true first. Chance chooses among the events, so
that the same wish is fulfilled differently each time.

Source: goals and plans of characters as in TALE-SPIN (Meehan, IJCAI 1977).
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from storyworld.event import CHARACTER_ROLES, FOREIGN_ROLES, ROLES, THING_ROLES, Event, events
from storyworld.state import REACHED, Fact, State
from storyworld.world import CHARACTERS, PLACES, THINGS

DEPTH = 3
"""Longest chain of steps that prepare each other."""
WIDTH = 8
"""Events that are tried at most to make one fact true."""
BUDGET = 70
"""Steps that are tried at most for a plan of one depth."""
_ENTITIES = frozenset((*CHARACTERS, *THINGS, *PLACES))
_TYPES = frozenset(("can", "kind", "has"))
_NEVER = frozenset(("mishap", "try", "reader", "end", "begin", "kindly"))


@dataclass(frozen=True)
class Step:
    """An event to happen, with its roles bound."""

    event: Event
    roles: Mapping[str, str]

    def __deepcopy__(self, memo: object) -> Step:
        """Return the step itself: it is immutable, so copies may share it."""
        return self

    def can_happen(self, state: State) -> bool:
        """Return whether all of its conditions hold."""
        return all(state.is_true(fact, self.roles) for fact in self.event.conditions)

    def apply(self, state: State) -> None:
        """Apply it; its characters leave hiders and shoulders unless the event says otherwise."""
        placed = {fact[1] for fact in self.event.effects if fact[0] == "spot"}
        for role, who in self.roles.items():
            person = state.people.get(who)
            if person is not None and role not in placed and person.spot in ("behind", "shoulders"):
                person.spot = "floor"
        state.apply(self.event.effects, self.roles)


@cache
def _ways() -> dict[tuple[str | None, ...], list[tuple[Event, Fact]]]:
    """Return events by the form of the facts that they can make true."""
    found: dict[tuple[str | None, ...], list[tuple[Event, Fact]]] = defaultdict(list)
    for event in events().values():
        foreign = set(event.roles) & set(FOREIGN_ROLES)
        if event.tags & _NEVER or len(foreign) > 1:
            continue
        for fact in event.effects:
            # Foreign words enter a plan only through the wish.
            if foreign and fact[0] not in REACHED:
                continue
            found[_form(fact)].append((event, fact))
    return found


def _form(fact: Fact) -> tuple[str | None, ...]:
    """Return a fact without its roles: the part that effect and wanted fact must share."""
    if fact[0] in REACHED:
        return (fact[0], None, None)
    return tuple(
        None if (len(word) == 1 and word.isupper()) or word in _ENTITIES else word for word in fact
    )


@cache
def _type_facts(conditions: tuple[Fact, ...]) -> Mapping[str, list[Fact]]:
    """Return the conditions on the kinds of an event's things and places, by role."""
    types: dict[str, list[Fact]] = {role: [] for role in ROLES}
    for fact in conditions:
        if len(fact) > 1 and fact[1] in _TYPES and "/" not in fact:
            types[fact[0].removeprefix("!")].append(fact)
    return types


@cache
def _open_places(effect: Fact) -> tuple[int, ...]:
    """Return the positions of an effect's roles."""
    return tuple(i for i, word in enumerate(effect) if len(word) == 1 and word.isupper())


def _unify(effect: Fact, wanted: Fact) -> dict[str, str] | None:
    """Return the roles that make the effect the wanted fact, whose own roles are replaced."""
    if len(effect) != len(wanted):
        return None
    places = _open_places(effect)
    for index, word in enumerate(effect):
        if index not in places and word != wanted[index]:
            return None
    roles: dict[str, str] = {}
    for index in places:
        if roles.setdefault(effect[index], wanted[index]) != wanted[index]:
            return None
    return roles if len(set(roles.values())) == len(roles) else None


class Planner:
    """Finds plans in one world.

    Args:
        rng: Chooses among events.
        cast: Characters who may take part.
    """

    def __init__(self, rng: random.Random, cast: Sequence[str]) -> None:
        self.rng = rng
        self.cast = list(cast)
        self.shortest = True
        """Whether to find the shortest plan, or any."""
        self._tried = 0

    def plan(
        self, goal: Iterable[Fact], roles: Mapping[str, str], state: State
    ) -> list[Step] | None:
        """Return events that make all facts of a goal true, in order; None without a plan."""
        for depth in range(1 if self.shortest else 2, DEPTH + 1):
            self._tried = 0
            steps = self._plan_within(goal, roles, state, depth)
            if steps is not None:
                return steps
        return None

    def _plan_within(
        self, goal: Iterable[Fact], roles: Mapping[str, str], state: State, depth: int
    ) -> list[Step] | None:
        sim, steps = state.copy(), list[Step]()
        for fact in goal:
            if sim.is_true(fact, roles):
                continue
            wanted = tuple(roles.get(word, word) for word in self._one_of(fact))
            part = self._achieve(wanted, sim, depth, frozenset())
            if part is None:
                return None
            steps += part
        final = state.copy()
        for step in steps:
            if not step.can_happen(final):
                return None
            step.apply(final)
        return steps if all(final.is_true(fact, roles) for fact in goal) else None

    def _achieve(
        self, wanted: Fact, sim: State, depth: int, above: frozenset[Fact]
    ) -> list[Step] | None:
        """Make one fact true in `sim` and return how; `sim` is left unchanged on failure."""
        if sim.is_true(wanted, {}):
            return []
        if depth == 0 or wanted in above or self._tried > BUDGET:
            return None
        options: list[tuple[Event, dict[str, str]]] = []
        wanted_heads = [wanted]
        if wanted[1:3] == ("is", "whole") and wanted[0] in THINGS:
            wanted_heads = [(wanted[0], "is", THINGS[wanted[0]].states[0])]
            wanted_heads += [(wanted[0], "is", "whole")]
        if wanted[0] == "near":
            wanted_heads = [("floor", wanted[1], wanted[2])]
            wanted_heads += [("holds", who, wanted[1]) for who in sim.people_in(wanted[2])]
        if wanted[0] == "free":
            wanted_heads = [
                ("floor", t, sim.people[wanted[1]].place) for t in sim.held_by(wanted[1])
            ]
        if wanted[0] == "at" and wanted[1] in sim.people:
            start = sim.people[wanted[1]].place
            options += [
                (event, {"P": start, "Q": wanted[2]})
                for event, effect in _ways().get(("all", None), [])
                if effect == ("all", "Q")
            ]
        for head in wanted_heads:
            for event, effect in _ways().get(_form(head), []):
                roles = _unify(effect, head)
                if roles is not None:
                    options.append((event, roles))
        self.rng.shuffle(options)
        for event, roles in options[:WIDTH]:
            for bound in self._bind(event, roles, sim):
                self._tried += 1
                if self._hopeless(event, bound, sim, depth):
                    continue
                trial = sim.copy()
                steps = self._prepare(event, bound, trial, depth, above | {wanted})
                if steps is None:
                    continue
                step = Step(event, bound)
                step.apply(trial)
                if not trial.is_true(wanted, {}):
                    continue
                sim.__dict__.update(trial.__dict__)
                return [*steps, step]
        return None

    def _hopeless(self, event: Event, roles: dict[str, str], sim: State, depth: int) -> bool:
        """Return whether a condition fails that cannot be prepared any more."""
        if depth > 1:
            return False
        return not all(sim.is_true(fact, roles) for fact in event.conditions)

    def _prepare(
        self, event: Event, roles: dict[str, str], trial: State, depth: int, above: frozenset[Fact]
    ) -> list[Step] | None:
        steps: list[Step] = []
        for fact in event.conditions:
            if trial.is_true(fact, roles):
                continue
            if fact[1:2] and fact[1] in _TYPES:
                return None
            wanted = tuple(roles.get(word, word) for word in self._one_of(fact))
            part = self._achieve(wanted, trial, depth - 1, above)
            if part is None:
                return None
            steps += part
        # A later preparation may have undone an earlier one.
        if not all(trial.is_true(fact, roles) for fact in event.conditions):
            return None
        return steps

    def _one_of(self, fact: Fact) -> Fact:
        """Return one side of a fact that offers several."""
        sides: list[list[str]] = [[]]
        for word in fact:
            if word == "/":
                sides.append([])
            else:
                sides[-1].append(word)
        return tuple(self.rng.choice(sides))

    def _bind(self, event: Event, given: Mapping[str, str], sim: State) -> Iterable[dict[str, str]]:
        """Return a few bindings of the other roles, which respect the kinds of things."""
        types = _type_facts(event.conditions)
        for role, entity in given.items():
            if not all(sim.is_true(fact, {role: entity}) for fact in types[role]):
                return
        open_roles = [role for role in event.roles if role not in given]
        for _ in range(3):
            roles = dict(given)
            for role in open_roles:
                fits = [
                    entity
                    for entity in self._candidates(role, roles, sim, event)
                    if entity not in roles.values()
                    and all(sim.is_true(fact, {role: entity}) for fact in types[role])
                ]
                if not fits:
                    break
                roles[role] = self._prefer(role, fits, roles, sim, event)
            else:
                roles.setdefault("P", self._place(event, roles, sim))
                if all(sim.is_true(fact, {"P": roles["P"]}) for fact in types["P"]):
                    yield roles

    def _candidates(
        self, role: str, roles: Mapping[str, str], sim: State, event: Event
    ) -> Iterable[str]:
        if role in CHARACTER_ROLES:
            return self.cast
        if role in THING_ROLES and {("away", role), ("gone", role)} & set(event.conditions):
            return [kind for kind in THINGS if kind not in sim.things]
        if role in THING_ROLES:
            return [kind for kind, item in sim.things.items() if item.where != "gone"]
        if role == "P":
            return [self._place(event, roles, sim)]
        return list(PLACES)

    def _place(self, event: Event, roles: Mapping[str, str], sim: State) -> str:
        """Return the place of an event: that of its first character, or of its first thing."""
        for role in event.roles:
            if role in THING_ROLES and role in roles:
                item = sim.things.get(roles[role])
                if item is not None and item.where in ("high", "water", "sky", "hidden", "table"):
                    return item.at
        for role in event.roles:
            if role in CHARACTER_ROLES and role in roles and roles[role] in sim.people:
                return sim.people[roles[role]].place
        return self.rng.choice(list(PLACES))

    def _prefer(
        self, role: str, fits: list[str], roles: Mapping[str, str], sim: State, event: Event
    ) -> str:
        """Return mostly a candidate that already fulfils the event's conditions."""
        asked = [
            fact
            for fact in event.conditions
            if role in fact
            and set(w for w in fact if len(w) == 1 and w.isupper()) <= {*roles, role}
        ]
        scored = [
            (
                sum(sim.is_true(fact, {**roles, role: entity}) for fact in asked),
                self.rng.random(),
                entity,
            )
            for entity in fits
        ]
        scored.sort(reverse=True)
        # Now and then something else, so that plans differ.
        return scored[0][2] if self.rng.random() < 0.8 else self.rng.choice(scored)[2]
