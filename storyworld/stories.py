"""Tell stories: one or a few tales in one simulated world, with the scene of every panel.

`tell` is the entry point; the same seed tells the same stories. Branches share their past and part
at one panel, where a reader does something else or something else happens.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Mapping
from dataclasses import dataclass

from storyworld.interventions import reader_panel
from storyworld.staging import stage, stage_next
from storyworld.storyteller import Panel, Storyteller

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class Story:
    """A whole story.

    Attributes:
        id: Unique over all splits.
        panels: Its panels.
        wishes: Kind, roles and status (`met` or `up`) of every wish in it.
        shared: Number of panels shared with the first story of its family.
    """

    id: str
    panels: tuple[Panel, ...]
    wishes: tuple[tuple[str, Mapping[str, str], str], ...]
    shared: int = 0


MOST_IN_A_TALE = 14


def _story(name: str, teller: Storyteller, shared: int = 0) -> Story:
    wishes = tuple((w.kind, dict(w.roles), w.status) for w in teller.state.wishes)
    return Story(name, tuple(teller.panels), wishes, shared)


def _more_tales(teller: Storyteller, most: int) -> None:
    while len(teller.panels) < most - 8 and teller.rng.random() < 0.6:
        if not stage_next(teller.director):
            break
        teller.tale(first=False, most=min(MOST_IN_A_TALE, most - len(teller.panels)))


def tell(
    seed: int,
    split: str = "train",
    *,
    panels: tuple[int, int] = (6, 30),
    reader_share: float = 0.22,
    branches: int = 0,
) -> list[Story]:
    """Tell one story, and branches of it.

    Args:
        seed: The same seed tells the same stories.
        split: Stories of other splits differ in seeds, words and combinations.
        panels: Fewest and most panels.
        reader_share: Probability that a reader does something before a panel.
        branches: Number of further stories that share its beginning.

    Raises:
        ValueError: No story of such a length came of the seed.
    """
    for attempt in range(50):
        rng = random.Random(f"{split}/{seed}/{attempt}")
        share = reader_share if rng.random() < 0.8 else 0.0
        teller = Storyteller(rng, test=split == "test", reader_share=share)
        # Foreign words are brought in by readers.
        if not stage(teller.director, foreign_share=0.22 if share else 0.08):
            continue
        snapshots: list[Storyteller] = []
        most = min(MOST_IN_A_TALE, panels[1])
        teller.tale(first=True, most=most, snapshots=snapshots if branches else None)
        _more_tales(teller, panels[1])
        if not panels[0] <= len(teller.panels) <= panels[1]:
            continue
        name = f"{split}-{seed:07d}"
        stories = [_story(name, teller)]
        for number in range(branches if snapshots else 0):
            snapshot = rng.choice(snapshots)
            other = _branch(snapshot, f"{split}/{seed}/{attempt}/{number}", most)
            stories.append(_story(f"{name}-{number}", other, len(snapshot.panels)))
        return stories
    raise ValueError(f"No story of {panels[0]} to {panels[1]} panels came of seed {seed}.")


def _branch(snapshot: Storyteller, seed: str, most: int) -> Storyteller:
    """Tell another story from a snapshot on; mostly a reader does something there."""
    teller = copy.deepcopy(snapshot)
    # All parts of a storyteller share one source of chance.
    teller.rng.seed(seed)
    if teller.rng.random() < 0.7:
        reader_panel(teller)
    else:
        step = next(iter(teller.director.ways(1)), None)
        if step is not None:
            teller.tell_step(step)
    teller.go_on(max(most, len(teller.panels) + 4))
    return teller


def dump(story: Story) -> str:
    """Return a story as plain text; readers' words are in angle brackets."""
    lines = [f"# {story.id} {[w[0] + ':' + w[2] for w in story.wishes]}"]
    for number, panel in enumerate(story.panels, 1):
        own = panel.text[len(panel.reader_text) :]
        reader = f"<{panel.reader_text}>" if panel.reader_text else ""
        hint = f"(({panel.hint})) " if panel.hint else ""
        lines.append(f"{number:2d}. {hint}{reader}{own}   [{panel.event}]")
    return "\n".join(lines)
