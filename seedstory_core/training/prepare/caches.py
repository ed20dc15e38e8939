"""Run the frozen image models over the images of all data sets, once."""

from __future__ import annotations

from seedstory_core.training.cache import cache_features, cache_latents
from seedstory_core.training.plan import DataPlan
from seedstory_core.training.runs import Runs


def features(runs: Runs, plan: DataPlan) -> None:
    """Cache the visual features of every image."""
    vision = runs.vision()
    for part in ("validation", "train", "scenes"):
        folder = runs.folder / "cache" / part
        cache_features(runs.data / f"{part}.jsonl", folder, runs.config.vision, vision)


def latents(runs: Runs, plan: DataPlan) -> None:
    """Cache the latents of the images that the de-tokenizer learns to draw."""
    vae = runs.vae()
    for part, most in (("train", plan.drawn_pictures), ("scenes", plan.scenes)):
        folder, file = runs.folder / "cache" / part, runs.data / f"{part}.jsonl"
        cache_latents(file, folder, runs.config.detokenizer, vae, most=most)
