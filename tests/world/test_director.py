"""The director stages wishes, keeps them possible, and plans again after whatever readers do."""

from __future__ import annotations

import random

import pytest

from storyworld.director import Director
from storyworld.event import FOREIGN_ROLES, events
from storyworld.planner import Step
from storyworld.staging import force, stage, stage_next
from storyworld.state import Wish
from storyworld.storyteller import Storyteller
from storyworld.texts import wish_kinds
from storyworld.world import CHARACTERS, THINGS
from tests.helpers.small_world import world

SEEDS = range(16)


def staged(seed: int, kind: str | None = None) -> Director:
    director = Storyteller(random.Random(f"director/{seed}")).director
    assert stage(director, kind)
    if director.incident is not None:
        director.happen(director.incident)
        assert director.replan()
    return director


@pytest.fixture(scope="module")
def directors() -> list[Director]:
    """Tales at their beginning; a test copies what it changes."""
    return [staged(seed) for seed in SEEDS]


def fulfil(director: Director) -> None:
    """Make the wish come true at once, as a reader may."""
    assert director.kind is not None and director.wish is not None
    for fact in director.kind.goal:
        if not director.state.is_true(fact, director.wish.roles):
            first = fact[: fact.index("/")] if "/" in fact else fact
            first = ("floor", *first[1:]) if first[0] == "near" else first
            director.state.apply([first], {"P": director.place, **director.wish.roles})
    assert director.is_met()


# --- staging --------------------------------------------------------------------------------------


def test_a_tale_begins_with_an_open_wish_that_can_come_true():
    for seed in SEEDS:
        director = Storyteller(random.Random(seed)).director
        assert stage(director)
        wish = director.wish
        assert wish is not None and wish.status == "open" and wish.owner == director.hero
        assert not director.is_met()
        if director.incident is None:
            assert director.plan and director.plan_holds()
        else:
            assert "mishap" in director.incident.event.tags
            assert director.incident.can_happen(director.state)
            director.happen(director.incident)
            assert not director.is_met() and director.replan()


def test_everybody_and_everything_staged_is_somewhere(directors: list[Director]):
    for director in directors:
        state = director.state
        assert 2 <= len(director.cast) <= 4 or len(director.cast) == len(state.people)
        assert set(director.cast) == set(state.people) <= set(CHARACTERS)
        for kind, item in state.things.items():
            assert item.state in THINGS[kind].states
            assert state.place_of(kind) is not None or item.where in ("gone", "away"), kind
        for who in state.people:
            hands = sum(2 if THINGS[t].carried == "both" else 1 for t in state.held_by(who))
            assert hands <= 2


def test_the_same_chance_stages_the_same_tale():
    one, other = staged(3), staged(3)
    assert (one.state, one.hero, one.cast) == (other.state, other.hero, other.cast)
    assert [s.event.name for s in one.plan] == [s.event.name for s in other.plan]
    assert staged(4).state != one.state


def test_another_tale_has_another_wish():
    count = 0
    for seed in SEEDS:
        director = staged(seed)
        fulfil(director)
        assert director.wish is not None
        director.wish.status = "met"
        old = director.wish.kind
        if stage_next(director):
            count += 1
            assert director.wish.kind != old and director.wish.status == "open"
            assert len(director.state.wishes) == 2
            if director.incident is not None:
                director.happen(director.incident)
            assert not director.is_met()
    assert count > len(SEEDS) / 2


# --- what happens ---------------------------------------------------------------------------------


def test_every_step_can_happen_and_the_wish_comes_true():
    met = 0
    for seed in SEEDS:
        director = staged(seed)
        for _ in range(30):
            step = director.next_step()
            if step is None or director.is_met():
                break
            assert step.can_happen(director.state), step.event.name
            director.happen(step)
        met += director.is_met()
    assert met > 0.8 * len(SEEDS)


def test_mishaps_and_attempts_leave_the_wish_open_and_possible():
    seen: set[str] = set()
    for seed in range(36):
        director = staged(seed)
        director.mishaps = director.tries = 3
        for _ in range(6):
            step = director.next_step()
            if step is None:
                break
            director.happen(step)
            went_wrong = step.event.tags & {"mishap", "try"}
            if went_wrong and not director.serves:
                seen |= went_wrong
                assert not director.is_met()
                still = director.plan_holds() or any(director.replan() for _ in range(4))
                assert still, step.event.name
            if director.is_met():
                break
    assert seen == {"mishap", "try"}


def test_no_more_goes_wrong_than_may():
    for seed in SEEDS:
        director = staged(seed)
        director.mishaps, director.tries = 1, 1
        wrong = 0
        for _ in range(12):
            step = director.next_step()
            if step is None or director.is_met():
                break
            director.happen(step)
            wrong += bool(not director.serves and step.event.tags & {"mishap", "try"})
        assert wrong <= 2


def test_the_director_plans_again_when_a_reader_undoes_the_plan():
    undone, planned = 0, 0
    for seed in range(28):
        director = staged(seed)
        assert director.wish is not None
        thing = director.wish.roles.get("T", "")
        if thing not in director.state.things or THINGS[thing].carried == "never":
            continue
        director.mishaps = director.tries = 0
        director.state.put(thing, "high", director.place)
        if director.plan_holds() or director.is_met():
            continue
        undone += 1
        step = director.next_step() or director.next_step()
        if step is not None:
            planned += 1
            assert step.can_happen(director.state)
            if director.serves:
                director.happen(step)
                assert director.is_met() or director.plan_holds()
    assert undone > 3 and planned > undone / 2


def test_a_reader_who_fulfils_the_wish_ends_the_tale():
    for seed in range(12):
        story = Storyteller(random.Random(seed))
        assert stage(story.director)
        story.begin(first=True)
        if not story.wish_told:
            story.wish_panel()
        fulfil(story.director)
        told = len(story.panels)
        story.go_on(told + 14)
        assert len(story.panels) == told + 2
        assert story.director.wish is not None
        assert story.panels[-2].event == f"met {story.director.wish.kind}"
        assert story.panels[-1].text.endswith("The end.")
        assert story.state.wishes[-1].status == "met"


def test_a_wish_that_nothing_fulfils_is_given_up(monkeypatch: pytest.MonkeyPatch):
    story = Storyteller(random.Random(1))
    assert stage(story.director)
    monkeypatch.setattr(story.director, "replan", lambda: False)
    story.director.plan = []
    story.wish_panel()
    told = len(story.panels)
    story.go_on(told + 14)
    assert [p.event.split()[0] for p in story.panels[told:]][0] == "up"
    assert story.state.wishes[-1].status == "up"
    assert story.panels[-1].text.endswith("The end.")


def test_a_promise_is_kept_before_the_tale_ends():
    story = Storyteller(random.Random(2))
    assert stage(story.director)
    story.wish_panel()
    hero = story.director.hero
    other = next(who for who in story.director.cast if who != hero)
    story.state.people[other].place = story.director.place
    story.state.apply([("promised", "A", "B", "help")], {"A": hero, "B": other})
    fulfil(story.director)
    story.go_on(14)
    met, kept, end = (panel.event for panel in story.panels[-3:])
    assert met.startswith("met ") and kept == "promise.keep" and end != "promise.keep"
    assert not story.state.promised


def test_after_a_dream_the_tale_goes_on_from_its_beginning():
    story = Storyteller(random.Random(5))
    director = story.director
    assert stage(director)
    story.wish_panel()
    director.state.people[director.hero].place = "bedroom"
    story.state.earlier = story.state.copy()
    assert director.wish is not None
    fulfil(director)
    director.wish.status = "met"
    director.cast.append(next(who for who in CHARACTERS if who not in director.cast))
    story.state.apply([("at", director.cast[-1], "bedroom")], {})
    dream = Step(events()["wake.dream"], {"A": director.hero, "P": "bedroom"})
    assert dream.can_happen(story.state)
    story.tell_step(dream)
    assert director.wish.status == "open" and not director.is_met()
    assert director.cast[-1] not in story.state.people
    assert story.state.people[director.hero].spot == "bed"
    director.replan()
    story.go_on(len(story.panels) + 12)
    assert story.panels[-1].text.endswith("The end.")


def test_whoever_goes_along_is_told_and_shown():
    story = Storyteller(random.Random(0))
    director = story.director
    director.state, director.hero = world("knows A B"), "fox"
    go = Step(events()["go.two"], {"A": "fox", "B": "bear", "P": "garden", "Q": "hill"})
    story.tell_step(go)
    panel = story.panels[-1]
    assert "Cleo" in panel.text
    assert {actor.species for actor in panel.scene.actors} == {"fox", "bear", "cat"}


# --- options --------------------------------------------------------------------------------------


def small() -> Director:
    director = Director(random.Random(0), world("holds A T, knows A B"), "fox")
    director.cast = ["fox", "bear", "cat"]
    return director


def test_options_can_happen_and_are_about_what_was_asked():
    director = small()
    for tags, about in ((("play",), ["kite"]), ((), ["cat"]), (("calm", "care"), [])):
        found = director.options(tags, without=("reader",), about=about, most=10)
        assert found
        for step in found:
            assert step.can_happen(director.state)
            assert not tags or step.event.tags & set(tags)
            assert not step.event.tags & {"reader", "kindly"}
            assert not about or set(about) & set(step.roles.values())
            assert not set(step.event.roles) & set(FOREIGN_ROLES)


def test_sleepers_take_part_only_in_what_is_written_for_sleepers():
    director = small()
    director.state.people["bear"].feelings.add("asleep")
    for _ in range(4):
        for step in director.options((), most=40):
            asks = any("asleep" in f and f[0][0] != "!" for f in step.event.conditions)
            assert asks or "bear" not in step.roles.values(), step.event.name


def test_whoever_does_something_comes_out_of_hiding_and_down_from_shoulders():
    director = small()
    director.state.people["fox"].spot = "behind"
    step = next(s for s in director.options(("play",), most=30) if s.roles.get("A") == "fox")
    director.happen(step)
    assert director.state.people["fox"].spot != "behind" or ("spot", "A", "behind") in (
        step.event.effects
    )
    assert director.past == [step.event.name]


def test_anything_that_a_reader_wants_can_be_forced_on_the_world():
    director, forced = small(), 0
    for event in events().values():
        if set(event.roles) & set(FOREIGN_ROLES):
            continue
        state = director.state.copy()
        roles = force(director, event, state)
        if roles is not None:
            forced += 1
            assert Step(event, roles).can_happen(state), event.name
    assert forced > 0.5 * len(events())


def test_ways_are_of_different_kinds():
    ways = list(small().ways(4))
    assert len(ways) == 4 == len({step.event.group for step in ways})
    assert all(isinstance(step, Step) for step in ways)


def test_the_newest_wish_is_the_tales():
    director = small()
    assert director.wish is None and not director.is_met() and not director.replan()
    kinds = sorted(wish_kinds())[:2]
    director.state.wishes += [Wish(kind, {"A": "fox", "T": "kite"}) for kind in kinds]
    director.has_wish = True
    assert director.wish is director.state.wishes[-1] and director.kind is wish_kinds()[kinds[1]]


def test_what_happens_elsewhere_is_shown_and_said_to_be_elsewhere():
    for seed in range(12):
        story = Storyteller(random.Random(seed))
        director = story.director
        director.state, director.hero = world("at B Q"), "fox"
        options = director.options(("calm", "play"), about=["bear"], most=9, place="hill")
        step = next(s for s in options if "move" not in s.event.tags and not s.roles.get("Q"))
        story.tell_step(step)
        panel = story.panels[-1]
        assert panel.scene.place == "hill"
        assert {actor.species for actor in panel.scene.actors} <= set(step.roles.values())
        assert "on the windmill hill" in panel.text.lower(), panel.text
