"""Reads the text files of the world: blocks of lines, each line a keyword and its rest.

    == fetch.ladder
    tags solve
    do {A} *fetch {T} with {L}

A line that begins with two blanks continues the line before. `#` begins a comment.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent


@dataclass(frozen=True)
class Line:
    """One line of a block."""

    keyword: str
    rest: str
    where: str
    """File and line number, for error messages."""


@dataclass(frozen=True)
class Block:
    """A heading and its lines."""

    name: str
    lines: tuple[Line, ...]
    where: str

    def all(self, keyword: str) -> list[Line]:
        """Return every line with a keyword."""
        return [line for line in self.lines if line.keyword == keyword]


def read_blocks(path: Path) -> Iterator[Block]:
    """Yield the blocks of a file in order."""
    return parse_blocks(path.read_text(encoding="utf-8"), path.name)


def parse_blocks(content: str, source: str) -> Iterator[Block]:
    """Yield the blocks of a text in order; error messages name its `source`."""
    name, where, lines = "", "", list[Line]()
    for number, raw in enumerate(content.splitlines(), 1):
        text = raw.split(" #")[0].rstrip() if not raw.startswith("#") else ""
        if not text.strip():
            continue
        place = f"{source}:{number}"
        if text.startswith("== "):
            if name:
                yield Block(name, tuple(lines), where)
            name, where, lines = text[3:].strip(), place, []
        elif raw.startswith("  ") and lines:
            last = lines[-1]
            lines[-1] = Line(last.keyword, f"{last.rest} {text.strip()}", last.where)
        else:
            keyword, _, rest = text.strip().partition(" ")
            lines.append(Line(keyword, rest.strip(), place))
    if name:
        yield Block(name, tuple(lines), where)
