"""`python app.py` whose denoising steps take a second while the file `$HELD_BY` exists.

A test that has to look at a turn in the middle holds it, and lets it go when it has seen enough;
how long its other clicks take on a busy machine then does not matter.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from demo.__main__ import main

HELD_BY = "HELD_BY"
HELD_SECONDS = 1.0
"""Long enough that a turn of some dozen steps outlives any test, short enough for `stop`."""


def hold_steps(held_by: Path) -> None:
    """Make every denoising step of this process slow while a file exists."""
    from seedstory_core.models.detokenizer import DeTokenizer, Drawing, DrawStep

    advance = DeTokenizer.advance

    def held(self: DeTokenizer, drawings: Sequence[Drawing]) -> list[DrawStep]:
        if held_by.exists():
            time.sleep(HELD_SECONDS)
        return advance(self, drawings)

    DeTokenizer.advance = held  # type: ignore[method-assign]


if __name__ == "__main__":
    hold_steps(Path(os.environ[HELD_BY]))
    sys.exit(main())
