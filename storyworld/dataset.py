"""Stories on disk in the format of the StoryStream data set, one JSON object a line.

`id`, `images`, `captions` and `orders` are StoryStream's; `reader_texts` (the part of each caption
a reader wrote), `hints`, `scenes` (one per image), `events`, `wishes` and `shared` (the number of
panels shared with the first story of the family) are ours; other programs ignore them. An image is
a pure function of its scene: `--draw` writes the files, training draws them itself.

`python -m storyworld.dataset FOLDER --stories 6000`
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import multiprocessing
import random
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from storyworld.drawing.compose import random_scene, render_image
from storyworld.scene import Actor, Scene, Thing
from storyworld.stories import SPLITS, Story, tell

IMAGE_SIZE = 512
SCENE_SEED = 1 << 41


def scene_to_json(scene: Scene) -> dict[str, Any]:
    """Return a scene as JSON."""
    return dataclasses.asdict(scene)


def scene_from_json(content: dict[str, Any]) -> Scene:
    """Return the scene of its JSON."""
    actors = tuple(Actor(**actor) for actor in content["actors"])
    things = tuple(Thing(**thing) for thing in content["things"])
    return Scene(**{**content, "actors": actors, "things": things})


def story_to_json(story: Story) -> dict[str, Any]:
    """Return a story as a line of the data set."""
    panels = story.panels
    return {
        "id": story.id,
        "images": [f"{story.id}/{number:02d}.png" for number in range(len(panels))],
        "captions": [panel.text for panel in panels],
        "orders": list(range(len(panels))),
        "reader_texts": [panel.reader_text for panel in panels],
        "hints": [panel.hint for panel in panels],
        "scenes": [scene_to_json(panel.scene) for panel in panels],
        "events": [panel.event for panel in panels],
        "wishes": [[kind, dict(roles), status] for kind, roles, status in story.wishes],
        "shared": story.shared,
    }


def tell_family(seed: int, split: str) -> list[dict[str, Any]]:
    """Tell one story and, for every fourth seed, two others that branch off it."""
    branches = 2 if seed % 4 == 0 else 0
    return [story_to_json(story) for story in tell(seed, split, branches=branches)]


def write_stories(
    folder: Path, split: str, seeds: Iterable[int], *, name: str = "", processes: int = 1
) -> Path:
    """Write `<name or split>.jsonl`; families that are there already are kept.

    The last of them may have been cut off, and is told again.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name or split}.jsonl"
    done = _drop_last_family(path) if path.exists() else set()
    waiting = [seed for seed in seeds if f"{seed:07d}" not in done]
    with path.open("a", encoding="utf-8") as file, multiprocessing.Pool(processes) as pool:
        for family in pool.imap(partial(tell_family, split=split), waiting, chunksize=4):
            file.write("".join(json.dumps(line) + "\n" for line in family))
            file.flush()
    return path


def _drop_last_family(path: Path) -> set[str]:
    """Remove the last family from a data set, and return the seeds of all others."""
    families: dict[str, int] = defaultdict(int)
    for line in path.read_bytes().splitlines(keepends=True):
        if line.endswith(b"\n"):
            families[json.loads(line)["id"].split("-")[1]] += len(line)
    if families:
        families.popitem()
    with path.open("r+b") as file:
        file.truncate(sum(families.values()))
    return set(families)


def write_scenes(folder: Path, count: int) -> Path:
    """Write `scenes.jsonl`: loose scenes without captions, from anywhere in the world."""
    path = folder / "scenes.jsonl"
    lines = []
    for number in range(count):
        scene = random_scene(random.Random(SCENE_SEED + number))
        row = {"id": f"scene-{number}", "images": [f"scenes/{number}.png"], "captions": [""]}
        lines.append(json.dumps({**row, "orders": [0], "scenes": [scene_to_json(scene)]}) + "\n")
    path.write_text("".join(lines), encoding="utf-8")
    return path


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the whole lines of a data set; a last line that was cut off is left out."""
    for line in path.read_bytes().splitlines(keepends=True):
        if line.endswith(b"\n"):
            yield json.loads(line)


def draw(path: Path, size: int = IMAGE_SIZE) -> None:
    """Draw the images of a data set into its folder."""
    for line in read_lines(path):
        for name, scene in zip(line["images"], line["scenes"], strict=True):
            target = path.parent / name
            target.parent.mkdir(parents=True, exist_ok=True)
            render_image(scene_from_json(scene), size).save(target)


def main() -> None:
    """Write a data set."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--split", choices=SPLITS, default="train")
    parser.add_argument("--stories", type=int, default=100)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--draw", action="store_true")
    given = parser.parse_args()
    seeds = range(given.first, given.first + given.stories)
    path = write_stories(given.folder, given.split, seeds, processes=given.processes)
    if given.draw:
        draw(path)


if __name__ == "__main__":
    main()
