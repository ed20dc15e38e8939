"""Settings and seed for the tokens of one caption.

`sampler.py` applies them. This module does not import torch, so that the page can use it early.
"""

from __future__ import annotations

import dataclasses
import secrets
from dataclasses import dataclass
from typing import Any

from seedstory_core.config import SamplingConfig
from seedstory_core.config.fields import check_settings
from seedstory_core.errors import InputError


@dataclass(frozen=True)
class Sampling(SamplingConfig):
    """How the tokens of one caption are chosen, as recorded with every panel."""

    seed: int = 0
    """Seed of the random choice."""

    def __post_init__(self) -> None:
        """Refuse values out of range.

        Raises:
            InputError: A value is out of range.
        """
        check_settings("", self, InputError)

    @classmethod
    def of(cls, config: SamplingConfig, seed: int, **changes: Any) -> Sampling:
        """Return the configured sampling with a seed and a reader's changes."""
        return cls(**{**dataclasses.asdict(config), **changes}, seed=seed)


def new_seed() -> int:
    """Return a random seed below 2**31."""
    return secrets.randbelow(2**31)
