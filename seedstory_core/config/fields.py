"""What fields of the configuration are made of: checks, and settings that readers may change.

A setting carries its label, its range and its meaning, so that the page, the API and the docs
iterate over fields instead of repeating them.
"""

from __future__ import annotations

import dataclasses
import difflib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from seedstory_core.errors import ConfigError


@dataclass(frozen=True)
class Setting:
    """What somebody who changes a setting has to know.

    Attributes:
        lowest: The least value.
        highest: The greatest value.
        step: From one value to the next, on a slider.
        label: Its name on the page; empty where the page and the API do not show it.
        meaning: What it does, in the reader's words.
        shown: The range of the slider, where that is less.
        key: Its name in the API; empty takes the field's.
    """

    lowest: float
    highest: float
    step: float = 1
    label: str = ""
    meaning: str = ""
    shown: tuple[float, float] | None = None
    key: str = ""


def setting(default: Any, lowest: float, highest: float, **more: Any) -> Any:
    """Make a dataclass field of a setting."""
    return dataclasses.field(
        default=default, metadata={"setting": Setting(lowest, highest, **more)}
    )


def settings_of(config: Any) -> dict[str, Setting]:
    """The settings of a dataclass, by field."""
    return {
        item.name: item.metadata["setting"]
        for item in dataclasses.fields(config)
        if "setting" in item.metadata
    }


def check_settings(owner: str, config: Any, error: type[Exception] = ConfigError) -> None:
    """Refuse settings out of their range."""
    for name, one in settings_of(config).items():
        value = getattr(config, name)
        if not one.lowest <= value <= one.highest:
            where = f"{owner}.{name}" if owner else name
            raise error(f"{where} is {value:g}; it must be from {one.lowest:g} to {one.highest:g}.")


def check(is_possible: bool, message: str) -> None:
    """Refuse what is not possible."""
    if not is_possible:
        raise ConfigError(message)


def check_one_of(name: str, value: str, choices: Sequence[str]) -> None:
    """Refuse a word that is none of the choices, and name the nearest."""
    if value not in choices:
        near = difflib.get_close_matches(value, choices, n=1)
        hint = f" Did you mean '{near[0]}'?" if near else ""
        raise ConfigError(f"{name} is '{value}'; possible are {', '.join(choices)}.{hint}")


def check_positive(owner: str, config: object, *names: str) -> None:
    """Refuse fields that are 0 or less, or lists with such a number."""
    for name in names:
        value = getattr(config, name)
        values = value if isinstance(value, list) else [value]
        check(
            bool(values) and all(v > 0 for v in values),
            f"{owner}.{name} is {value}; it must be greater than 0.",
        )


def is_square(number: int) -> bool:
    """Whether so many things form a square grid."""
    return math.isqrt(number) ** 2 == number
