"""Six whole stories to look at: `python -m seedstory_core.evaluation.showcase`.

Writes `docs/stories.md` and its images with the shipped weights. Nothing is picked: the openings
are those of the first held-out stories, the seeds are their numbers, and every story is told to its
end.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from seedstory_core.config import load_config, project_path
from seedstory_core.engine import StoryEngine
from seedstory_core.engine.build import build_engine
from seedstory_core.errors import SeedStoryError
from seedstory_core.evaluation.measure import story_sheet
from seedstory_core.evaluation.telling import opening, tell_story

NUM_STORIES = 6
MOST_PANELS = 20
COLUMNS = 4

INTRODUCTION = """# Six stories

Told by the shipped weights with `python -m seedstory_core.evaluation.showcase`, unpicked: the
openings of the first six held-out stories (their words were given, every image is the model's),
seeds 0 to 5, until the tale ends.
"""


def show(engine: StoryEngine, folder: Path, count: int = NUM_STORIES) -> Path:
    """Tell the stories, write `stories.md` with its images into a folder, and return its path."""
    images = folder / "images"
    images.mkdir(parents=True, exist_ok=True)
    parts = [INTRODUCTION]
    for number in range(count):
        story = tell_story(engine, opening(number), MOST_PANELS, number)
        name = f"story-{number}.webp"
        story_sheet(story, COLUMNS).save(images / name, quality=85, method=6)
        lines = [f"{index}. {panel.text}" for index, panel in enumerate(story, 1)]
        parts.append(f"## Seed {number}\n\n![The story's images, in rows](images/{name})\n")
        parts.append("\n".join(lines) + "\n")
    page = folder / "stories.md"
    page.write_text("\n".join(parts), encoding="utf-8")
    return page


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m seedstory_core.evaluation.showcase", description=__doc__
    )
    parser.add_argument("--config", default=None)
    parser.add_argument("--set", dest="overrides", nargs="*", default=[], metavar="KEY=VALUE")
    parser.add_argument("--folder", type=Path, default=project_path("docs"))
    arguments = parser.parse_args()
    try:
        engine = build_engine(load_config(arguments.config, arguments.overrides))
    except SeedStoryError as error:
        parser.exit(1, f"No story was told. {error}\n")
    print(show(engine, arguments.folder))
    return 0


if __name__ == "__main__":
    sys.exit(main())
