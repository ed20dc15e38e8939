"""Every scene can be drawn, the same each time, and no image hides what it should show."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from storyworld.drawing.compose import MARGIN, layout, render, render_image
from storyworld.drawing.pen import Pen
from storyworld.drawing.placing import covered
from storyworld.drawing.sampling import random_scene
from storyworld.drawing.stage import FRAME
from storyworld.drawing.things import FLYING, PLANTED, flying, planted, shape
from storyworld.scene import (
    EXPRESSIONS,
    FRAMINGS,
    POSES,
    SPOTS,
    TIMES,
    WEATHERS,
    WHERES,
    Actor,
    Scene,
    Thing,
)
from storyworld.world import CHARACTERS, PLACES, THINGS

skia = pytest.importorskip("skia")
SIZE = 64
STATES = [(kind.name, state) for kind in THINGS.values() for state in kind.states]
ALONE = Scene("garden", (Actor("fox"),))


def scenes(count: int, seed: int = 0, **fixed: Any) -> list[Scene]:
    rng = random.Random(seed)
    return [random_scene(rng, **fixed) for _ in range(count)]


@cache
def pixels(scene: Scene, size: int = SIZE) -> np.ndarray:
    return render(scene, size)


def differs(one: Scene, other: Scene) -> int:
    """How many pixels are clearly another colour."""
    apart = np.abs(pixels(one).astype(int) - pixels(other).astype(int)).max(axis=-1)
    return int((apart > 24).sum())


# --- scenes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong",
    [
        {"place": "moon"},
        {"time": "noon"},
        {"weather": "fog"},
        {"camera": "far"},
        {"framing": "top"},
        {"actors": ()},
        {"actors": (Actor("fox"), Actor("fox"))},
        {"actors": tuple(map(Actor, list(CHARACTERS)[:5]))},
        {"actors": (Actor("fox", spot="shoulders"),)},
        {"actors": (Actor("fox", spot="water"),)},
        {"actors": (Actor("fox", spot="bed"),)},
        {"things": (Thing("kite", "hand", "", 1),)},
        {"things": (Thing("boat", "water"),)},
        {"things": tuple(Thing(kind, "floor") for kind in ("kite", "ball", "key", "box"))},
        {"things": (Thing("drum", "both", "", 0), Thing("key", "hand", "", 0))},
        {"things": (Thing("kite", "floor"),), "camera": "close"},
        {"place": "kitchen", "things": (Thing("kite", "sky"),)},
        {"actors": tuple(map(Actor, list(CHARACTERS)[:3])), "camera": "close"},
        {"actors": (Actor("fox", spot="high"),), "camera": "close"},
    ],
)
def test_an_impossible_scene_is_refused(wrong: dict[str, Any]):
    with pytest.raises(ValueError, match=r"\w"):
        replace(ALONE, **wrong)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Actor("wolf"),
        lambda: Actor("fox", "fly"),
        lambda: Actor("fox", "stand", "proud"),
        lambda: Actor("fox", facing="up"),  # type: ignore[arg-type]
        lambda: Actor("fox", spot="sky"),
        lambda: Thing("telescope", "floor"),
        lambda: Thing("kite", "inside"),
        lambda: Thing("kite", "floor", "open"),
        lambda: Thing("kite", "hand"),
        lambda: Thing("kite", "floor", "", 0),
    ],
)
def test_what_the_world_does_not_know_is_refused(make):
    with pytest.raises(ValueError, match=r"\w"):
        make()


def test_actors_look_at_each_other_unless_told():
    three = replace(ALONE, actors=(Actor("fox"), Actor("bear", facing="left"), Actor("cat")))
    assert [three.facing(index) for index in range(3)] == ["right", "left", "left"]
    assert ALONE.facing(0) == "right"


def test_random_scenes_show_everything():
    many = scenes(1500)
    assert {thing.where for scene in many for thing in scene.things} == set(WHERES)
    assert {(t.kind, t.state) for scene in many for t in scene.things} == set(STATES)
    assert {(a.species, a.spot) for s in many for a in s.actors} == {
        (species, spot) for species in CHARACTERS for spot in SPOTS
    }


# --- drawings -------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", THINGS)
def test_every_thing_has_a_drawing_of_its_size_in_every_state(kind: str):
    drawn = []
    for state in THINGS[kind].states:
        for find in (shape, flying, planted):
            look = find(kind, state)
            image = np.zeros((160, 160, 4), np.uint8)
            canvas = skia.Surface(image).getCanvas()
            canvas.translate(80, 80)
            look.draw(Pen(canvas))
            rows, columns = np.nonzero(image[..., 3])
            assert len(rows) > 150, (kind, state)
            assert 24 <= max(look.width, look.height) <= 130
            # Nothing but a shine may go beyond what the drawing says of itself.
            if state != "lit" and find is shape:
                wide, high = np.ptp(columns) + 1, np.ptp(rows) + 1
                assert wide <= look.width + 8 and high <= look.height + 8, (kind, state)
                assert wide >= look.width / 2 and high >= look.height / 2, (kind, state)
            if find is shape:
                drawn.append(image.tobytes())
    assert len(set(drawn)) == len(THINGS[kind].states), "every state is seen"


def test_what_flies_or_grows_is_a_thing():
    assert {*FLYING, *PLANTED} <= set(STATES)


@pytest.mark.parametrize("kind", THINGS)
def test_every_thing_is_seen_in_an_image(kind: str):
    for state in THINGS[kind].states:
        assert differs(ALONE, replace(ALONE, things=(Thing(kind, "floor", state),))) > 20, state


@pytest.mark.parametrize("species", CHARACTERS)
def test_every_pose_and_face_of_everybody_is_seen(species: str):
    standing = replace(ALONE, actors=(Actor(species),))
    poses = [replace(ALONE, actors=(Actor(species, pose),)) for pose in POSES]
    faces = [replace(ALONE, actors=(Actor(species, "stand", face),)) for face in EXPRESSIONS]
    assert len({pixels(scene).tobytes() for scene in (*poses, *faces)}) == len(poses + faces) - 1
    assert min(differs(standing, scene) for scene in poses[1:]) > 10


@pytest.mark.parametrize("place", PLACES)
def test_every_place_is_drawn_in_every_light_and_framing(place: str):
    seen = set()
    for framing in FRAMINGS:
        for weather in WEATHERS:
            for time in TIMES:
                scene = Scene(place, (Actor("fox"),), (), time, weather, framing=framing)
                image = pixels(scene, 32)
                assert image.shape == (32, 32, 3) and image.dtype == np.uint8
                assert image.std() > 5, "an empty image"
                seen.add(image.tobytes())
    assert len(seen) == len(FRAMINGS) * len(TIMES) * len(WEATHERS)


@pytest.mark.parametrize("place", PLACES)
def test_places_look_different_from_each_other(place: str):
    scene = replace(ALONE, place=place)
    for other in set(PLACES) - {place}:
        assert differs(scene, replace(ALONE, place=other)) > SIZE * SIZE / 8


def test_the_dark_is_dark_and_what_shines_is_seen():
    dark = replace(ALONE, place="cave", dark=True)
    lit = replace(dark, things=(Thing("lantern", "hand", "lit", 0),))
    assert pixels(dark).mean() < pixels(lit).mean() < pixels(replace(dark, dark=False)).mean()


# --- sameness -------------------------------------------------------------------------------------


def test_the_same_scene_gives_the_same_pixels():
    for scene in scenes(12):
        assert np.array_equal(render(scene, SIZE), render(replace(scene), SIZE))


def test_threads_draw_the_same_pixels():
    many = scenes(24, seed=1)
    alone = [render(scene, SIZE) for scene in many]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda scene: render(scene, SIZE), many * 2))
    for scene, one, other in zip(many * 2, alone * 2, together, strict=True):
        assert np.array_equal(one, other), scene


def test_an_image_belongs_to_whoever_asked():
    first = render(ALONE, SIZE)
    kept = first.copy()
    render(replace(ALONE, place="cave"), SIZE)
    assert np.array_equal(first, kept)


def test_sizes_show_the_same():
    for scene in scenes(4, seed=2):
        small, large = render_image(scene, 32), render_image(scene, 128).resize((32, 32))
        assert np.abs(np.asarray(small, int) - np.asarray(large, int)).mean() < 14


def test_a_shift_moves_the_image_and_its_boxes():
    scene = scenes(1, seed=3)[0]
    still, moved = render(scene, 256), render(scene, 256, (8.0, -4.0))
    assert not np.array_equal(still, moved)
    apart = np.abs(still[40:200, 40:200].astype(int) - moved[36:196, 48:208].astype(int))
    assert apart.mean() < 12
    (x0, y0, *_), (x1, y1, *_) = layout(scene).heads[0], layout(scene, (8.0, -4.0)).heads[0]
    assert (x1 - x0, y1 - y0) == pytest.approx((8.0, -4.0))
    far = render(scene, SIZE, (99.0, 0.0))
    assert np.array_equal(far, render(scene, SIZE, (float(MARGIN), 0.0)))


# --- layout ---------------------------------------------------------------------------------------


def test_boxes_are_inside_the_frame():
    for scene in scenes(60, seed=4):
        boxes = layout(scene)
        assert len(boxes.heads) == len(boxes.bodies) == len(scene.actors)
        assert len(boxes.things) == len(scene.things)
        for left, top, right, bottom in (*boxes.heads, *boxes.things):
            assert 0 <= left < right <= FRAME and 0 <= top < bottom <= FRAME
            assert right - left > 8 and bottom - top > 8
        for left, top, right, bottom in boxes.bodies:
            assert 0 <= left <= right <= FRAME and 0 <= top <= bottom <= FRAME


def test_no_face_is_under_a_thing():
    for scene in scenes(60, seed=5):
        boxes = layout(scene)
        for thing, box in zip(scene.things, boxes.things, strict=True):
            for index, head in enumerate(boxes.heads):
                own_hat = thing.where == "head" and thing.who == index
                assert covered(box, head) <= (0.25 if own_hat else 0.16), (thing, scene)


def test_faces_are_apart_and_in_order():
    for scene in scenes(60, seed=6, camera="wide"):
        heads = layout(scene).heads
        for one in range(len(heads)):
            for other in range(one):
                assert covered(heads[one], heads[other]) < 0.35, scene
        walking = [h for h, a in zip(heads, scene.actors, strict=True) if a.spot != "shoulders"]
        middles = [left + right for left, _, right, _ in walking]
        assert middles == sorted(middles)


def test_a_close_image_shows_larger_faces():
    pair = (Actor("fox"), Actor("bear"))
    wide, close = (layout(Scene("hill", pair, camera=camera)) for camera in ("wide", "close"))
    for far, near in zip(wide.heads, close.heads, strict=True):
        assert near[2] - near[0] > 1.15 * (far[2] - far[0])
