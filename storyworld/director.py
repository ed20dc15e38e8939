"""The director: chooses the next event.

A tale is a wish, its obstacles, and how it is met or given up. Once it is staged (`staging`), the
director plans (`planner`), lets things go wrong, and plans again after everything a reader does. No
sequence of events is written down anywhere: each one follows from the state.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass, field
from functools import cache

from storyworld.binding import bindings
from storyworld.event import FOREIGN_ROLES, Event, events
from storyworld.planner import Planner, Step
from storyworld.state import State, Wish
from storyworld.texts import WishKind, wish_kinds
from storyworld.world import PLACES, THINGS


@dataclass
class Director:
    """Chooses events for a tale.

    Attributes:
        rng: The only source of chance.
        state: The present state.
        hero: The main character of the tale.
        cast: Everybody who may take part.
        has_wish: Whether a tale is under way.
        plan: Steps that fulfil the wish, as planned now.
        mishaps: Number of mishaps that may still happen.
        tries: Number of attempts that may still fail.
        traces: Number of traces and rumours of foreign words that may still come.
        past: Names of the events so far.
    """

    rng: random.Random
    state: State = field(default_factory=State)
    hero: str = ""
    cast: list[str] = field(default_factory=list)
    has_wish: bool = False
    plan: list[Step] = field(default_factory=list)
    mishaps: int = 1
    tries: int = 1
    traces: int = 0
    past: list[str] = field(default_factory=list)
    serves: bool = False
    """Whether the step chosen last is one of the plan."""
    new_word: Callable[[str], str] | None = None
    """Returns a word for a foreign role: somebody, something or a place that no image shows."""
    test: bool = False
    """Whether wishes are those that training never sees."""
    incident: Step | None = None
    """The mishap with which the tale begins, if it begins with one."""

    @property
    def place(self) -> str:
        """The place of the story, which is the hero's."""
        return self.state.people[self.hero].place

    @property
    def wish(self) -> Wish | None:
        """The wish of the tale: the newest one."""
        return self.state.wishes[-1] if self.has_wish else None

    @property
    def kind(self) -> WishKind | None:
        """The kind of the tale's wish."""
        return None if self.wish is None else wish_kinds()[self.wish.kind]

    @property
    def foreign(self) -> dict[str, str]:
        """The foreign words of the wish, by role."""
        roles = {} if self.wish is None else self.wish.roles
        return {role: word for role, word in roles.items() if role in FOREIGN_ROLES}

    def replan(self) -> bool:
        """Plan from here how to fulfil the wish; return whether there is a plan."""
        self.plan = []
        if self.wish is None or self.kind is None:
            return False
        # A character whom a dream brought in is gone when the dream is over.
        planner = Planner(self.rng, [who for who in self.cast if who in self.state.people])
        found: list[list[Step]] = []
        for attempt in range(4):
            planner.shortest = attempt % 2 == 0
            steps = planner.plan(self.kind.goal, self.wish.roles, self.state)
            if steps:
                found.append(steps)
        if not found:
            return False
        self.plan = min(found, key=lambda steps: self._detours(steps) + self.rng.random() * 2)
        return True

    def _detours(self, steps: Sequence[Step]) -> float:
        """Return a plan's cost: its length, steps beside the wish, needless moves, other places."""
        assert self.wish is not None
        about = {*self.wish.roles.values(), self.hero}
        sim, cost = self.state.copy(), 0.0
        for step in steps:
            cost += 1
            if not about & (set(step.roles.values()) - set(PLACES)):
                cost += 1
            if "move" in step.event.tags and step.roles.get("Q") not in self.wish.roles.values():
                cost += 1
            if step.roles["P"] != sim.people[self.hero].place:
                cost += 2
            step.apply(sim)
        return cost

    def is_met(self) -> bool:
        """Return whether the wish has come true."""
        if self.wish is None or self.kind is None:
            return False
        return all(self.state.is_true(fact, self.wish.roles) for fact in self.kind.goal)

    def plan_holds(self) -> bool:
        """Return whether the plan still fulfils the wish from the present state."""
        if not self.plan or self.kind is None or self.wish is None:
            return False
        sim = self.state.copy()
        for step in self.plan:
            if not step.can_happen(sim):
                return False
            step.apply(sim)
        return all(sim.is_true(fact, self.wish.roles) for fact in self.kind.goal)

    def happen(self, step: Step) -> None:
        """Apply an event and note that it happened."""
        step.apply(self.state)
        self.past.append(step.event.name)

    def options(
        self,
        tags: Sequence[str],
        *,
        without: Sequence[str] = (),
        about: Sequence[str] = (),
        most: int = 6,
        place: str | None = None,
        accept: Callable[[Event], bool] | None = None,
    ) -> list[Step]:
        """Yield events that can happen here and now, in random order.

        Args:
            tags: Only events with one of these tags; empty takes any.
            without: Only events with none of these tags.
            about: Only events in which one of these takes part.
            most: Number of events at most.
            place: Place of the events; by default the hero's.
            accept: Only events for which this is true.
        """
        found: list[Step] = []
        names = [
            event
            for event in events().values()
            if (not tags or event.tags & set(tags))
            and not event.tags & set(without)
            and ("kindly" in tags or "kindly" not in event.tags)
            and (accept is None or accept(event))
            and set(event.roles) & set(FOREIGN_ROLES) <= self.foreign.keys()
        ]
        self.rng.shuffle(names)
        names.sort(key=lambda event: self.past.count(event.name))
        for event in names:
            given = {role: word for role, word in self.foreign.items() if role in event.roles}
            given["P"] = place or self.place
            for bound in bindings(event, self.state, given, self.rng, most=3):
                if about and not set(about) & set(bound.values()):
                    continue
                if "Q" in bound and self.rng.random() < 0.5:
                    continue
                found.append(Step(event, bound))
                break
            if len(found) >= most:
                break
        return found

    def next_step(self) -> Step | None:
        """Return the next step; None if nothing leads to the wish any more.

        Failing attempts and mishaps come first, as long as the tale may have some; both concern the
        wish: its thing, or an event group of the plan.
        """
        rng = self.rng
        self.serves = False
        assert self.wish is not None
        if not self.plan_holds() and not self.replan():
            return None
        thing = [self.wish.roles[role] for role in "TUXYZ" if role in self.wish.roles]
        groups = {step.event.group for step in self.plan}
        short = len(self.plan) < 2
        if self.tries and rng.random() < (0.75 if short else 0.5):
            self.tries -= 1
            step = self._pick(("try",), thing, groups)
            if step:
                return step
        if self.mishaps and rng.random() < 0.35:
            self.mishaps -= 1
            partners = [self.wish.roles[role] for role in "B" if role in self.wish.roles]
            step = self._pick(("mishap",), thing or partners, groups)
            if step:
                return step
        if self.traces and rng.random() < 0.8:
            self.traces -= 1
            step = self._pick(("foreign",), list(self.foreign.values()))
            if step:
                return step
        if rng.random() < 0.3:
            step = self._pick((), answers=True)
            if step:
                return step
        if rng.random() < 0.05:
            step = self._pick(("calm", "big"), [self.hero])
            if step:
                return step
        if not self.plan_holds() and not self.replan():
            return None
        self.serves = True
        return self.plan.pop(0)

    def _pick(
        self,
        tags: Sequence[str],
        about: Sequence[str] = (),
        groups: Set[str] = frozenset(),
        *,
        answers: bool = False,
    ) -> Step | None:
        """Return a step that leaves the wish open and possible.

        Args:
            tags: The event has one of these tags.
            about: It concerns one of these …
            groups: … or is of one of these groups.
            answers: Instead of these: the event answers somebody's trouble (hurt, hidden, cross,
                sad, bound by a promise …).
        """
        without = ["reader", "end"] + (["begin"] if "mishap" in tags else [])
        if answers:
            without = ["reader", "end", "begin", "mishap", "try"]
        looked_at = 0
        accept = _answers_trouble if answers else None
        for step in self.options(tags, without=without, most=40, accept=accept):
            entities = set(step.roles.values())
            has_thing = bool(entities & set(THINGS))
            alike = step.event.group in groups and not (has_thing and set(about) & set(THINGS))
            if not answers and not set(about) & entities and not alike:
                continue
            if step.event.name in self.past[-12:]:
                continue
            looked_at += 1
            if looked_at > 3:
                break
            sim = self.state.copy()
            step.apply(sim)
            saved, plan = self.state, self.plan
            self.state = sim
            fine = not self.is_met() and (self.plan_holds() or self.replan())
            self.state = saved
            self.plan = plan
            if fine:
                return step
        return None

    def promise_to_keep(self) -> Step | None:
        """Return a step in which somebody here keeps an open promise, before the tale ends."""
        found = self.options(("solve",), accept=_keeps_a_promise, most=1)
        return found[0] if found else None

    def ending(self) -> Step | None:
        """Return a step that celebrates the tale's end."""
        found = self.options(("end",), about=self.state.people_in(self.place), most=12)
        # Only events written for the end of a tale, not all that could happen there.
        found = [s for s in found if s.event.group in ("end", "celebrate", "party")] or found
        found = [s for s in found if s.event.name not in self.past] or found
        assert self.wish is not None
        found = [s for s in found if self.wish.owner in s.roles.values()] or found
        found = [s for s in found if s.roles.get("A") == self.wish.owner] or found
        here = set(self.state.people_in(self.place))
        most = max((len(here & set(s.roles.values())) for s in found), default=0)
        found = [s for s in found if len(here & set(s.roles.values())) >= min(most, 2)]
        return self.rng.choice(found) if found else None

    def ways(self, count: int) -> Iterator[Step]:
        """Yield different next events for branches: no two of one group."""
        groups: set[str] = set()
        candidates = self.options((), without=("reader", "end", "begin"), most=30)
        for step in candidates:
            if step.event.group in groups:
                continue
            groups.add(step.event.group)
            yield step
            if len(groups) == count:
                return


_UNUSUAL = frozenset(("feels", "promised", "cross", "spot", "dark"))
_UNHAPPY = frozenset(("sad", "scared", "cross"))


@cache
def _keeps_a_promise(event: Event) -> bool:
    return any(fact[0] == "!promised" for fact in event.effects)


@cache
def _answers_trouble(event: Event) -> bool:
    """Return whether an event answers somebody's trouble, which its conditions ask for."""
    return any(
        fact[0] in _UNUSUAL or (fact[0] == "mood" and set(fact) & _UNHAPPY)
        for fact in event.conditions
        if not fact[0].startswith("!")
    )
