"""The log of the command: what happened, without the ids of stories.

An id is the only key to its story, and others than its reader read and keep logs. Paths
and messages of any library may hold one, so it is taken out of the finished line.
"""

from __future__ import annotations

import logging
import re
import sys

STORY_ID = re.compile(r"(?<![\w-])(?=[\w-]*[a-z])(?=[\w-]*[A-Z])[A-Za-z0-9_-]{22}(?![\w-])")
"""128 random bits as text; nearly all have small and capital letters, and hardly any word has."""


class WithoutIds(logging.Formatter):
    """A formatter that shows three dots in place of a story's id, in tracebacks, too."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        return STORY_ID.sub("…", super().format(record))


def begin_log() -> None:
    """Log to the standard error output."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(WithoutIds("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    logging.getLogger("httpx").setLevel(logging.WARNING)  # Gradio polls its own server at the start
