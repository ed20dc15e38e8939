"""Show a training what is rare more often: repeat factors.

Somebody alone who looks to the left, or a certain thing, is in two to five of a hundred pictures of
stories, and was what the de-tokenizer drew worst (`docs/notebook.md`, 24 and 25).

Source: LVIS (Gupta, Dollár, Girshick 2019, arXiv:1908.03195), repeat factor sampling. A trait that
a share f of the pictures has counts `max(1, sqrt(threshold / f))`, and a picture as much as its
rarest trait.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence

import numpy as np

from seedstory_core.data.world import Scene


def traits(scene: Scene) -> frozenset[Hashable]:
    """What a picture shows that may be rare: the prop, poses near and far, the first one's facing.

    Places, characters and moods are common in stories and left out, or nearly every picture would
    count as rare.
    """
    poses = {("pose", actor.pose, scene.camera) for actor in scene.actors}
    facing = ("facing", len(scene.actors), scene.facing(0))
    return frozenset({*poses, facing, ("prop", scene.prop)})


def repeat_factors(scenes: Sequence[Scene], threshold: float) -> np.ndarray:
    """How often each picture should come, `[N]`, at least 1.

    Args:
        scenes: What is true of each picture.
        threshold: The share of the pictures from which on a trait is common, in (0, 1].
    """
    found = [traits(scene) for scene in scenes]
    counts = Counter(trait for those in found for trait in those)
    shares = {trait: count / len(scenes) for trait, count in counts.items()}
    factors = {trait: max(1.0, (threshold / share) ** 0.5) for trait, share in shares.items()}
    return np.array([max(factors[trait] for trait in those) for those in found])
