"""The director: decides what happens next.

A tale is a wish, what stands in its way and how it is met or given up. The director stages it,
plans forward (`planner`), lets things go wrong, and plans again after everything a reader does.
What comes next is never written down anywhere: it follows from the state.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import cache

from storyworld.binding import bindings
from storyworld.event import CHARACTER_ROLES, FOREIGN_ROLES, THING_ROLES, Event, events
from storyworld.planner import Planner, Step
from storyworld.state import SKILLS, Fact, Person, State, Wish
from storyworld.texts import WishKind, wish_kinds
from storyworld.world import CHARACTERS, PLACES, THINGS

USUAL_SKILLS = 0.2
"""How likely somebody already has a skill when a story begins."""


@dataclass
class Director:
    """Stages tales and chooses events.

    Attributes:
        rng: The only source of chance.
        state: What is true now.
        hero: Whom the tale is about.
        cast: Everybody who may take part.
        has_wish: Whether a tale is under way.
        plan: Steps that fulfil it, as seen now.
        mishaps: How many things may still go wrong.
        tries: How many attempts may still fail.
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
    past: list[str] = field(default_factory=list)
    serves: bool = False
    """Whether the step that was chosen last is one of the plan."""
    incident: Step | None = None
    """The mishap with which the tale begins, when it begins with one."""

    @property
    def place(self) -> str:
        """Where the story is: where its hero is."""
        return self.state.people[self.hero].place

    @property
    def wish(self) -> Wish | None:
        """What the tale is about: the newest wish."""
        return self.state.wishes[-1] if self.has_wish else None

    @property
    def kind(self) -> WishKind | None:
        """The kind of the tale's wish."""
        return None if self.wish is None else wish_kinds()[self.wish.kind]

    # --- staging --------------------------------------------------------------------------------

    def stage(self, kind: str | None = None, most: int = 60) -> bool:
        """Set up a world and a wish in it; whether a plan for it was found."""
        kinds = sorted(wish_kinds())
        for attempt in range(most):
            # Each kind gets a dozen tries: otherwise those that are easily staged crowd out others.
            if attempt % 12 == 0:
                wanted = wish_kinds()[kind or self.rng.choice(kinds)]
            self.state = State(dark={"cave"})
            self._people()
            if not (self._stage_wish(wanted) and self._furnish() and self.replan()):
                continue
            # A wish that one step fulfils is a tale only where attempts may fail first.
            if len(self.plan) < 2 and not self._tries_here() and attempt % 12 < 6:
                continue
            self._rewind()
            return True
        return False

    def _tries_here(self) -> bool:
        """Whether something can be tried in vain before the plan."""
        groups = {step.event.group for step in self.plan}
        assert self.wish is not None
        things = {self.wish.roles[role] for role in "TU" if role in self.wish.roles}
        return any(
            step.event.group in groups or things & set(step.roles.values())
            for step in self.options(("try",), most=40)
        )

    def stage_next(self) -> bool:
        """Begin another tale in the same world: another wish, perhaps another hero."""
        here = self.state.people_in(self.place)
        self.hero = self.rng.choice(here)
        self.state.did.clear()
        old = {wish.kind for wish in self.state.wishes}
        kinds = [k for k in sorted(wish_kinds()) if k not in old]
        self.rng.shuffle(kinds)
        for name in kinds[:25]:
            saved = self.state
            self.state = saved.copy()
            for person in self.state.people.values():
                person.mood = "happy"
                person.feelings.clear()
            is_staged = self._stage_wish(wish_kinds()[name]) and self.replan()
            if is_staged and (len(self.plan) > 1 or self._tries_here()):
                self._rewind()
                return True
            self.state = saved
        return False

    def _people(self) -> None:
        rng = self.rng
        self.cast = rng.sample(sorted(CHARACTERS), rng.choices((2, 3, 4), (0.3, 0.45, 0.25))[0])
        self.hero = self.cast[0]
        place = rng.choice(sorted(PLACES))
        for index, who in enumerate(self.cast):
            together = index == 0 or rng.random() < 0.5
            where = place if together else rng.choice(sorted(PLACES))
            skills = {s for s in SKILLS if rng.random() < USUAL_SKILLS}
            self.state.people[who] = Person(where, skills=skills)
        for one in self.cast:
            for other in self.cast:
                if one < other and rng.random() < 0.9:
                    self.state.knows.add(frozenset((one, other)))
        self.state.time = rng.choices(("day", "dusk", "night"), (0.7, 0.18, 0.12))[0]
        weathers = (("clear", "wind", "rain", "snow"), (0.68, 0.14, 0.1, 0.08))
        self.state.weather = rng.choices(*weathers)[0]

    def _furnish(self) -> bool:
        """Put a few things into the world; all others are somewhere else."""
        rng = self.rng
        places = {person.place for person in self.state.people.values()}
        spare = [name for name in sorted(THINGS) if name not in self.state.things]
        usable = [n for n in spare if THINGS[n].carried != "never" and "alive" not in THINGS[n].can]
        for name in rng.sample(usable, rng.randint(1, 4)):
            place = rng.choice(sorted(places))
            holder = rng.choice([*self.state.people_in(place), ""])
            if holder and self.state.free_hands(holder):
                self.state.put(name, "holds", holder)
                if "precious" in THINGS[name].can:
                    self.state.things[name].owner = holder
            else:
                table = "table" in PLACES[place].has and rng.random() < 0.4
                self.state.put(name, "table" if table else "floor", place)
        return True

    def _stage_wish(self, kind: WishKind) -> bool:
        """Bind a wish's roles and make its conditions true."""
        roles = self._cast_wish(kind)
        if roles is None:
            return False
        for fact in kind.conditions:
            if self.state.is_true(fact, roles):
                continue
            if not self._stage_fact(fact, roles):
                return False
        if not all(self.state.is_true(fact, roles) for fact in kind.conditions):
            return False
        if all(self.state.is_true(fact, roles) for fact in kind.goal):
            return False
        thing = self.state.things.get(roles.get("T", ""))
        says_owner = any(fact[:2] in (("owner", "T"), ("!owner", "T")) for fact in kind.conditions)
        if (
            thing is not None
            and not thing.owner
            and "precious" in THINGS[roles["T"]].can
            and self.rng.random() < 0.5
            and not says_owner
        ):
            thing.owner = roles["A"]
        self.state.wishes.append(Wish(kind.name, roles))
        self.has_wish = True
        self.mishaps = self.rng.choices((0, 1, 2), (0.3, 0.5, 0.2))[0]
        self.tries = self.rng.choices((0, 1, 2, 3), (0.1, 0.4, 0.35, 0.15))[0]
        return True

    def _cast_wish(self, kind: WishKind) -> dict[str, str] | None:
        rng, roles = self.rng, {"A": self.hero}
        letters = [*kind.roles, *(w for f in kind.conditions for w in f if w == "P")]
        for role in dict.fromkeys(letters):
            if role in roles:
                continue
            if role in CHARACTER_ROLES:
                fits = [who for who in self.cast if who not in roles.values()]
                if not fits:
                    newcomer = rng.choice([w for w in CHARACTERS if w not in self.cast])
                    self.cast.append(newcomer)
                    self.state.people[newcomer] = Person(rng.choice(sorted(PLACES)))
                    fits = [newcomer]
            elif role in THING_ROLES:
                asked = [f for f in kind.conditions if f[0] == role and f[1] in ("can", "kind")]
                asked += [
                    (role, "can", "precious")
                    for f in kind.conditions
                    if f[0] in ("owner", "holds") and role in f and not asked and rng.random() < 0.8
                ]
                denied = [
                    f for f in kind.conditions if f[0] == "!" + role and f[1] in ("can", "kind")
                ]
                states = [f[2] for f in kind.conditions if f[0] == role and f[1] == "is"]
                fits = [
                    name
                    for name in sorted(THINGS)
                    if all(self.state.is_true(f, {role: name}) for f in (*asked, *denied))
                    and all(s in (*THINGS[name].states, "whole") for s in states)
                    and (kind.conditions == () or THINGS[name].carried != "never" or asked)
                ]
            elif role == "P":
                roles["P"] = self.place
                continue
            elif role == "Q":
                fits = [name for name in sorted(PLACES) if name != self.place]
            else:
                return None
            if not fits:
                return None
            roles[role] = rng.choice(fits)
        return roles

    def _stage_fact(self, fact: Fact, roles: Mapping[str, str]) -> bool:
        """Make a condition of a wish true in a world that is only being set up."""
        if "/" in fact:
            fact = fact[: fact.index("/")]
        if fact[1:2] and fact[1] in ("can", "kind", "has"):
            if fact[1] != "has" or fact[0].startswith("!") or roles.get(fact[0]) != self.place:
                return False
            fits = [p for p in sorted(PLACES) if fact[2] in PLACES[p].has]
            place, old = self.rng.choice(fits), self.place
            for person in self.state.people.values():
                if person.place == old:
                    person.place = place
            assert isinstance(roles, dict)
            roles["P"] = place
            return True
        if fact[1:2] == ("is",):
            kind = roles[fact[0]]
            if kind not in self.state.things:
                self.state.put(kind, "floor", self.place)
            if fact[2] == "whole":
                self.state.things[kind].state = THINGS[kind].states[0]
                return True
        if fact[0] == "near":
            self.state.put(roles[fact[1]], "floor", roles[fact[2]])
            return True
        if fact[0] == "!near":
            self.state.put(roles[fact[1]], "away", "")
            return True
        if fact[0] == "!at":
            elsewhere = [p for p in sorted(PLACES) if p != roles[fact[2]]]
            self.state.people[roles[fact[1]]].place = self.rng.choice(elsewhere)
            return True
        if fact[0] in ("free", "!free", "wants", "wish", "!wants"):
            return False
        try:
            self.state.apply([fact], roles)
        except (ValueError, KeyError):
            return False
        return True

    def _rewind(self) -> None:
        """Perhaps begin a step earlier: before the mishap that brought the tale about."""
        self.incident = None
        if self.wish is None or self.rng.random() < 0.25:
            return
        roles, kind = self.wish.roles, self.kind
        assert kind is not None
        thing = roles.get("T", "")
        if thing not in self.state.things:
            return
        now = self.state.things[thing]
        if now.where not in ("high", "sky", "water", "hidden") and now.state != "broken":
            return
        earlier = self.state.copy()
        earlier.put(thing, "holds", self.hero)
        earlier.things[thing].state = THINGS[thing].states[0]
        earlier.people[self.hero].mood = "happy"
        found = [e for e in events().values() if "mishap" in e.tags]
        self.rng.shuffle(found)
        for event in found:
            given = {"P": earlier.people[self.hero].place}
            for bound in bindings(event, earlier, given, self.rng, most=4):
                if bound.get("A") != self.hero or thing not in bound.values():
                    continue
                after = earlier.copy()
                after.apply(event.effects, bound)
                same = after.things[thing]
                if (same.where, same.at, same.state) == (now.where, now.at, now.state):
                    self.incident = Step(event, bound)
                    self.state = earlier
                    return

    # --- choosing -------------------------------------------------------------------------------

    def replan(self) -> bool:
        """Look for a way to fulfil the wish from here."""
        self.plan = []
        if self.wish is None or self.kind is None:
            return False
        planner = Planner(self.rng, self.cast)
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
        """How far a plan strays: its length, needless ways, things that happen elsewhere."""
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
        """Whether the wish has come true."""
        if self.wish is None or self.kind is None:
            return False
        return all(self.state.is_true(fact, self.wish.roles) for fact in self.kind.goal)

    def plan_holds(self) -> bool:
        """Whether the plan still leads to the wish from the present state."""
        if not self.plan or self.kind is None or self.wish is None:
            return False
        sim = self.state.copy()
        for step in self.plan:
            if not step.can_happen(sim):
                return False
            step.apply(sim)
        return all(sim.is_true(fact, self.wish.roles) for fact in self.kind.goal)

    def happen(self, step: Step) -> None:
        """Let an event happen; who took part comes out and down, unless it says otherwise."""
        placed = {fact[1] for fact in step.event.effects if fact[0] == "spot"}
        for role, who in step.roles.items():
            person = self.state.people.get(who)
            if person is not None and role not in placed and person.spot in ("behind", "shoulders"):
                person.spot = "floor"
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
        """Events with one of these tags that can happen here and now, in random order.

        Args:
            tags: One of these, or any event where it is empty.
            without: None of these.
            about: Only events in which one of these takes part.
            most: Ends the search.
            place: Where; where the hero is by default.
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
            and not set(event.roles) & set(FOREIGN_ROLES)
        ]
        self.rng.shuffle(names)
        names.sort(key=lambda event: self.past.count(event.name))
        for event in names:
            for bound in bindings(event, self.state, {"P": place or self.place}, self.rng, most=3):
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
        """What happens next; None where nothing leads to the wish any more.

        Attempts that fail and mishaps come first, as long as the tale may have some; both are about
        the wish: its thing, or the same kind of doing as the plan.
        """
        rng = self.rng
        self.serves = False
        assert self.wish is not None
        if not self.plan_holds() and not self.replan():
            return None
        thing = [self.wish.roles[role] for role in "TU" if role in self.wish.roles]
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
        """A step that leaves the wish open and possible.

        Args:
            tags: The event has one of these.
            about: It concerns one of these …
            groups: … or is of one of these groups.
            answers: Instead of all that: it answers something out of the ordinary (somebody hurt,
                hidden, cross, sad, who has promised something …).
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

    def force(self, event: Event, state: State) -> dict[str, str] | None:
        """Bind an event to anybody and anything and make its conditions true in `state`.

        Returns:
            The roles, or None where the conditions contradict each other.
        """
        rng, place = self.rng, self.place
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
                        state.is_true(f, {role: kind})
                        for f in types
                        if f[0].removeprefix("!") == role
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
                if who not in self.cast:
                    self.cast.append(who)
        for fact in event.conditions:
            if state.is_true(fact, roles):
                continue
            fact = fact[: fact.index("/")] if "/" in fact else fact
            bare = fact[0].removeprefix("!")
            if fact[1:2] and fact[1] in ("can", "kind", "has") or bare in ("wish", "wants"):
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

    def ending(self) -> Step | None:
        """How the tale is celebrated."""
        found = self.options(("end",), about=self.state.people_in(self.place), most=12)
        # What is written for the end of a tale, not every moment that could be one.
        found = [s for s in found if s.event.group in ("end", "celebrate", "party")] or found
        found = [s for s in found if s.event.name not in self.past] or found
        assert self.wish is not None
        found = [s for s in found if self.wish.owner in s.roles.values()] or found
        here = set(self.state.people_in(self.place))
        most = max((len(here & set(s.roles.values())) for s in found), default=0)
        found = [s for s in found if len(here & set(s.roles.values())) >= min(most, 2)]
        return self.rng.choice(found) if found else None

    def ways(self, count: int) -> Iterator[Step]:
        """Different next events from here, for true branches: no two of one group."""
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
def _answers_trouble(event: Event) -> bool:
    """Whether an event answers somebody's trouble: it can happen only where there is one."""
    return any(
        fact[0] in _UNUSUAL or (fact[0] == "mood" and set(fact) & _UNHAPPY)
        for fact in event.conditions
        if not fact[0].startswith("!")
    )
