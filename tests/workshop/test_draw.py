import random
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from seedstory_core.data.draw import MAX_SHIFT, Layout, layout, random_scene, render, render_image
from seedstory_core.data.draw_props import SHAPES
from seedstory_core.data.world import (
    CAMERAS,
    CHARACTERS,
    EXPRESSIONS,
    PLACES,
    POSES,
    PROPS,
    TIMES,
    WEATHERS,
    Actor,
    Scene,
)

SCENE = Scene("hill", (Actor("fox"), Actor("duck")), prop="ball", holder=0)


def scenes(count: int, seed: int = 0) -> list[Scene]:
    rng = random.Random(seed)
    return [random_scene(rng) for _ in range(count)]


def differs(one: np.ndarray, other: np.ndarray) -> int:
    """Return how many pixels are clearly another colour."""
    return int((np.abs(one.astype(int) - other.astype(int)).max(axis=-1) > 24).sum())


def overlap(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    """The smaller side of what two boxes share; 0 when they are apart."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    return max(0.0, min(width, height))


def distance_from_face(box: tuple[float, ...], head: tuple[float, ...]) -> float:
    """How near a box comes to the middle of a face, where 1 is the edge of the round head."""
    x, y = (head[0] + head[2]) / 2, (head[1] + head[3]) / 2
    dx = (min(max(x, box[0]), box[2]) - x) / ((head[2] - head[0]) / 2)
    dy = (min(max(y, box[1]), box[3]) - y) / ((head[3] - head[1]) / 2)
    return float(np.hypot(dx, dy))


def all_distinct(variants: list[Scene], at_least: int) -> None:
    images = [render(scene, 128) for scene in variants]
    for (i, one), (j, other) in combinations(enumerate(images), 2):
        assert differs(one, other) >= at_least, (variants[i], variants[j])


@pytest.mark.parametrize(("size", "count"), [(64, 150), (128, 100), (256, 60)])
def test_any_scene_is_drawn_at_any_size(size: int, count: int) -> None:
    for scene in scenes(count, seed=size):
        image = render(scene, size)
        assert image.shape == (size, size, 3)
        assert image.dtype == np.uint8
        assert image.std() > 10


def test_the_same_scene_gives_the_same_image() -> None:
    for scene in scenes(10, seed=1):
        first = render(scene, 128)
        render(SCENE, 128)
        assert np.array_equal(first, render(scene, 128))


def test_images_are_not_overwritten_by_the_next_one() -> None:
    first = render(SCENE, 64)
    copy = first.copy()
    render(replace(SCENE, place="beach"), 64)
    assert np.array_equal(first, copy)


def test_a_pil_image_shows_the_same_pixels() -> None:
    assert np.array_equal(np.asarray(render_image(SCENE, 96)), render(SCENE, 96))


def test_every_place_time_and_weather_looks_different() -> None:
    for place in PLACES:
        base = replace(SCENE, place=place)
        all_distinct([replace(base, time=time) for time in TIMES], 3000)
        all_distinct([replace(base, weather=weather) for weather in WEATHERS], 150)
    all_distinct([replace(SCENE, place=place) for place in PLACES], 2000)
    all_distinct([replace(SCENE, camera=camera) for camera in CAMERAS], 3000)


def test_every_character_looks_different() -> None:
    all_distinct([Scene("hill", (Actor(species),)) for species in CHARACTERS], 900)


def test_every_pose_expression_and_facing_looks_different_on_everybody() -> None:
    for species in CHARACTERS:
        # Frogs, bears and penguins must frown as clearly as anybody else.
        actor = Actor(species)
        faces = [replace(actor, expression=expression) for expression in EXPRESSIONS]
        all_distinct([Scene("beach", (face,)) for face in faces], 60)
        poses = [replace(actor, pose=pose) for pose in POSES]
        all_distinct([Scene("beach", (pose,)) for pose in poses], 100)
        left, right = replace(actor, facing="left"), replace(actor, facing="right")
        all_distinct([Scene("beach", (left,)), Scene("beach", (right,))], 300)


def test_every_prop_looks_different_wherever_it_is() -> None:
    for holder in (0, 1, "ground", "high"):
        variants = [replace(SCENE, prop=prop, holder=holder) for prop in PROPS]
        all_distinct([*variants, replace(SCENE, prop=None, holder=None)], 40)
    all_distinct([replace(SCENE, holder=holder) for holder in (0, 1, "ground", "high")], 150)


def test_boxes_lie_inside_the_image() -> None:
    for scene in scenes(600, seed=2):
        found = layout(scene)
        assert len(found.heads) == len(found.bodies) == len(scene.actors)
        assert (found.prop is None) == (scene.prop is None)
        for left, top, right, bottom in _boxes(found):
            assert 0 <= left < right <= 256
            assert 0 <= top < bottom <= 256


def test_nobody_covers_anybody_and_props_leave_faces_free() -> None:
    for scene in scenes(2000, seed=3):
        found = layout(scene)
        for one, other in combinations(found.heads, 2):
            assert overlap(one, other) == 0, scene
        for one, other in combinations(found.bodies, 2):
            assert overlap(one, other) == 0, scene
        for head in found.heads:
            assert found.prop is None or distance_from_face(found.prop, head) > 0.9, scene


def test_props_are_whole_and_a_tenth_of_the_width() -> None:
    for scene in scenes(1500, seed=4):
        found = layout(scene)
        if found.prop is not None:
            assert found.prop[2] - found.prop[0] >= 26, scene
            assert found.prop[3] - found.prop[1] >= 18, scene


def test_props_are_drawn_inside_their_box() -> None:
    for prop in SHAPES:
        shown = replace(SCENE, prop=prop, holder="ground")
        found = layout(shown).prop
        without = replace(SCENE, prop=None, holder=None)
        changed = np.abs(render(shown).astype(int) - render(without).astype(int)).max(axis=-1)
        # The light of a lantern and a shadow reach further; neither is this strong.
        rows, columns = np.nonzero(changed > 90)
        assert found is not None
        box = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
        assert all(abs(a - b) <= 5 for a, b in zip(found, box, strict=True)), (prop, found, box)


def test_layout_points_at_the_faces() -> None:
    for species in CHARACTERS:
        happy = Scene("hill", (Actor("bear" if species != "bear" else "cat"), Actor(species)))
        sad = replace(happy, actors=(happy.actors[0], Actor(species, expression="sad")))
        changed = np.abs(render(happy).astype(int) - render(sad).astype(int)).max(axis=-1) > 40
        rows, columns = np.nonzero(changed)
        left, top, right, bottom = layout(happy).heads[1]
        # A trunk hangs below the face, the brows of a frog stand above it.
        assert left - 4 <= columns.min() and columns.max() <= right + 4
        assert top - 9 <= rows.min() and rows.max() <= bottom + 16


def test_a_seed_moves_things_by_two_pixels_at_most() -> None:
    still = layout(SCENE)
    seen = set()
    for seed in range(200):
        moved = layout(replace(SCENE, seed=seed))
        for one, other in combinations((still, moved), 2):
            for a, b in zip(_boxes(one), _boxes(other), strict=True):
                assert max(abs(x - y) for x, y in zip(a, b, strict=True)) <= 2 * MAX_SHIFT
        seen.add(moved.heads[0])
    assert len(seen) == (2 * MAX_SHIFT + 1) ** 2
    small = [render(replace(SCENE, seed=seed), 64).astype(int) for seed in range(3)]
    assert all(np.abs(small[0] - other).mean() < 12 for other in small)


def test_random_scenes_cover_the_world() -> None:
    many = scenes(3000, seed=5)
    actors = [actor for scene in many for actor in scene.actors]
    assert {scene.place for scene in many} == set(PLACES)
    assert {scene.prop for scene in many} == {*PROPS, None}
    assert {scene.holder for scene in many} == {None, 0, 1, 2, "ground", "high"}
    assert {len(scene.actors) for scene in many} == {1, 2, 3}
    for values, known in (
        ([actor.species for actor in actors], CHARACTERS),
        ([actor.pose for actor in actors], POSES),
        ([actor.expression for actor in actors], EXPRESSIONS),
    ):
        counts = [values.count(value) for value in known]
        assert min(counts) > 0.85 * len(values) / len(known)
    close = sum(scene.camera == "close" for scene in many) / len(many)
    clear = sum(scene.weather == "clear" for scene in many) / len(many)
    unasked = sum(actor.facing is None for actor in actors) / len(actors)
    assert 0.2 < close < 0.3
    assert 0.55 < clear < 0.65
    assert unasked > 0.6


def _boxes(found: Layout) -> list[tuple[float, float, float, float]]:
    return [*found.heads, *found.bodies, *([found.prop] if found.prop else [])]
