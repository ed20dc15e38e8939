"""Stories on disk in the format of the StoryStream data set.

One JSON object a line: `id`, `images` (files beside the jsonl), `captions`, `orders`. Ours carry
further keys that the published files lack and readers of the format ignore: `reader_texts` (the
part of each caption a reader wrote), `scenes` (what is true of each image) and `events`.

Write a data set with `python -m seedstory_core.data.storystream FOLDER --stories 6000`.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import multiprocessing
import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, cast

from seedstory_core.data.draw import random_scene, render_image
from seedstory_core.data.stories import Story, tell
from seedstory_core.data.world import Actor, Scene

Split = Literal["train", "validation", "test"]
SCENE_SEED = 3_000_000_000
"""Start of the loose scenes' row of seeds."""


@dataclass(frozen=True)
class StreamStory:
    """One line of a StoryStream file, in reading order.

    Attributes:
        id: Unique in the data set.
        images: Paths of the images; empty for stories that nobody drew.
        captions: One per image.
        reader_texts: The beginning of each caption that a reader wrote, or ''.
        scenes: What is true of each image; empty for data that does not say.
    """

    id: str
    images: tuple[Path, ...]
    captions: tuple[str, ...]
    reader_texts: tuple[str, ...]
    scenes: tuple[Scene, ...]


def read_stories(path: Path) -> Iterator[StreamStory]:
    """Read a StoryStream jsonl file; panels come in the order that `orders` gives."""
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            count = len(row["captions"])
            order = sorted(range(count), key=lambda index: row["orders"][index])
            readers = row.get("reader_texts", [""] * count)
            images = row["images"]
            scenes = row.get("scenes", [])
            yield StreamStory(
                id=str(row["id"]),
                images=tuple(path.parent / images[index] for index in order) if images else (),
                captions=tuple(row["captions"][index] for index in order),
                reader_texts=tuple(readers[index] for index in order),
                scenes=tuple(scene_from_json(scenes[index]) for index in order) if scenes else (),
            )


def write_stories(
    folder: Path, split: Split, seeds: range, *, image_size: int = 256, processes: int = 1
) -> Path:
    """Tell and draw a story per seed; returns the jsonl file `<folder>/<split>.jsonl`.

    The file appears when all stories are there; one that exists is left as it is.
    """
    jobs = ((folder, split, seed, image_size) for seed in seeds)
    return _write_lines(folder / f"{split}.jsonl", _write_story, jobs, processes)


def write_words(folder: Path, split: Split, seeds: range, *, processes: int = 1) -> Path:
    """Tell a story per seed without drawing it, `<folder>/words.jsonl`.

    Telling costs a fraction of drawing and encoding, and language needs the most stories.
    """
    jobs = ((split, seed) for seed in seeds)
    return _write_lines(folder / "words.jsonl", _write_telling, jobs, processes)


def write_scenes(folder: Path, count: int, *, image_size: int = 256, processes: int = 1) -> Path:
    """Draw scenes that belong to no story, `<folder>/scenes.jsonl`: images without captions.

    The image models need every combination of the world, also those no plot leads to. In every
    other scene somebody alone looks to the left, which is in two of a hundred images of stories
    and was drawn badly (`docs/notebook.md`, 25 and 26).
    """
    jobs = ((folder, number, image_size) for number in range(count))
    return _write_lines(folder / "scenes.jsonl", _write_scene, jobs, processes)


def _write_lines(
    target: Path, write: Callable[[Any], str], jobs: Iterable[Any], processes: int
) -> Path:
    if target.exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_suffix(".partial")
    with partial.open("w", encoding="utf-8") as lines:
        if processes == 1:
            lines.writelines(write(job) + "\n" for job in jobs)
        else:
            with multiprocessing.get_context("spawn").Pool(processes) as pool:
                lines.writelines(line + "\n" for line in pool.imap(write, jobs, chunksize=8))
    partial.rename(target)
    return target


def scene_to_json(scene: Scene) -> dict[str, Any]:
    """A scene as plain JSON."""
    return dataclasses.asdict(scene)


def scene_from_json(row: dict[str, Any]) -> Scene:
    """The scene that `scene_to_json` wrote."""
    return Scene(**{**row, "actors": tuple(Actor(**actor) for actor in row["actors"])})


def story_to_row(story: Story, images: list[str]) -> dict[str, Any]:
    """One line of the format for a told story."""
    return {
        "id": story.id,
        "images": images,
        "captions": [panel.text for panel in story.panels],
        "orders": list(range(len(story.panels))),
        "reader_texts": [panel.reader_text for panel in story.panels],
        "events": [panel.event for panel in story.panels],
        "scenes": [scene_to_json(panel.scene) for panel in story.panels],
    }


def _write_story(job: tuple[Path, Split, int, int]) -> str:
    folder, split, seed, size = job
    story = tell(seed, split)
    names = []
    for index, panel in enumerate(story.panels):
        name = f"{split}/{seed // 1000:04d}/{seed:07d}_{index:02d}.png"
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        # Stored fast rather than small: the images are read a few times and can be redrawn.
        render_image(panel.scene, size).save(path, compress_level=1)
        names.append(name)
    return json.dumps(story_to_row(story, names), ensure_ascii=False)


def _write_telling(job: tuple[Split, int]) -> str:
    split, seed = job
    row = story_to_row(tell(seed, split), [])
    # Nothing else would be read of it.
    return json.dumps({**row, "events": [], "scenes": []}, ensure_ascii=False)


def _write_scene(job: tuple[Path, int, int]) -> str:
    folder, number, size = job
    chance = random.Random(SCENE_SEED + number)
    if number % 2:
        scene = random_scene(chance, num_actors=1)
        scene = replace(scene, actors=(replace(scene.actors[0], facing="left"),))
    else:
        scene = random_scene(chance)
    name = f"scenes/{number // 1000:04d}/{number:07d}.png"
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    render_image(scene, size).save(path, compress_level=1)
    row = {"id": f"scene-{number}", "images": [name], "captions": [""], "orders": [0]}
    return json.dumps({**row, "scenes": [scene_to_json(scene)]})


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m seedstory_core.data.storystream", description=__doc__
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--split", choices=("train", "validation", "test"), default="train")
    parser.add_argument("--stories", type=int, default=6000)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=1)
    arguments = parser.parse_args()
    seeds = range(arguments.first_seed, arguments.first_seed + arguments.stories)
    write_stories(
        arguments.folder, cast(Split, arguments.split), seeds, processes=arguments.processes
    )


if __name__ == "__main__":
    main()
