"""Stories for training: lines in the format of the StoryStream data set.

`id`, `images`, `captions` and `orders` are the published fields. Further ones are optional:
`reader_texts` (the beginning of each caption that a reader wrote), `hints` (a reader's hint beside
it), `scenes` (a description of each image, in the data set's own form) and `shared` (the number
of panels that a story shares with an earlier one from which it branches off).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class StreamStory:
    """One line of a StoryStream file, in reading order.

    Attributes:
        id: Unique in the data set.
        images: Paths of the images.
        captions: One per image.
        reader_texts: The beginning of each caption that a reader wrote, or ''.
        hints: A reader's hint beside each caption, or ''.
        scenes: Description of each image; empty for data without them.
        shared: Number of panels shared with the story from which it branches off.
    """

    id: str
    images: tuple[Path, ...]
    captions: tuple[str, ...]
    reader_texts: tuple[str, ...]
    hints: tuple[str, ...]
    scenes: tuple[dict[str, Any], ...] = ()
    shared: int = 0


def read_stories(path: Path) -> Iterator[StreamStory]:
    """Read a StoryStream jsonl file; `orders` gives the order of panels."""
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            count = len(row["captions"])
            order = sorted(range(count), key=lambda index: row["orders"][index])

            def ordered(name: str, default: Any) -> tuple[Any, ...]:
                values = row.get(name) or [default] * count  # noqa: B023
                return tuple(values[index] for index in order)  # noqa: B023

            yield StreamStory(
                id=str(row["id"]),
                images=tuple(path.parent / name for name in ordered("images", "")),
                captions=ordered("captions", ""),
                reader_texts=ordered("reader_texts", ""),
                hints=ordered("hints", ""),
                scenes=ordered("scenes", None) if row.get("scenes") else (),
                shared=int(row.get("shared", 0)),
            )
