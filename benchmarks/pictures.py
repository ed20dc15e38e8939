"""Painting: time, and closeness to a picture of very many steps, by sampler, steps and batch."""

from __future__ import annotations

import dataclasses
import time

import torch
from torch import Tensor

from benchmarks.report import Report, Series, machine
from seedstory_core.engine import StoryEngine
from seedstory_core.models.detokenizer import DeTokenizer

STEPS = (2, 4, 6, 8, 12, 16, 25)
REFERENCE_STEPS = 200
SAMPLERS = {
    "flow": ("FlowMatchEulerDiscreteScheduler", "FlowMatchHeunDiscreteScheduler"),
    "epsilon": ("EulerDiscreteScheduler", "DDIMScheduler"),
}
BATCHES = (1, 2, 4, 8)
NUM_PICTURES = 8


@torch.no_grad()
def measure(engine: StoryEngine, rounds: int) -> Report:
    """Paint features of drawn pictures where there are some, else random ones."""
    model, negative = engine.detokenizer, engine.negative_features
    features = _features(engine)
    report = Report("tiny", machine(model.device), "pictures as configured")
    close = Series(f"Distance to {REFERENCE_STEPS} steps (root of the mean square)", "", "steps")
    times = Series("Time per picture", "s", "steps")
    batches = Series("Time per picture in a batch", "s", "batch")
    report.series = {"distance": close, "time": times, "batch": batches}
    config = model.config
    wanted = _paint(model, features, negative, REFERENCE_STEPS)
    for sampler in SAMPLERS.get(config.prediction_type, (config.scheduler.name,)):
        scheduler = dataclasses.replace(config.scheduler, name=sampler)
        model.config = dataclasses.replace(config, scheduler=scheduler)
        name = sampler.removesuffix("Scheduler").removesuffix("Discrete")
        for steps in STEPS:
            found, took = [], []
            for _ in range(rounds):
                started = time.perf_counter()
                pixels = _paint(model, features[:1], negative, steps)
                took.append(time.perf_counter() - started)
            pixels = _paint(model, features, negative, steps)
            found = (pixels - wanted).square().mean(dim=(1, 2, 3)).sqrt().tolist()
            close.add(name, steps, found)
            times.add(name, steps, took)
    model.config = config
    for count in BATCHES:
        took = []
        for _ in range(rounds):
            started = time.perf_counter()
            _paint(model, features[:count], negative, config.num_inference_steps)
            took.append((time.perf_counter() - started) / count)
        batches.add(config.scheduler.name, count, took)
    return report


def _paint(model: DeTokenizer, features: Tensor, negative: Tensor, steps: int) -> Tensor:
    pixels = model.draw(
        features,
        negative_visual_features=negative,
        num_inference_steps=steps,
        seed=list(range(len(features))),
    )
    if pixels.device.type == "cuda":
        torch.cuda.synchronize()
    return pixels


def _features(engine: StoryEngine) -> Tensor:
    """Of the openings' pictures where there are some."""
    from demo.openings import load_openings

    cards = load_openings(engine.config.runtime.openings_folder)
    if not cards:
        numbers = engine.config.vision
        shape = (NUM_PICTURES, numbers.n_queries, numbers.output_dim)
        return torch.randn(shape, generator=torch.Generator().manual_seed(0)).to(
            engine.story_lm.device
        )
    images = [card.image() for card in cards][:NUM_PICTURES]
    return torch.stack([engine.encode_image(image) for image in images]).to(engine.story_lm.device)
