"""The colours, which stand in `assets/palette.json` and nowhere else."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from types import MappingProxyType

from seedstory_core.config.paths import project_path


@functools.cache
def load_palette(name: str) -> Mapping[str, str]:
    """Colours by name, as `#rrggbb`: of the `page`, of its `drawings`, or of a printed `book`."""
    palettes = json.loads(project_path("assets/palette.json").read_text("utf-8"))
    return MappingProxyType(palettes[name])


def css_variables(palette: Mapping[str, str]) -> str:
    """A palette as a rule of CSS, for `var(--name)`."""
    return ":root { " + " ".join(f"--{name}: {colour};" for name, colour in palette.items()) + " }"
