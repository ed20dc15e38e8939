"""Recognises unkind text: words that no picture book says.

A list of patterns (`unkind.txt`) decides, so that anybody can read which words are refused. It
names insults and deeds, never groups of people: a word for who somebody is, is never unkind.
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
    """Whether a text contains something that no picture book says."""
    plain = text.replace("’", "'").replace("‘", "'")
    return _patterns().search(plain) is not None
