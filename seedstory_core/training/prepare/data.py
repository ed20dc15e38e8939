"""Write the stories of the simulated world, and loose scenes, as StoryStream files."""

from __future__ import annotations

import os

from seedstory_core.training.plan import DataPlan
from seedstory_core.training.runs import Runs
from storyworld.dataset import write_scenes, write_stories


def write(runs: Runs, plan: DataPlan) -> None:
    """Write what is missing: stories with and without images, validation stories, and scenes."""
    processes = os.cpu_count() or 1
    told = range(plan.stories, plan.stories + plan.told_stories)
    write_stories(runs.data, "validation", range(plan.validation_stories), processes=processes)
    write_stories(runs.data, "train", range(plan.stories), processes=processes)
    write_stories(runs.data, "train", told, name="words", processes=processes)
    write_scenes(runs.data, plan.scenes)
