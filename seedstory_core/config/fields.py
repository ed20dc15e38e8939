"""Helpers for config fields: checks, and settings with a range.

A setting carries its label, range and meaning, so that the page, the API and the docs iterate over
fields instead of repeating them.
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
    """Range and texts of a setting.

    Attributes:
        lowest: The least value.
        highest: The greatest value.
        step: Distance between two values of the slider.
        label: Name on the page; empty if neither the page nor the API offers the setting.
        meaning: What the setting does, in words for readers of stories.
        shown: Range of the slider, if narrower than the whole range.
        key: Name in the API; empty for the field's name.
    """

    lowest: float
    highest: float
    step: float = 1
    label: str = ""
    meaning: str = ""
    shown: tuple[float, float] | None = None
    key: str = ""


def setting(default: Any, lowest: float, highest: float, **more: Any) -> Any:
    """Return a dataclass field that carries a `Setting`; `more` are its further attributes."""
    return dataclasses.field(
        default=default, metadata={"setting": Setting(lowest, highest, **more)}
    )


def settings_of(config: Any) -> dict[str, Setting]:
    """Return the settings of a dataclass by field name."""
    return {
        item.name: item.metadata["setting"]
        for item in dataclasses.fields(config)
        if "setting" in item.metadata
    }


def check_settings(owner: str, config: Any, error: type[Exception] = ConfigError) -> None:
    """Refuse settings out of their range.

    Raises:
        error: A value is out of range.
    """
    for name, one in settings_of(config).items():
        value = getattr(config, name)
        if not one.lowest <= value <= one.highest:
            where = f"{owner}.{name}" if owner else name
            raise error(f"{where} is {value:g}; it must be from {one.lowest:g} to {one.highest:g}.")


def check(is_possible: bool, message: str) -> None:
    """Raise `ConfigError` with `message` unless `is_possible`."""
    if not is_possible:
        raise ConfigError(message)


def check_one_of(name: str, value: str, choices: Sequence[str]) -> None:
    """Raise `ConfigError` if `value` is none of the choices; the text names the nearest."""
    if value not in choices:
        near = difflib.get_close_matches(value, choices, n=1)
        hint = f" Did you mean '{near[0]}'?" if near else ""
        raise ConfigError(f"{name} is '{value}'; it must be one of {', '.join(choices)}.{hint}")


def check_positive(owner: str, config: object, *names: str) -> None:
    """Raise `ConfigError` if a field or a number in its list is 0 or less, or its list is empty."""
    for name in names:
        value = getattr(config, name)
        values = value if isinstance(value, list) else [value]
        check(
            bool(values) and all(v > 0 for v in values),
            f"{owner}.{name} is {value}; it must be greater than 0.",
        )


def is_square(number: int) -> bool:
    """Whether `number` is a square number."""
    return math.isqrt(number) ** 2 == number
