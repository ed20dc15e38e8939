"""The colours, read from `assets/palette.json`, their only home."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from types import MappingProxyType

from seedstory_core.config.paths import project_path


@functools.cache
def load_palette(name: str) -> Mapping[str, str]:
    """Return colours `#rrggbb` by name.

    Palettes are those of the `page`, its `drawings`, and a `book`, which is `book-dark` on screens
    that are set to dark.
    """
    palettes = json.loads(project_path("assets/palette.json").read_text("utf-8"))
    return MappingProxyType(palettes[name])


def css_variables(palette: Mapping[str, str], where: str = ":root") -> str:
    """Return a palette as a CSS rule, for `var(--name)` in the elements that a selector names."""
    return (
        f"{where} {{ " + " ".join(f"--{name}: {colour};" for name, colour in palette.items()) + " }"
    )
