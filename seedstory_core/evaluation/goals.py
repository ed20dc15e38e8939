"""The goals, and a table of what the measurements reached."""

from __future__ import annotations

from collections.abc import Mapping

from seedstory_core.evaluation.scores import Share

GOALS = {
    "main character": 0.95,
    "all characters": 0.90,
    "place": 0.97,
    "time of day": 0.95,
    "prop": 0.85,
    "expression": 0.70,
}
"""Lowest share of right answers in images of the model's own captions."""
CODEC_MARGIN = 0.05
"""Largest distance below the codec's round trip; twice as much for readers' sentences."""
LONG_MARGIN = 0.03
"""Largest distance of panels 16 to 25 below panels 1 to 10."""

Columns = Mapping[str, Mapping[str, Share]]


def verdict(results: Mapping[str, Columns]) -> str:
    """Return every goal beside its measurement, as a Markdown table.

    Args:
        results: Columns by measurement (`ladder`, `stories`, `steer`, `long`); rows of missing ones
            stay open.
    """

    def value(measurement: str, column: str, metric: str) -> float | None:
        share = results.get(measurement, {}).get(column, {}).get(metric)
        return None if share is None else share.value

    lines = [
        "| goal | wanted | reached | |",
        "|---|---|---|---|",
    ]

    def row(goal: str, wanted: float | None, reached: float | None) -> None:
        is_open = wanted is None or reached is None
        mark = "open" if is_open else "yes" if reached >= wanted - 1e-9 else "**no**"  # type: ignore[operator]
        lines.append(f"| {goal} | {_percent(wanted)} | {_percent(reached)} | {mark} |")

    for metric, goal in GOALS.items():
        row(f"own caption: {metric}", goal, value("stories", "own caption", metric))
    for metric in GOALS:
        codec = value("ladder", "codec", metric)
        own = value("stories", "own caption", metric)
        row(f"own caption against the codec: {metric}", _less(codec, CODEC_MARGIN), own)
    for column in ("known wording", "new wording"):
        for metric, goal in GOALS.items():
            codec = value("ladder", "codec", metric)
            wanted = goal - CODEC_MARGIN
            if codec is not None:
                wanted = max(wanted, codec - 2 * CODEC_MARGIN)
            row(f"reader's sentence, {column}: {metric}", wanted, value("steer", column, metric))
    for sink in ("multimodal attention sink", "capped multimodal attention sink"):
        for metric in GOALS:
            early, late = (value("long", f"{sink} {part}", metric) for part in ("1–10", "16–25"))
            name = f"panels 16–25 against 1–10, {sink}: {metric}"
            row(name, _less(early, LONG_MARGIN), late)
    return "\n".join(lines)


def _less(value: float | None, margin: float) -> float | None:
    return None if value is None else value - margin


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f} %"
