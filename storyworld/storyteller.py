"""Write one story, panel by panel: the director's events, told and shown.

A reader may take part (`interventions`): their deeds change the state, the panel continues their
words, and the director plans again.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from storyworld.director import Director
from storyworld.event import Event
from storyworld.interventions import opening_panel, reader_panel
from storyworld.language.pattern import FillSlot, Slot, sentence, tidy
from storyworld.naming import Namer
from storyworld.planner import Step
from storyworld.readers import Reader
from storyworld.scene import Scene
from storyworld.state import State
from storyworld.teller import PanelDraft, Teller, join
from storyworld.texts import text_lists, wants
from storyworld.wordlists import foreign_person, foreign_place, foreign_thing
from storyworld.world import PLACES, THINGS

THE_END = "The end."


@dataclass(frozen=True)
class Panel:
    """One panel.

    Attributes:
        text: The caption.
        scene: Scene of its image.
        reader_text: The beginning of the caption that a reader wrote, or ''.
        hint: A reader's hint beside the text, or ''.
        event: Name of its event.
        roles: Roles of its event.
    """

    text: str
    scene: Scene
    reader_text: str = ""
    hint: str = ""
    event: str = ""
    roles: Mapping[str, str] = field(default_factory=dict)


def _leaves_the_hour(event: Event) -> bool:
    """Return whether an event keeps hour and weather."""
    return not any(fact[0] in ("time", "weather") for fact in event.effects)


class Storyteller:
    """Writes one story, panel by panel."""

    def __init__(self, rng: random.Random, *, test: bool = False, reader_share: float = 0.0):
        self.rng = rng
        self.test = test
        self.reader_share = reader_share
        self.director = Director(rng, new_word=self.new_word, test=test)
        self.namer = Namer(rng)
        self.teller = Teller(rng, self.namer)
        self.reader = Reader(rng, self.namer, test=test)
        self.panels: list[Panel] = []
        self.foreign_roles: dict[str, str] = {}
        self.deed: Step | None = None
        """The reader's last deed, until a panel of the narrator's has answered it."""
        self.wish_told = False
        """Whether this tale has told its wish."""

    @property
    def state(self) -> State:
        """The present state."""
        return self.director.state

    def new_word(self, role: str) -> str:
        """Return a word for a person (X), thing (Y) or place (Z) that no image can show."""
        make = {"X": foreign_person, "Y": foreign_thing, "Z": foreign_place}[role]
        foreign = make(self.rng, self.test)
        while foreign.pronoun == "they":  # the wishes speak of one
            foreign = make(self.rng, self.test)
        self.namer.foreign[foreign.noun] = foreign
        return foreign.noun

    # --- panels ---------------------------------------------------------------------------------

    def add(self, draft: PanelDraft, roles: Mapping[str, str], event: Event | None) -> None:
        """Append a panel and describe its scene."""
        director = self.director
        show = {}
        if event is not None:
            for role, words in event.show.items():
                if role in roles:
                    show[roles[role]] = words
            if "move" in event.tags:
                for who in roles.values():
                    show.setdefault(who, ("walk",))
        self.namer.in_order(draft.text)
        scene = self.teller.scene(
            *(self.state, self.panel_place(self.namer.people), show),
            close=event is not None and event.close,
            hero=director.hero,
        )
        self.panels.append(
            Panel(draft.text, scene, draft.reader_text, draft.hint, draft.event, dict(roles))
        )

    def panel_place(self, entities: Iterable[str]) -> str:
        """Return the place of a panel: the hero's, or that of all characters it tells of."""
        places = [self.state.people[who].place for who in entities if who in self.state.people]
        at_home = not places or self.director.place in places
        return self.director.place if at_home else places[0]

    def tell_step(self, step: Step, *, serves: bool = False) -> None:
        """Tell an event in a panel of its own; `serves` says that it is a step towards the wish."""
        before = self.state.copy()
        place = self.director.place
        self.director.happen(step)
        self.remember(step, before)
        self.namer.new_panel()
        here = self.panel_place(step.roles.values())
        opening, first = self.opening(before, place), ""
        if self.deed is not None:
            deed, self.deed = self.deed, None
            opening, first = self._answer(deed, step)
        elif here != self.director.place:
            elsewhere = self.teller.choose(text_lists("openings")["elsewhere"], step.roles)
            opening = self.teller.read_out(elsewhere, step.roles, self.state) if elsewhere else ""
        elif not opening and serves and self._has_purpose(step) and self.rng.random() < 0.35:
            opening = self._purpose(step)
        draft = self.teller.tell(
            *(step.event, step.roles, before, self.state, here), opening=opening, brief=bool(first)
        )
        if first:
            draft.parts.insert(0, first)
        self.add(draft, step.roles, step.event)

    def _has_purpose(self, step: Step) -> bool:
        """Return whether a step can be told as done for the wish."""
        assert self.director.wish is not None
        is_own = step.roles.get("A") == self.director.wish.owner
        comes = "move" in step.event.tags or step.event.group in ("come", "visit", "see")
        return is_own or not (comes or "foreign" in step.event.tags)

    def _purpose(self, step: Step) -> str:
        """Return a prefix that names the purpose of a step."""
        roles, subject = self.wish_roles(), step.roles.get("A", "")
        assert self.director.wish is not None
        heading = "purpose" if subject == roles["A"] else "purpose-other"
        words = wants()[self.director.wish.kind].want
        # "To get it back, up went the ladder" would dangle.
        causes = [
            p
            for p in text_lists("purposes")[heading]
            if p.source.startswith(("Because", "Since", "As ", "Now that"))
        ]
        want, pattern = self.teller.choose(words, roles), self.teller.choose(causes, roles)
        if want is None or pattern is None:
            return ""

        def fill(slot: Slot) -> str:
            if slot.role == "want":
                return tidy(want.expand(self.rng, self._filler(roles), str))
            return self.namer.fill(slot, roles, self.state)

        return pattern.expand(self.rng, fill, str)

    def _filler(self, roles: Mapping[str, str]) -> FillSlot:
        return lambda slot: self.namer.fill(slot, roles, self.state)

    def remember(self, step: Step, before: State) -> None:
        """Keep an event as the cause of every mood that it changed."""
        if any(fact[0] == "dreamt" for fact in step.event.effects):
            # An event that did not happen is no cause.
            self.teller.causes.clear()
        for who, person in self.state.people.items():
            if who not in before.people or before.people[who].mood != person.mood:
                self.teller.causes[who] = (step.event, step.roles)

    def wish_roles(self) -> dict[str, str]:
        """Return the roles of the tale's wish, and the story's place as `P`."""
        wish = self.director.wish
        assert wish is not None
        return {"P": self.director.place, **wish.roles}

    def opening(self, before: State, place: str) -> str:
        """Return a prefix for a sentence: where, when, why, or simply later."""
        rng, lists = self.rng, text_lists("openings")
        if self.director.place != place or rng.random() > 0.2:
            return ""
        heading = "later"
        pattern = self.teller.choose(lists.get(heading, ()), {"P": self.director.place})
        if pattern is None or any(slot.role == "why" for slot in pattern.slots):
            return ""
        return self.teller.read_out(pattern, {"P": self.director.place}, self.state)

    def _answer(self, deed: Step, next_event: Step) -> tuple[str, str]:
        """Return the answer to the reader's last deed: a prefix, or a sentence of its own.

        The deed is told as the reason of the next event only if both concern the same thing or
        person; otherwise somebody who is there shows a feeling about it, with its cause.
        """
        rng, teller, state = self.rng, self.teller, self.state
        shared = set(deed.roles.values()) & set(next_event.roles.values()) - set(PLACES)
        if deed.event.why and shared & set(THINGS) and rng.random() < 0.6:
            reason = teller.choose(deed.event.why, deed.roles)
            pattern = teller.choose(text_lists("openings").get("because", ()), {})
            if reason is not None and pattern is not None:
                why = tidy(teller.read_out(reason, deed.roles, state))
                return teller.read_out(pattern, {}, state, why), ""
        here = state.people_in(self.director.place)
        moved = [who for who in here if teller.causes.get(who, (None,))[0] is deed.event]
        if not moved or not deed.event.why:
            return "", ""
        return "", teller.reaction(rng.choice(moved), state, with_why=True)

    # --- parts of a tale ------------------------------------------------------------------------

    def begin(self, *, first: bool) -> None:
        """Tell the first panel: who, where, when, and a first deed."""
        director, rng = self.director, self.rng
        self.namer.new_panel()
        # Foreign words are mostly brought in by a reader.
        share = (4 if director.foreign else 2) * self.reader_share
        if first and rng.random() < share and opening_panel(self):
            return
        opening = self.first_words(first=first)
        if director.incident is not None:
            self._first_event(director.incident, opening)
            return
        quiet = self.quiet_beginning() if rng.random() < 0.75 else None
        if quiet is None:
            self.wish_panel(opening=opening)
        else:
            self._first_event(quiet, opening)

    def _first_event(self, step: Step, opening: str) -> None:
        """Tell a tale's first panel with an event."""
        before = self.state.copy()
        self.director.happen(step)
        self.remember(step, before)
        draft = self.teller.tell(
            *(step.event, step.roles, before, self.state, self.director.place), opening=opening
        )
        self.add(draft, step.roles, step.event)

    def quiet_beginning(self) -> Step | None:
        """Return a deed of the hero before the tale begins, mostly with the subject of the wish."""
        director = self.director
        assert director.wish is not None
        steps = director.options(
            ("begin", "calm", "play", "make"),
            without=("mishap", "try", "end"),
            about=[director.hero],
            most=16,
            accept=_leaves_the_hour,
        )
        steps = [s for s in steps if s.roles.get("A") == director.hero and self._harmless(s)]
        if not steps:
            return None
        about = set(director.wish.roles.values())
        weights = [1 + 3 * len(about & set(step.roles.values())) for step in steps]
        return self.rng.choices(steps, weights)[0]

    @property
    def is_plain_day(self) -> bool:
        """Return whether hour and weather need not be told."""
        return (self.state.time, self.state.weather) == ("day", "clear")

    def first_words(self, *, first: bool) -> str:
        """Return when and where a tale begins; every hour and weather but a clear day is told."""
        roles = {"P": self.director.place}
        if first:
            patterns = text_lists("beginnings")[f"{self.state.time} {self.state.weather}"]
        else:
            patterns = text_lists("openings")["next-tale"]
        pattern = self.teller.choose(patterns, roles)
        assert pattern is not None
        return self.teller.read_out(pattern, roles, self.state)

    def _harmless(self, step: Step) -> bool:
        """Return whether a step leaves the wish open and possible."""
        director = self.director
        saved, plan = director.state, director.plan
        director.state = saved.copy()
        step.apply(director.state)
        fine = not director.is_met() and (director.plan_holds() or director.replan())
        director.state = saved
        if not fine:
            director.plan = plan
        return fine

    def wish_panel(self, opening: str = "") -> None:
        """Tell the wish, and why."""
        director, teller = self.director, self.teller
        kind = director.kind
        assert kind is not None
        if not opening:
            self.namer.new_panel()
        roles = self.wish_roles()
        pattern = teller.choose(kind.tell, roles, opening=opening)
        assert pattern is not None
        told = teller.read_out(pattern, roles, self.state)
        parts = [sentence(join(opening, told))]
        said = teller.choose(kind.say, roles)
        if said is not None and self.rng.random() < 0.7:
            words = sentence(teller.read_out(said, roles, self.state))
            parts.append(teller.quote(roles["A"], words, self.state))
        self.wish_told = True
        self.add(PanelDraft(parts, f"wish {kind.name}"), roles, None)

    def met_panel(self) -> None:
        """Tell that the wish has come true."""
        director = self.director
        kind, wish = director.kind, director.wish
        assert kind is not None and wish is not None
        wish.status = "met"
        self.namer.new_panel()
        roles = self.wish_roles()
        director.state.people[roles["A"]].mood = "happy"
        pattern = self.teller.choose(kind.met, roles)
        assert pattern is not None
        parts = [sentence(self.teller.read_out(pattern, roles, self.state))]
        if self.rng.random() < 0.6:
            parts.append(self.teller.reaction(roles["A"], self.state, with_why=False))
        self.add(PanelDraft(parts, f"met {kind.name}"), roles, None)

    def give_up_panel(self) -> None:
        """Tell that the wish is given up, with a consolation."""
        director = self.director
        kind, wish = director.kind, director.wish
        assert kind is not None and wish is not None
        wish.status = "up"
        self.namer.new_panel()
        roles = self.wish_roles()
        director.state.people[roles["A"]].mood = "thoughtful"
        pattern = self.teller.choose(kind.up, roles)
        assert pattern is not None
        parts = [sentence(self.teller.read_out(pattern, roles, self.state))]
        self.add(PanelDraft(parts, f"up {kind.name}"), roles, None)

    def end_panel(self) -> None:
        """Tell the tale's last panel."""
        director = self.director
        wish = director.wish
        assert wish is not None
        before = self.state.copy()
        self.namer.new_panel()
        step = director.ending() if wish.status == "met" else None
        draft = PanelDraft([], "end")
        roles: Mapping[str, str] = self.wish_roles()
        if step is not None:
            director.happen(step)
            roles = step.roles
            draft = self.teller.tell(
                *(step.event, step.roles, before, self.state, director.place), brief=True
            )
        lists = text_lists("endings")
        start = "end" if wish.status == "met" else "consoled"
        named = self.wish_roles() if step is None else dict(step.roles)
        here = {
            role: who
            for role, who in named.items()
            if role == "P"
            or (who in self.state.people and self.state.people[who].place == director.place)
            or self.state.place_of(who) == director.place
        }
        fits = [
            pattern
            for heading, patterns in lists.items()
            if heading.split()[0] == start
            for pattern in patterns
            if pattern.roles <= set(here)
        ]
        pattern = self.teller.choose(fits, here)
        if pattern is not None:
            draft.parts.append(sentence(self.teller.read_out(pattern, here, self.state)))
        draft.parts.append(THE_END)
        self.add(draft, roles, step.event if step else None)

    # --- the whole ------------------------------------------------------------------------------

    def tale(self, *, first: bool, most: int, snapshots: list[Storyteller] | None = None) -> None:
        """Tell one tale of at most `most` panels.

        Args:
            first: Whether the story begins with it.
            most: Number of its panels at most.
            snapshots: Gets copies of the storyteller before some panels, to branch from.
        """
        start = len(self.panels)
        self.wish_told = False
        for role, word in self.director.foreign.items():
            self.foreign_roles[word] = role
            self.state.words.add(word)
        self.begin(first=first)
        if not self.wish_told:
            self.wish_panel()
        self.state.earlier = self.state.copy()
        self.go_on(start + most, snapshots)

    def go_on(self, last: int, snapshots: list[Storyteller] | None = None) -> None:
        """Tell on to the tale's end, which comes before panel number `last`."""
        director, fruitless = self.director, 0
        while not director.is_met() and len(self.panels) < last - 2:
            if snapshots is not None and self.deed is None and len(snapshots) < 4:
                snapshots.append(copy.deepcopy(self))
            if self.deed is None and self.rng.random() < self.reader_share and reader_panel(self):
                continue
            step = director.next_step()
            if step is None:
                fruitless += 1
                if fruitless > 1:
                    break
                continue
            self.tell_step(step, serves=director.serves)
        # A wish that is nearly met is not given up for lack of panels.
        while not director.is_met() and director.plan_holds() and len(director.plan) < 4:
            self.tell_step(director.plan.pop(0), serves=True)
        if director.is_met():
            self.met_panel()
        else:
            self.give_up_panel()
        promised = director.promise_to_keep()
        if promised is not None and len(self.panels) < last:
            self.tell_step(promised)
        self.end_panel()
