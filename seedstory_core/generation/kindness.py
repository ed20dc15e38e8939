"""What a picture book does not say, and a reader's lines that hold it.

A list of patterns (`unkind.txt`) decides, so that anybody can read what is turned away and why. It
names words and deeds, never groups of people: who somebody is, is never unkind.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path


@cache
def _patterns() -> re.Pattern[str]:
    lines = (Path(__file__).parent / "unkind.txt").read_text(encoding="utf-8").splitlines()
    patterns = [line for line in lines if line and not line.startswith("#")]
    return re.compile(rf"(?<!\w)(?:{'|'.join(patterns)})(?!\w)", re.IGNORECASE)


def is_unkind(text: str) -> bool:
    """Whether a line holds something that a picture book does not say."""
    plain = text.replace("’", "'").replace("‘", "'")
    return _patterns().search(plain) is not None
