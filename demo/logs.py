"""What the command writes: what happened, without the ids of stories.

An id is the only key to its story, and others than its reader read and keep logs. Paths, messages
and tracebacks of any library may hold one, whether they are logged or printed, so it is taken out
of both output streams.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Iterable
from typing import Any, TextIO

STORY_ID = re.compile(r"(?<![\w-])(?=[\w-]*[a-z])(?=[\w-]*[A-Z])[A-Za-z0-9_-]{22}(?![\w-])")
"""128 random bits as text; nearly all have small and capital letters, and hardly any word has."""


class WithoutIds:
    """An output stream that shows three dots in place of a story's id."""

    def __init__(self, stream: TextIO) -> None:
        """Write to a stream."""
        self._stream = stream

    def write(self, text: str) -> int:
        """Write a text without ids."""
        self._stream.write(STORY_ID.sub("...", text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write lines without ids."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def begin_log() -> None:
    """Log to the standard error output, and let no id through to that or to standard output."""
    sys.stdout, sys.stderr = WithoutIds(sys.stdout), WithoutIds(sys.stderr)
    form = "%(asctime)s %(levelname)s %(name)s: %(message)s"
    logging.basicConfig(level=logging.INFO, format=form, stream=sys.stderr)
    logging.getLogger("httpx").setLevel(logging.WARNING)  # Gradio polls its own server at the start
