"""Scores of pictures against what they should show, by the attribute reader.

Every metric is a share of right answers over the cases where the question makes sense. Intervals
are bootstrapped over stories, because panels of one story fail together.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from PIL import Image

from seedstory_core.data.attributes import QUESTIONS, UNASKED, encode
from seedstory_core.data.world import MAX_ACTORS, Scene
from seedstory_core.evaluation.reader import AttributeReader

METRICS = (
    "main character",
    "all characters",
    "place",
    "time of day",
    "weather",
    "prop",
    "holder",
    "expression",
    "pose",
    "facing",
    "camera",
)

Answers = dict[str, int]


@dataclass(frozen=True)
class Case:
    """One picture: what it should show, what the reader saw.

    Attributes:
        story: Whose panel it is; cases of one story are drawn together in the bootstrap.
        expected: Class numbers by question.
        seen: The same, as the reader answered.
        asked: Metrics that count for this picture; all by default.
    """

    story: str
    expected: Answers
    seen: Answers
    asked: frozenset[str] = field(default=frozenset(METRICS))


@torch.no_grad()
def read_pictures(
    reader: AttributeReader, images: Sequence[Image.Image], batch_size: int = 32
) -> list[Answers]:
    """Answer every question about pictures."""
    found: list[Answers] = []
    device = next(reader.parameters()).device
    for start in range(0, len(images), batch_size):
        arrays = [np.asarray(image.convert("RGB")) for image in images[start : start + batch_size]]
        pixels = torch.from_numpy(np.stack(arrays)).permute(0, 3, 1, 2).float() / 127.5 - 1
        scores = reader(pixels.to(device))
        answers = {name: score.argmax(-1).tolist() for name, score in scores.items()}
        found += [{name: answers[name][row] for name in QUESTIONS} for row in range(len(arrays))]
    return found


def hits(case: Case) -> dict[str, tuple[int, int]]:
    """Right answers and questions per metric of one case."""
    expected, seen = case.expected, case.seen
    slots = [slot for slot in range(MAX_ACTORS) if expected[f"character{slot}"] < _absent()]

    def same(*names: str) -> tuple[int, int]:
        asked = [name for name in names if expected[name] != UNASKED]
        return sum(expected[name] == seen[name] for name in asked), len(asked)

    characters = [f"character{slot}" for slot in range(MAX_ACTORS)]
    found = {
        "main character": same("character0"),
        "all characters": (int(same(*characters)[0] == MAX_ACTORS), 1),
        "place": same("place"),
        "time of day": same("time"),
        "weather": same("weather"),
        "camera": same("camera"),
        "expression": same(*(f"expression{slot}" for slot in slots)),
        "pose": same(*(f"pose{slot}" for slot in slots)),
        "facing": same(*(f"facing{slot}" for slot in slots)),
    }
    has_prop = expected["prop"] > 0
    found["prop"] = same("prop") if has_prop else (0, 0)
    found["holder"] = same("holder") if has_prop else (0, 0)
    return {name: value for name, value in found.items() if name in case.asked}


@dataclass(frozen=True)
class Share:
    """A share of right answers, with a 95 % interval and the number of questions."""

    value: float
    low: float
    high: float
    count: int


def summarize(cases: Sequence[Case], *, resamples: int = 500) -> dict[str, Share]:
    """Give every metric's share with its interval over stories."""
    stories = sorted({case.story for case in cases})
    table = np.zeros((len(stories), len(METRICS), 2))
    for case in cases:
        row = stories.index(case.story)
        for name, (right, asked) in hits(case).items():
            table[row, METRICS.index(name)] += right, asked
    rng = np.random.default_rng(0)
    drawn = [table[rng.integers(0, len(stories), len(stories))].sum(0) for _ in range(resamples)]
    total = table.sum(0)
    result = {}
    for index, name in enumerate(METRICS):
        right, asked = total[index]
        if not asked:
            continue
        shares = [sums[index, 0] / sums[index, 1] for sums in drawn if sums[index, 1]]
        low, high = np.percentile(shares, [2.5, 97.5])
        result[name] = Share(right / asked, float(low), float(high), int(asked))
    return result


def shuffled(cases: Sequence[Case], seed: int = 0) -> list[Case]:
    """The same pictures held against other panels' facts: what chance and habit would score."""
    order = list(range(len(cases)))
    random.Random(seed).shuffle(order)
    return [
        Case(case.story, case.expected, cases[other].seen, case.asked)
        for case, other in zip(cases, order, strict=True)
    ]


def majority(cases: Sequence[Case]) -> list[Case]:
    """Every picture answered with the most frequent answer to each question."""
    best = {}
    for name in QUESTIONS:
        values = [case.expected[name] for case in cases if case.expected[name] != UNASKED]
        best[name] = max(set(values), key=values.count) if values else UNASKED
    return [Case(case.story, case.expected, best, case.asked) for case in cases]


def cases_of(
    reader: AttributeReader,
    stories: Sequence[str],
    scenes: Sequence[Scene],
    images: Sequence[Image.Image],
    asked: Sequence[Collection[str]] | None = None,
) -> list[Case]:
    """Read pictures and hold them against scenes."""
    seen = read_pictures(reader, images)
    everything = [METRICS] * len(scenes)
    return [
        Case(story, encode(scene), answers, frozenset(wanted))
        for story, scene, answers, wanted in zip(
            stories, scenes, seen, asked or everything, strict=True
        )
    ]


def table(columns: dict[str, dict[str, Share]]) -> str:
    """Scores as a Markdown table, one column per measurement."""
    lines = [
        "| | " + " | ".join(columns) + " |",
        "|---|" + "---|" * len(columns),
    ]
    for name in METRICS:
        if not any(name in column for column in columns.values()):
            continue
        cells = []
        for column in columns.values():
            share = column.get(name)
            cells.append("–" if share is None else _cell(share))
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cell(share: Share) -> str:
    return f"{100 * share.value:.1f} ({100 * share.low:.0f}–{100 * share.high:.0f})"


def _absent() -> int:
    return len(QUESTIONS["character0"]) - 1
