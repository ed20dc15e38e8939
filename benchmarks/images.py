"""Drawing: time, and distance to an image of very many steps, by sampler, passes and batch size.

The distance is measured in pixels, and by the answers of the attribute classifier, which tell
whether a difference matters. A sampler with two passes per step gets half the steps.
"""

from __future__ import annotations

import dataclasses
import random
import time

import torch
from torch import Tensor

from benchmarks.report import Report, Series, machine, spread
from seedstory_core.config import DIFFUSION_SAMPLERS, FLOW_SAMPLERS, SchedulerConfig
from seedstory_core.data.draw import random_scene, render_image
from seedstory_core.engine import StoryEngine
from seedstory_core.evaluation.classifier import AttributeClassifier
from seedstory_core.evaluation.scores import read_images
from seedstory_core.models.detokenizer import DeTokenizer
from seedstory_core.models.transforms import to_images

PASSES = (2, 4, 6, 8, 12, 16, 24)
"""Passes of the denoiser per image."""
REFERENCE_STEPS = 100
REFERENCE = {True: "FlowMatchEulerDiscreteScheduler", False: "EulerDiscreteScheduler"}
"""Reference samplers, by whether the model is a flow; of first order, unlike those that may win."""
TWO_PASSES = ("FlowMatchHeunDiscreteScheduler",)
"""Samplers with two passes of the denoiser per step, and one in the last step."""
BATCHES = (1, 2, 4, 8)
NUM_IMAGES = 32


@torch.no_grad()
def measure(
    engine: StoryEngine, rounds: int, classifier: AttributeClassifier | None = None
) -> Report:
    """Draw images from the visual features of random scenes.

    Args:
        engine: The engine to measure.
        rounds: Repetitions of every measurement of time.
        classifier: Recognises the attributes of images; without it, only pixels are compared.
    """
    model, negative = engine.detokenizer, engine.negative_features
    features = _features(engine)
    report = Report("tiny", machine(model.device), f"{len(features)} images as configured")
    title = f"Distance to {REFERENCE_STEPS} steps (root of the mean square)"
    close = Series(title, "of 1", "passes")
    other = Series(
        f"Answers of the classifier other than at {REFERENCE_STEPS} steps", "%", "passes"
    )
    times = Series("Time per image", "s", "passes")
    batches = Series("Time per image in a batch", "s", "batch")
    report.series = {"distance": close, "time": times, "batch": batches}
    if classifier is not None:
        report.series["answers"] = other
    config = model.config
    is_flow = config.prediction_type == "flow"
    reference = dataclasses.replace(config.scheduler, name=REFERENCE[is_flow])
    wanted = _paint(model, features, negative, REFERENCE_STEPS, reference)
    answers = _answers(classifier, wanted)
    for sampler in FLOW_SAMPLERS if is_flow else DIFFUSION_SAMPLERS:
        scheduler = dataclasses.replace(config.scheduler, name=sampler)
        name = sampler.removesuffix("Scheduler").removesuffix("Discrete").removesuffix("Multistep")
        for passes in PASSES:
            steps = passes // 2 if sampler in TWO_PASSES else passes
            took = []
            for _ in range(rounds):
                started = time.perf_counter()
                _paint(model, features[:1], negative, steps, scheduler)
                took.append(time.perf_counter() - started)
            times.add(name, passes, took)
            pixels = _paint(model, features, negative, steps, scheduler)
            distance = (pixels - wanted).square().mean(dim=(1, 2, 3)).sqrt()
            close.add(name, passes, distance.tolist())
            if classifier is not None:
                changed = [
                    found != right
                    for mine, theirs in zip(_answers(classifier, pixels), answers, strict=True)
                    for found, right in zip(mine.values(), theirs.values(), strict=True)
                ]
                other.add(name, passes, [100 * sum(changed) / len(changed)])
    for count in BATCHES:
        took = []
        for _ in range(rounds):
            started = time.perf_counter()
            _paint(model, features[:count], negative, config.num_inference_steps, config.scheduler)
            took.append((time.perf_counter() - started) / count)
        batches.add(config.scheduler.name, count, took)
    report.lines.append(preview_line(engine, features, rounds))
    return report


def preview_line(engine: StoryEngine, features: Tensor, rounds: int) -> str:
    """Return a line with the times of a denoising step, the codec and a preview."""
    model = engine.detokenizer
    drawing = model.begin(features[:1], negative_visual_features=engine.negative_features)
    took: dict[str, list[float]] = {"step": [], "codec": [], "preview": []}
    for _ in range(min(3 * rounds, drawing.num_steps)):
        moments = [time.perf_counter()]
        (done,) = model.advance([drawing])
        moments.append(time.perf_counter())
        model.decode(done.predicted)
        moments.append(time.perf_counter())
        if engine.preview is not None:
            engine.preview(done.predicted)
        moments.append(time.perf_counter())
        for name, before, after in zip(took, moments, moments[1:], strict=False):
            took[name].append(1e3 * (after - before))
    shown = spread(took["preview"]) if engine.preview is not None else "–"
    return (
        f"a step takes {spread(took['step'])} ms, the codec {spread(took['codec'])} ms, the small "
        f"decoder for previews {shown} ms"
    )


def _answers(classifier: AttributeClassifier | None, pixels: Tensor) -> list[dict[str, int]]:
    return [] if classifier is None else read_images(classifier, to_images(pixels))


def _paint(
    model: DeTokenizer, features: Tensor, negative: Tensor, steps: int, scheduler: SchedulerConfig
) -> Tensor:
    """Return pixels `[B, 3, height, width]`, drawn eight at a time."""
    parts = [
        model.draw(
            features[start : start + 8],
            negative_visual_features=negative,
            num_inference_steps=steps,
            seed=list(range(start, min(start + 8, len(features)))),
            scheduler=scheduler,
        )
        for start in range(0, len(features), 8)
    ]
    if model.device.type == "cuda":
        torch.cuda.synchronize()
    return torch.cat(parts)


def _features(engine: StoryEngine) -> Tensor:
    """Return the visual features of random scenes, `[B, V, C]`."""
    scenes = [random_scene(random.Random(number)) for number in range(NUM_IMAGES)]
    images = [render_image(scene, engine.config.detokenizer.image_size) for scene in scenes]
    return torch.stack([engine.encode_image(image) for image in images]).to(engine.story_lm.device)
