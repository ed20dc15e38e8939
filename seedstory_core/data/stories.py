"""Tell a story: a plot or a few, told from a seed, with the image of every panel.

`tell` writes, `parse` reads back: from a caption and the scene before it comes the scene it shows.
The words live in `plots/`, the mechanics in `grammar.py` and `teller.py`.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Literal

from seedstory_core.data import casting, library, reader
from seedstory_core.data.teller import (
    HELD_OUT_TRIPLES,
    StoryPanel,
    StuckError,
    Teller,
    is_held_out,
)
from seedstory_core.data.world import Scene

Split = Literal["train", "validation", "test"]
__all__ = [
    "HELD_OUT_TRIPLES",
    "ReaderCase",
    "Story",
    "StoryPanel",
    "is_held_out",
    "parse",
    "reader_cases",
    "tell",
]


@dataclass(frozen=True)
class Story:
    """A whole story.

    Attributes:
        id: Unique over all splits.
        plots: What its chapters are about, in order.
        panels: 10 to 30 of them, unless asked otherwise.
    """

    id: str
    plots: tuple[str, ...]
    panels: tuple[StoryPanel, ...]


@dataclass(frozen=True)
class ReaderCase:
    """A reader's sentence in its context, and what the image after it has to show.

    Attributes:
        context: The panels before it.
        reader_text: What the reader writes.
        panel: The panel as the storyteller would complete it.
        said: The facts that the reader's words say (`place`, `cast`, `pose:fox`, ...).
        carried: The facts that the words leave open and that stay as they were (`place`, `time`,
            `weather`).
    """

    context: tuple[StoryPanel, ...]
    reader_text: str
    panel: StoryPanel
    said: frozenset[str]
    carried: frozenset[str]

    @property
    def scene(self) -> Scene:
        """The whole image."""
        return self.panel.scene


def tell(
    seed: int,
    split: Split = "train",
    *,
    num_panels: tuple[int, int] = (10, 30),
    reader_share: float = 0.33,
    plot: str | None = None,
) -> Story:
    """Tell one story.

    Args:
        seed: The same seed tells the same story.
        split: `test` also uses paraphrases and combinations that the others never use.
        num_panels: Fewest and most panels.
        reader_share: About how many of the panels begin with a reader's words.
        plot: Name of the first chapter's plot; any by default.
    """
    for attempt in range(400):
        rng = random.Random(f"{split}/{seed}/{attempt}")
        try:
            story = _tell_once(rng, f"{split}-{seed:07d}", split, num_panels, reader_share, plot)
        except StuckError:
            continue
        if num_panels[0] <= len(story.panels) <= num_panels[1]:
            return story
    raise ValueError(
        f"No story of {num_panels[0]} to {num_panels[1]} panels came of seed {seed} in 400"
        " attempts. Chapters have 8 to 14 panels; widen num_panels."
    )


def _tell_once(
    rng: random.Random,
    story_id: str,
    split: str,
    num_panels: tuple[int, int],
    reader_share: float,
    plot: str | None,
) -> Story:
    t = Teller(rng, split, {}, reader_share)
    chapters = rng.choices((1, 2, 3), (0.42, 0.4, 0.18))[0]
    chapters = max(1, min(chapters, num_panels[1] // 9))
    chapters = max(chapters, -(-num_panels[0] // 14))
    t.brief = chapters > 2
    told: list[str] = []
    for chapter in range(chapters):
        t.chapter = chapter
        name = plot if plot and not chapter else casting.choose_plot(t, told)
        casting.cast(t, name)
        last = chapter == chapters - 1
        t.closing = last or rng.random() < 0.7
        if not chapter:
            reader.first_panel(t)
        library.PLOTS[name](t)
        told.append(name)
    return Story(story_id, tuple(told), tuple(t.panels))


def parse(caption: str, previous: Scene | None) -> Scene | None:
    """The scene a caption shows when it follows `previous`, or None where it is not understood."""
    return library.caption_reader().parse(caption, previous)


def reader_cases(seed: int, n: int, split: Split = "test") -> list[ReaderCase]:
    """Sentences of readers in their context, for measuring how well a story can be steered.

    Half of them and more are worded in ways that training never sees (when `split` is `test`).
    """
    cases: list[ReaderCase] = []
    number = 0
    while len(cases) < n:
        story = tell(seed * 100_003 + number, split, reader_share=0.5)
        number += 1
        found = []
        for index, panel in enumerate(story.panels):
            if not panel.reader_text or not index or not panel.said:
                continue
            carried = frozenset({"place", "time", "weather"} - panel.said)
            before = story.panels[index - 1].scene
            carried = frozenset(
                fact for fact in carried if getattr(before, fact) == getattr(panel.scene, fact)
            )
            found.append(
                ReaderCase(story.panels[:index], panel.reader_text, panel, panel.said, carried)
            )
        rng = random.Random(number)
        held_out = [case for case in found if case.panel.held_out]
        others = [case for case in found if not case.panel.held_out]
        cases += rng.sample(held_out, min(2, len(held_out)))
        cases += rng.sample(others, min(1, len(others)))
    return cases[:n]
