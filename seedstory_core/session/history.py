"""Undo and redo: what a reader did to a story, so that it can be taken back.

Nothing that a reader does destroys anything: removed panels lie in the bin, older images stay, and
other words make another panel. So an act is undone by a small change. A new panel needs no note,
for its record holds its time; every other act is noted in the story's settings.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from seedstory_core.story.tree import Panel, StoryTree

MOST_ACTS = 100
"""Acts that are noted at most; the oldest go first."""

ActKind = Literal["tell", "remove", "restore", "picture", "title", "setting"]
"""New panels; a branch into the bin, or out of it; another image shown; the title; a setting."""
KINDS: tuple[str, ...] = get_args(ActKind)


@dataclass(frozen=True)
class Act:
    """Something that a reader did.

    Attributes:
        kind: Its kind.
        subject: The panel, or the name of the setting.
        before: The name of the image, the title or the setting before it; for new panels their ids.
        after: Likewise after it.
        at: When it was done, in Unix seconds.
        undone_at: When it was undone; 0.0 if it is not.
    """

    kind: ActKind
    subject: str = ""
    before: Any = None
    after: Any = None
    at: float = field(default_factory=time.time)
    undone_at: float = 0.0


@dataclass(frozen=True)
class History:
    """What was done to a story, and what was undone, each in order of time.

    Attributes:
        done: All acts that are known.
        undone: Acts that were undone, if nothing was done since.
        last: What an undo would undo; None without anything. The first panel stays, since a story
            without one is no story.
        next: What a redo would do again.
    """

    done: tuple[Act, ...] = ()
    undone: tuple[Act, ...] = ()
    last: Act | None = None
    next: Act | None = None

    @classmethod
    def of(cls, settings: Mapping[str, Any], tree: StoryTree) -> History:
        """Read the history of a story from its settings and its panels."""
        done = sorted([*_acts(settings.get("undo")), *_told(tree)], key=lambda act: act.at)
        newest = max((act.at for act in done), default=0.0)
        # What was done after an undo takes its place.
        undone = [act for act in _acts(settings.get("redo")) if act.undone_at >= newest]
        return cls(
            tuple(done),
            tuple(undone),
            # Others may have brought about the same in another way; it is passed over.
            next((act for act in reversed(done) if _still_counts(act, tree)), None),
            next((act for act in reversed(undone) if _can_come(act, tree)), None),
        )

    def note(self, act: Act) -> dict[str, Any]:
        """Return the settings after a new act."""
        return _settings([*self.done, act], ())

    def undo(self) -> dict[str, Any]:
        """Return the settings after undoing `last`."""
        assert self.last is not None
        act = dataclasses.replace(self.last, undone_at=time.time())
        left = [one for one in self.done if one is not self.last]
        return _settings(left, [*self.undone, act])

    def redo(self) -> dict[str, Any]:
        """Return the settings after doing `next` again."""
        assert self.next is not None
        act = dataclasses.replace(self.next, at=time.time(), undone_at=0.0)
        others = [one for one in self.undone if one is not self.next]
        left = [dataclasses.replace(one, undone_at=act.at) for one in others]
        return _settings([*self.done, act], left)


def _settings(done: Sequence[Act], undone: Sequence[Act]) -> dict[str, Any]:
    noted = [act for act in done if act.kind != "tell"]
    return {
        "undo": [dataclasses.asdict(act) for act in noted[-MOST_ACTS:]],
        "redo": [dataclasses.asdict(act) for act in undone[-MOST_ACTS:]],
    }


def _acts(saved: object) -> list[Act]:
    """Read noted acts; what is none is passed over."""
    acts = []
    names = {item.name for item in dataclasses.fields(Act)}
    for entry in saved if isinstance(saved, list) else ():
        if not isinstance(entry, dict) or set(entry) != names or entry["kind"] not in KINDS:
            continue
        if isinstance(entry["at"], float) and isinstance(entry["undone_at"], float):
            acts.append(Act(**entry))
    return acts


def _told(tree: StoryTree) -> list[Act]:
    """Return the acts that made the panels; panels that were made together are one act."""
    groups: dict[tuple[str | None, float], list[Panel]] = {}
    for panel in tree:
        groups.setdefault((panel.parent, panel.created_at), []).append(panel)
    acts = [
        Act("tell", group[0].id, after=[panel.id for panel in group], at=at)
        for (_, at), group in groups.items()
    ]
    return acts[1:]


def _still_counts(act: Act, tree: StoryTree) -> bool:
    """Whether what an act brought about is still so, as far as the tree shows it."""
    match act.kind:
        case "remove":
            return act.subject not in tree
        case "picture" | "restore":
            return act.subject in tree
    return True


def _can_come(act: Act, tree: StoryTree) -> bool:
    """Whether an act that was undone is still undone, as far as the tree shows it."""
    match act.kind:
        case "tell":
            return not any(panel_id in tree for panel_id in act.after)
        case "restore":
            return act.subject not in tree
        case "remove" | "picture":
            return act.subject in tree
    return True
