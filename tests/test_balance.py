"""What is rare comes more often, and nothing comes less often than it would."""

from __future__ import annotations

import numpy as np
import pytest

from seedstory_core.data.world import Actor, Scene
from seedstory_core.training.balance import repeat_factors, traits

COMMON = Scene("garden", (Actor("fox"),))
BACK = Scene("garden", (Actor("fox", facing="left"),))
BALL = Scene("garden", (Actor("fox"),), prop="ball", holder=0)
NEAR = Scene("garden", (Actor("fox", "jump"),), camera="close")


def test_a_picture_counts_as_much_as_its_rarest_trait() -> None:
    scenes = [COMMON] * 96 + [BACK] * 4
    factors = repeat_factors(scenes, 0.25)
    assert factors[:96] == pytest.approx(np.ones(96))
    assert factors[96:] == pytest.approx(np.full(4, 2.5))  # sqrt(0.25 / 0.04)


@pytest.mark.parametrize("rare", [BACK, BALL, NEAR])
def test_facing_props_and_near_poses_are_traits(rare: Scene) -> None:
    assert traits(rare) - traits(COMMON)
    assert repeat_factors([COMMON] * 19 + [rare], 0.2)[-1] == pytest.approx(2.0)


def test_what_is_common_everywhere_stays_as_it_is() -> None:
    assert repeat_factors([COMMON, BACK], 0.2) == pytest.approx(np.ones(2))
