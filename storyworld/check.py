"""Check every text file, and print samples of each event.

`python -m storyworld.check [FILE] [--event NAME] [--samples 6]`
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path

from storyworld.blocks import ROOT
from storyworld.event import (
    CHARACTER_ROLES,
    FOREIGN_ROLES,
    PLACE_ROLES,
    THING_ROLES,
    Event,
    TextError,
    read_events,
)
from storyworld.language.inflect import past
from storyworld.language.pattern import Choice, Pattern, Slot, Verb, parse_pattern, sentence, tidy
from storyworld.naming import Foreign, Namer
from storyworld.state import State
from storyworld.texts import WishKind, check_texts, text_lists, wants, wish_kinds
from storyworld.world import CHARACTERS, PLACES, THINGS

FOREIGN = {word: Foreign(word) for word in ("whale", "telescope", "moon")}
FEWEST = {"do": 4, "tell": 5, "say": 3, "why": 2}
FEWEST_WANTS = {"want": 9, "ask": 12}


def stage(event: Event, rng: random.Random) -> tuple[State, dict[str, str]] | None:
    """Return a state in which the event can happen, and its roles; None if none was found."""
    roles: dict[str, str] = {}
    people, things = rng.sample(sorted(CHARACTERS), 8), rng.sample(sorted(THINGS), len(THINGS))
    for role in event.roles:
        if role in CHARACTER_ROLES:
            roles[role] = people.pop()
        elif role in THING_ROLES:
            asked = [f for f in event.conditions if f[0] == role and "/" not in f]
            state = State(things={})
            fits = []
            for kind in things:
                state.put(kind, "gone", kind)
                if all(
                    state.is_true(f, {role: kind}) for f in asked if f[1] in ("can", "kind")
                ) and all(f[2] in (*THINGS[kind].states, "whole") for f in asked if f[1] == "is"):
                    fits.append(kind)
            if not fits:
                return None
            roles[role] = rng.choice(fits)
            things.remove(roles[role])
        elif role in PLACE_ROLES:
            needed = {f[2] for f in event.conditions if f[0] == role and f[1:2] == ("has",)}
            fits = [p for p in PLACES if needed <= PLACES[p].has and p not in roles.values()]
            fits = [
                p
                for p in fits
                if not any(
                    f[0] == "!" + role and f[1] == "has" and f[2] in PLACES[p].has
                    for f in event.conditions
                )
            ]
            if not fits:
                return None
            roles[role] = rng.choice(fits)
        else:
            roles[role] = {"X": "whale", "Y": "telescope", "Z": "moon"}[role]
    roles.setdefault("P", rng.choice(sorted(PLACES)))
    state = State()
    for role, who in roles.items():
        if role in CHARACTER_ROLES:
            state.apply([("at", who, roles["P"])], {})
        elif role in THING_ROLES:
            state.put(who, "floor", roles["P"])
    for fact in event.conditions:
        simple = fact[: fact.index("/")] if "/" in fact else fact
        if len(simple) > 1 and simple[1] in ("can", "kind", "has") or simple[0] in ("free", "near"):
            continue
        if simple[0] == "!free":
            continue
        if simple[0] in ("wants", "wish"):
            thing = roles.get(simple[-1], simple[-1])
            state.apply(
                [("wish", roles[simple[1]], simple[2] if simple[0] == "wish" else "want", thing)],
                {},
            )
            continue
        if simple[0] == "dreamt":
            state.apply([("wish", roles[simple[1]], "want")], {})
            state.earlier = state.copy()
            continue
        if simple[1:2] == ("is",) and simple[2] == "whole":
            state.things[roles[simple[0]]].state = THINGS[roles[simple[0]]].states[0]
            continue
        try:
            state.apply([simple], roles)
        except (ValueError, KeyError):
            return None
    if not all(state.is_true(fact, roles) for fact in event.conditions):
        return None
    return state, roles


def read_out(
    pattern: Pattern, namer: Namer, roles: dict[str, str], state: State, rng: random.Random
) -> str:
    """Return one reading in the past tense."""

    def fill(slot: Slot) -> str:
        return "WANT" if slot.role == "want" else namer.fill(slot, roles, state, "WHY")

    return pattern.expand(rng, fill, past)


def _complain_about(event: Event) -> list[str]:
    out = []
    for key, fewest in FEWEST.items():
        count = len(getattr(event, key))
        if count < fewest and not (key == "say" and count >= 2):
            out.append(f"{event.name}: {count} {key} lines, {fewest} wanted")
    for pattern in event.do:
        if not any(isinstance(n, Verb) for n in _walk(pattern)):
            out.append(f"{event.name}: no *verb in {pattern.source!r}")
    for pattern in (*event.tell, *event.after, *event.why):
        if any(isinstance(n, Verb) for n in _walk(pattern)):
            out.append(f"{event.name}: a *verb in {pattern.source!r}")
    return out


def _walk(pattern: Pattern) -> list[object]:
    nodes: list[object] = []
    for node in pattern.nodes:
        nodes.append(node)
        if hasattr(node, "options"):
            for option in node.options:
                nodes += _walk(option)
    return nodes


def check_events(path: Path, samples: int, only: str | None, seed: int) -> bool:
    """Check one file of events and print samples; return whether all is well."""
    rng = random.Random(seed)
    fine, count, readings = True, 0, 0
    for event in read_events(path.name):
        if only and event.name != only:
            continue
        count += 1
        for complaint in _complain_about(event):
            print("  !", complaint)
            fine = False
        lines = []
        staged = next((s for s in (stage(event, rng) for _ in range(400)) if s), None)
        if staged is None:
            print(f"  ! {event.name}: its conditions never hold")
            fine = False
            continue
        readings += sum(p.num_readings for p in event.tell) + sum(p.num_readings for p in event.do)
        for number in range(samples):
            staged = next((s for s in (stage(event, rng) for _ in range(60)) if s), None)
            if staged is None:
                continue
            state, roles = staged
            after = state.copy()
            try:
                after.apply(event.effects, roles)
            except (ValueError, KeyError) as error:
                print(f"  ! {event.name}: {error}")
                fine = False
                break
            namer = Namer(
                rng,
                foreign=dict(FOREIGN),
            )
            told = event.do if number % 3 == 2 and event.do else event.tell
            parts = [sentence(read_out(rng.choice(told), namer, roles, state, rng))]
            if event.after and rng.random() < 0.4:
                parts.append(sentence(read_out(rng.choice(event.after), namer, roles, after, rng)))
            if event.say:
                who, pattern = rng.choice(event.say)
                parts.append(f'"{sentence(read_out(pattern, namer, roles, after, rng))}"')
            if event.why:
                parts.append(
                    "(because " + read_out(rng.choice(event.why), namer, roles, after, rng) + ")"
                )
            lines.append(" ".join(parts))
        print(f"\n{event.name}  [{' '.join(sorted(event.tags))}]")
        for text in lines:
            print("   ", text)
    print(f"\n{path.name}: {count} events, {readings} readings of deeds")
    return fine


def main() -> None:
    """Check all files, or one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", nargs="?", default="", help="one file of events/ or texts/")
    parser.add_argument("--event", default=None)
    parser.add_argument("--samples", type=int, default=6)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    name = Path(given.file).name
    fine = True
    try:
        for path in sorted((ROOT / "events").glob("*.txt")):
            if not name or path.name == name:
                fine &= check_events(path, given.samples, given.event, given.seed)
        for path in sorted((ROOT / "texts").glob("*.txt")):
            if name and path.name != name:
                continue
            if path.stem == "wishes":
                print("wishes.txt:", len(wish_kinds()), "kinds")
            elif path.stem == "wants":
                fine &= check_wants(given.samples, given.seed)
            else:
                print(path.name, {key: len(lines) for key, lines in text_lists(path.stem).items()})
                _sample_texts(path.stem, given.samples, given.seed)
        if not name:
            for missing in check_texts():
                print("  ! missing:", missing)
    except TextError as error:
        raise SystemExit(f"! {error}") from error
    raise SystemExit(0 if fine else 1)


def check_wants(samples: int, seed: int) -> bool:
    """Print every wish as a phrase and as readers ask for it; return whether all is well."""
    rng = random.Random(seed)
    fine = True
    for kind, words in wants().items():
        wish = wish_kinds().get(kind)
        if wish is None:
            continue
        readings = [sum(p.num_readings for p in lists) for lists in (words.want, words.ask)]
        print(f"\n{kind}: {len(words.want)} want, {len(words.ask)} ask, {readings} readings")
        complaints = []
        for key, fewest in FEWEST_WANTS.items():
            count = len(getattr(words, key))
            if count < fewest:
                complaints.append(f"{count} {key} lines, {fewest} wanted")
        for pattern in words.want:
            if not _begins_with_verb(pattern):
                complaints.append(f"no *verb at the beginning of {pattern.source!r}")
        for pattern in words.ask:
            if any(isinstance(node, Verb) for node in _walk(pattern)):
                complaints.append(f"a *verb in {pattern.source!r}")
        for complaint in complaints:
            print(f"  ! {kind}: {complaint}")
            fine = False
        for _ in range(samples):
            state, roles = _stage_wish(wish, rng)
            for lists, before in ((words.want, "{A} wanted to "), (words.ask, "")):
                namer = Namer(rng, foreign=dict(FOREIGN))
                text = rng.choice(lists).source
                pattern = parse_pattern(before + text)
                told = pattern.expand(rng, lambda s: namer.fill(s, roles, state), str)  # noqa: B023
                print(
                    "   ", sentence(told.rstrip(",")) if before else f"> {tidy(told)}".rstrip(",")
                )
    return fine


def _stage_wish(wish: WishKind, rng: random.Random) -> tuple[State, dict[str, str]]:
    """Return possible roles of a wish, all in one place."""
    state, people = State(), rng.sample(sorted(CHARACTERS), 4)
    places = rng.sample(sorted(PLACES), 2)
    roles = {"P": places[0]}
    for role in wish.roles:
        asked = [f for f in wish.conditions if f[0] == role and "/" not in f]
        if role in CHARACTER_ROLES:
            roles[role] = people.pop()
            state.apply([("at", roles[role], places[0])], {})
        elif role in THING_ROLES:
            able = [f for f in asked if f[1] in ("can", "kind")]
            states = [f[2] for f in asked if f[1] == "is" and f[2] != "whole"]
            fits = [
                kind
                for kind in sorted(THINGS)
                if all(state.is_true(f, {role: kind}) for f in able)
                and set(states) <= set(THINGS[kind].states)
                and kind not in roles.values()
            ]
            roles[role] = rng.choice(fits)
            state.put(roles[role], "floor", places[0])
            state.things[roles[role]].state = (*states, THINGS[roles[role]].states[0])[0]
        elif role in FOREIGN_ROLES:
            roles[role] = {"X": "whale", "Y": "telescope", "Z": "moon"}[role]
        else:
            roles[role] = places[1]
    for fact in wish.conditions:
        if fact[0] == "owner":
            state.apply([fact], roles)
    return state, roles


def _begins_with_verb(pattern: Pattern) -> bool:
    first = pattern.nodes[0] if pattern.nodes else ""
    if isinstance(first, Choice):
        return all(_begins_with_verb(option) for option in first.options)
    return isinstance(first, Verb)


def _sample_texts(name: str, samples: int, seed: int) -> None:
    rng = random.Random(seed)
    state = State()
    roles = {
        "A": "fox",
        "B": "bear",
        "C": "cat",
        "D": "duck",
        "T": "kite",
        "U": "box",
        "P": "garden",
        "Q": "hill",
    }
    for role, who in roles.items():
        if role in CHARACTER_ROLES:
            state.apply([("at", who, "garden")], {})
        elif role in THING_ROLES:
            state.put(who, "floor", "garden")
    for heading, patterns in text_lists(name).items():
        for _ in range(min(samples, 3)):
            namer = Namer(rng, introduced={"fox", "bear", "cat", "kite", "box"})
            pattern = rng.choice(patterns)
            print(
                f"    {heading}: "
                + read_out(pattern, namer, roles, state, rng).replace(
                    "WHY", "the kite hung in the tree"
                )
            )


__all__ = ["FOREIGN_ROLES", "main", "read_out", "stage"]

if __name__ == "__main__":
    main()
