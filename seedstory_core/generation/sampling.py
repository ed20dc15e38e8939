"""How the words of one caption are chosen: the settings and their seed.

`sampler.py` acts on them. Whoever only asks for words, as the page does, needs no torch.
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
    """How the words of one caption are chosen, as recorded with every panel."""

    seed: int = 0
    """Makes the choice reproducible."""

    def __post_init__(self) -> None:
        """Refuse values out of range.

        Raises:
            InputError: Names the value and its range.
        """
        check_settings("", self, InputError)

    @classmethod
    def of(cls, config: SamplingConfig, seed: int, **changes: Any) -> Sampling:
        """The configured sampling with a seed, and with what a reader changed."""
        return cls(**{**dataclasses.asdict(config), **changes}, seed=seed)


def new_seed() -> int:
    """A fresh random seed, small enough to read out."""
    return secrets.randbelow(2**31)
