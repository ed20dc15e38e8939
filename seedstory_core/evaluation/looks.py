"""Whether characters keep their names, clothes and colours in every panel.

An image is compared with the drawing of its caption's scene, by the mean colours of each actor's
face and dressed body. In texts, every mention of somebody's species or clothes is checked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import numpy as np
from PIL import Image, ImageCms

from seedstory_core.data.draw import layout, render_image
from seedstory_core.data.world import CHARACTERS, Scene

CLOSE_COLOUR = 10.0
"""Largest colour difference (CIE 1976, in Lab) at which an area counts as right; far below the
difference of any two clothes or coats of the world."""

_TO_LAB = ImageCms.buildTransformFromOpenProfiles(
    ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB"
)
_NAMES = {character.name: character for character in CHARACTERS.values()}
_SAID = re.compile(
    rf"\b(?P<name>{'|'.join(_NAMES)})"
    rf"(?: the (?P<species>{'|'.join(CHARACTERS)}))?"
    rf"(?:,? in (?P<pronoun>her|his) (?P<clothes>[a-z ]*?"
    rf"(?:{'|'.join(character.clothes.split()[-1] for character in CHARACTERS.values())})))?"
)
_OWN = {"she": "her", "he": "his"}


def colours_kept(
    scenes: Sequence[Scene], images: Sequence[Image.Image]
) -> dict[str, tuple[int, int]]:
    """Count the actors whose face and body have the colours of the drawing.

    Args:
        scenes: Scenes that the images should show.
        images: The images, square.

    Returns:
        By species: right appearances, and all.
    """
    found = {species: (0, 0) for species in CHARACTERS}
    for scene, image in zip(scenes, images, strict=True):
        drawn, seen = _lab(render_image(scene, image.width)), _lab(image)
        plan = layout(scene)
        for actor, head, body in zip(scene.actors, plan.heads, plan.bodies, strict=True):
            is_right = all(
                np.linalg.norm(_mean(drawn, box) - _mean(seen, box)) <= CLOSE_COLOUR
                for box in (head, body)
            )
            right, count = found[actor.species]
            found[actor.species] = (right + int(is_right), count + 1)
    return found


def names_kept(captions: Iterable[str]) -> tuple[int, int]:
    """Count the mentions of somebody's species or clothes: right ones, and all.

    `Mira the fox` and `Mira, in her green jumper,` are right, `Mira the bear` is not.
    """
    right = count = 0
    for caption in captions:
        for said in _SAID.finditer(caption):
            character = _NAMES[said["name"]]
            if said["species"]:
                count += 1
                right += said["species"] == character.species
            if said["clothes"]:
                count += 1
                worn = (_OWN[character.pronoun], character.clothes)
                right += (said["pronoun"], said["clothes"]) == worn
    return right, count


def _lab(image: Image.Image) -> np.ndarray:
    """Return `[height, width, 3]`: lightness 0 … 100, a and b around 0."""
    stored = ImageCms.applyTransform(image.convert("RGB"), _TO_LAB)
    assert stored is not None
    values = np.asarray(stored).astype(np.float32)
    # Pillow stores a and b as signed bytes.
    signed = np.where(values[..., 1:] > 127, values[..., 1:] - 256, values[..., 1:])
    return np.concatenate([values[..., :1] * (100 / 255), signed], axis=-1)


def _mean(lab: np.ndarray, box: tuple[float, float, float, float]) -> np.ndarray:
    left, top, right, bottom = (round(edge * len(lab) / 256) for edge in box)
    return lab[top : max(bottom, top + 1), left : max(right, left + 1)].mean((0, 1))
