"""Scores of images against the scenes they should show, by the attribute classifier.

Every metric is the share of right answers over the cases where the question applies. Intervals are
bootstrapped over stories, because panels of one story fail together.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from PIL import Image

from seedstory_core.data.attributes import ACTOR_QUESTIONS, QUESTIONS, UNASKED, encode
from seedstory_core.data.world import MAX_ACTORS, Scene
from seedstory_core.evaluation.classifier import AttributeClassifier

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

CLASSES = tuple(
    f"{question}: {answer}"
    for question, answers in (
        ("character", ACTOR_QUESTIONS["character"][:-1]),
        ("expression", ACTOR_QUESTIONS["expression"]),
        ("pose", ACTOR_QUESTIONS["pose"]),
        ("place", QUESTIONS["place"]),
        ("time", QUESTIONS["time"]),
        ("weather", QUESTIONS["weather"]),
        ("prop", QUESTIONS["prop"][1:]),
    )
    for answer in answers
)
"""Every answer that is scored by itself, so that no average hides a weak one."""

Answers = dict[str, int]
Hits = dict[str, tuple[int, int]]


@dataclass(frozen=True)
class Case:
    """One image: what it should show, and what the classifier saw.

    Attributes:
        story: Its story; the bootstrap draws the cases of a story together.
        expected: Class numbers by question.
        seen: Class numbers that the classifier answered.
        asked: Metrics that count for this image; all by default.
    """

    story: str
    expected: Answers
    seen: Answers
    asked: frozenset[str] = field(default=frozenset(METRICS))


@torch.no_grad()
def read_images(
    classifier: AttributeClassifier, images: Sequence[Image.Image], batch_size: int = 32
) -> list[Answers]:
    """Answer every question about images."""
    found: list[Answers] = []
    device = next(classifier.parameters()).device
    for start in range(0, len(images), batch_size):
        arrays = [np.asarray(image.convert("RGB")) for image in images[start : start + batch_size]]
        pixels = torch.from_numpy(np.stack(arrays)).permute(0, 3, 1, 2).float() / 127.5 - 1
        scores = classifier(pixels.to(device))
        answers = {name: score.argmax(-1).tolist() for name, score in scores.items()}
        found += [{name: answers[name][row] for name in QUESTIONS} for row in range(len(arrays))]
    return found


def hits(case: Case) -> Hits:
    """Return right answers and questions per metric of one case."""
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


def class_hits(case: Case) -> Hits:
    """Return right answers and questions of one case per expected answer (`CLASSES`)."""
    found: Hits = {}
    for name, answer in case.expected.items():
        question = name.rstrip("012")
        row = "" if answer == UNASKED else f"{question}: {QUESTIONS[name][answer]}"
        if row in CLASSES:
            right, asked = found.get(row, (0, 0))
            found[row] = (right + int(case.seen[name] == answer), asked + 1)
    return found


@dataclass(frozen=True)
class Share:
    """A share of right answers, with a 95 % interval and the number of questions."""

    value: float
    low: float
    high: float
    count: int


def wilson(hits: Sequence[bool]) -> Share:
    """Return the share of hits with its 95 % score interval (Wilson 1927), also for few hits."""
    count = len(hits)
    if not count:
        return Share(0.0, 0.0, 1.0, 0)
    z, rate = 1.96, sum(hits) / count
    middle = (rate + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * (rate * (1 - rate) / count + (z / (2 * count)) ** 2) ** 0.5
    return Share(rate, max(0.0, middle - half), min(1.0, middle + half), count)


def summarize(
    cases: Sequence[Case], score: Callable[[Case], Hits] = hits, *, resamples: int = 500
) -> dict[str, Share]:
    """Return the share per metric or class, with its 95 % interval over stories."""
    scored = [score(case) for case in cases]
    found = {name for found in scored for name in found}
    names = [name for name in (*METRICS, *CLASSES) if name in found]
    stories = sorted({case.story for case in cases})
    sums = np.zeros((len(stories), len(names), 2))
    for case, values in zip(cases, scored, strict=True):
        row = stories.index(case.story)
        for name, (right, asked) in values.items():
            sums[row, names.index(name)] += right, asked
    rng = np.random.default_rng(0)
    drawn = [sums[rng.integers(0, len(stories), len(stories))].sum(0) for _ in range(resamples)]
    result = {}
    for index, name in enumerate(names):
        right, asked = sums[:, index].sum(0)
        if not asked:
            continue
        shares = [part[index, 0] / part[index, 1] for part in drawn if part[index, 1]]
        low, high = np.percentile(shares, [2.5, 97.5])
        result[name] = Share(right / asked, float(low), float(high), int(asked))
    return result


def shuffled(cases: Sequence[Case], seed: int = 0) -> list[Case]:
    """Return the images with other panels' expectations: the baseline of chance and habit."""
    order = list(range(len(cases)))
    random.Random(seed).shuffle(order)
    return [
        Case(case.story, case.expected, cases[other].seen, case.asked)
        for case, other in zip(cases, order, strict=True)
    ]


def majority(cases: Sequence[Case]) -> list[Case]:
    """Return every image with the most frequent answer to each question."""
    best = {}
    for name in QUESTIONS:
        values = [case.expected[name] for case in cases if case.expected[name] != UNASKED]
        best[name] = max(set(values), key=values.count) if values else UNASKED
    return [Case(case.story, case.expected, best, case.asked) for case in cases]


def cases_of(
    classifier: AttributeClassifier,
    stories: Sequence[str],
    scenes: Sequence[Scene],
    images: Sequence[Image.Image],
    asked: Sequence[Collection[str]] | None = None,
) -> list[Case]:
    """Return cases from images and the scenes they should show."""
    seen = read_images(classifier, images)
    everything = [METRICS] * len(scenes)
    return [
        Case(story, encode(scene), answers, frozenset(wanted))
        for story, scene, answers, wanted in zip(
            stories, scenes, seen, asked or everything, strict=True
        )
    ]


def table(columns: Mapping[str, Mapping[str, Share]], *, counts: bool = False) -> str:
    """Return scores as a Markdown table, one column per measurement.

    Args:
        columns: Shares by measurement and row.
        counts: Whether to show the number of questions instead of the interval.
    """
    lines = [
        "| | " + " | ".join(columns) + " |",
        "|---|" + "---|" * len(columns),
    ]
    for name in (*METRICS, *CLASSES):
        if not any(name in column for column in columns.values()):
            continue
        cells = []
        for column in columns.values():
            share = column.get(name)
            cells.append("–" if share is None else _cell(share, counts))
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cell(share: Share, counts: bool) -> str:
    if counts:
        return f"{100 * share.value:.1f} ({share.count})"
    return f"{100 * share.value:.1f} ({100 * share.low:.0f}–{100 * share.high:.0f})"


def _absent() -> int:
    return len(QUESTIONS["character0"]) - 1
