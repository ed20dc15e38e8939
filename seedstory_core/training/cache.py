"""Outputs of the frozen image models for a data set, computed once.

For the images of a StoryStream folder: visual features, latents of the codec, and weights of the
loss. They are plain arrays that training memory-maps; building them resumes where it stopped. An
image whose file is missing is drawn from its scene.
"""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from seedstory_core.config import DeTokenizerConfig, VisionConfig
from seedstory_core.models.transforms import clip_pixels, sd_pixels
from seedstory_core.models.vae import ImageVae
from seedstory_core.models.vision import VisionEncoder
from seedstory_core.training.images import detail_weights
from seedstory_core.training.precision import fast_autocast
from seedstory_core.training.story_data import StreamStory, read_stories
from storyworld.dataset import IMAGE_SIZE, scene_from_json
from storyworld.drawing.compose import render_image

BATCH_SIZE = 32
BATCHES_PER_FLUSH = 50


@dataclass(frozen=True)
class ImageCache:
    """Arrays about the images of a data set, in the order of its stories.

    Attributes:
        features: `[N, V, C]` float16, of all images.
        latents: `[M, latent_channels, h, w]` float16, normalised, of the first M images.
        weights: `[M, h, w]` float16, where the image's details are; all ones without scenes.
        first: Index of every story's first image, and at the end the number of all images.
        stories: The stories.
    """

    features: np.ndarray
    latents: np.ndarray
    weights: np.ndarray
    first: np.ndarray
    stories: Sequence[StreamStory]


@torch.no_grad()
def cache_features(jsonl: Path, folder: Path, config: VisionConfig, vision: VisionEncoder) -> None:
    """Compute, or finish computing, the visual features of every image of a data set."""
    images = _sources(read_stories(jsonl))
    device = vision.conv1.weight.device

    def compute(pixels: Tensor, rows: slice) -> dict[str, Tensor]:
        with fast_autocast(device):
            return {"features": vision(pixels.to(device))}

    shapes = {"features": (len(images), config.n_queries, config.output_dim)}
    dataset = _Images(images, functools.partial(clip_pixels, config=config))
    _fill(folder, "features", shapes, dataset, compute, device)


@torch.no_grad()
def cache_latents(
    jsonl: Path, folder: Path, config: DeTokenizerConfig, vae: ImageVae, *, most: int
) -> None:
    """Compute, or finish computing, latents and weights of a data set's first images.

    Args:
        jsonl: The data set.
        folder: Folder of the arrays.
        config: Numbers of the de-tokenizer.
        vae: The frozen codec.
        most: Number of images at most.
    """
    stories = list(read_stories(jsonl))
    images = _sources(stories)[:most]
    scenes = [scene_from_json(scene) for story in stories for scene in story.scenes][:most]
    size = config.latent_size
    device = next(vae.parameters()).device

    def compute(pixels: Tensor, rows: slice) -> dict[str, Tensor]:
        with fast_autocast(device):
            latents = vae.encode(pixels.to(device))
        weights = torch.ones(len(latents), 1, size, size)
        if scenes:
            weights = detail_weights(scenes[rows], config.image_size, face=3.0, thing=5.0)
            weights = F.adaptive_avg_pool2d(weights[: len(latents)], size)
        return {"latents": latents, "weights": weights[:, 0]}

    shapes = {
        "latents": (len(images), config.vae.latent_channels, size, size),
        "weights": (len(images), size, size),
    }
    dataset = _Images(images, functools.partial(sd_pixels, image_size=config.image_size))
    _fill(folder, "latents", shapes, dataset, compute, device)


def open_cache(jsonl: Path, folder: Path, *, with_latents: bool = False) -> ImageCache:
    """Open a data set with its finished arrays; without latents, those arrays are empty."""
    stories = list(read_stories(jsonl))
    arrays = {"latents": np.empty(0), "weights": np.empty(0)}
    for name in ("features", *(arrays if with_latents else ())):
        step = "features" if name == "features" else "latents"
        state = _progress(folder, step)
        if state["done"] != state["count"]:
            raise SystemExit(f"{folder} is not finished ({state}): run the step {step} first.")
        arrays[name] = np.load(folder / f"{name}.npy", mmap_mode="r")
    first = np.cumsum([0, *(len(story.captions) for story in stories)])
    return ImageCache(**arrays, first=first, stories=stories)


def take(array: np.ndarray, rows: Sequence[int] | np.ndarray) -> Tensor:
    """Return rows of an array as float32."""
    return torch.from_numpy(np.asarray(array[rows], dtype=np.float32))


Source = tuple[Path, dict[str, Any] | None]
"""File of an image, and its scene if the data set has one."""


def _sources(stories: Iterable[StreamStory]) -> list[Source]:
    return [
        (path, story.scenes[index] if story.scenes else None)
        for story in stories
        for index, path in enumerate(story.images)
    ]


class _Images(Dataset[Tensor]):
    def __init__(self, sources: Sequence[Source], transform: Callable[[Image.Image], Tensor]):
        self.sources, self.transform = sources, transform

    def __len__(self) -> int:
        return len(self.sources)

    def __getitem__(self, index: int) -> Tensor:
        path, scene = self.sources[index]
        if path.exists() or scene is None:
            with Image.open(path) as image:
                return self.transform(image.convert("RGB"))
        return self.transform(render_image(scene_from_json(scene), IMAGE_SIZE))


def _fill(
    folder: Path,
    name: str,
    shapes: Mapping[str, tuple[int, ...]],
    dataset: _Images,
    compute: Callable[[Tensor, slice], dict[str, Tensor]],
    device: torch.device,
) -> None:
    """Fill arrays batch by batch; flushed batches are not computed again.

    For a GPU, one process per core loads the images; on a CPU they would compete with the model.
    """
    folder.mkdir(parents=True, exist_ok=True)
    count = next(iter(shapes.values()))[0]
    state = _progress(folder, name)
    done = state["done"] if state["count"] == count else 0
    arrays = {
        key: np.lib.format.open_memmap(
            folder / f"{key}.npy",
            mode="r+" if done else "w+",
            dtype=np.float16,
            shape=None if done else shape,
        )
        for key, shape in shapes.items()
    }

    def flush(done: int) -> None:
        for array in arrays.values():
            array.flush()
        (folder / f"{name}.json").write_text(json.dumps({"done": done, "count": count}))

    batches = DataLoader(
        dataset,
        batch_size=BATCH_SIZE,
        sampler=range(done, count),
        num_workers=0 if device.type == "cpu" else os.cpu_count() or 1,
    )
    for start, pixels in zip(range(done, count, BATCH_SIZE), batches, strict=True):
        rows = slice(start, start + len(pixels))
        for key, values in compute(pixels, rows).items():
            arrays[key][rows] = values.float().cpu().numpy()
        if (start // BATCH_SIZE) % BATCHES_PER_FLUSH == BATCHES_PER_FLUSH - 1:
            flush(rows.stop)
    flush(count)


def _progress(folder: Path, name: str) -> dict[str, int]:
    path = folder / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else {"done": 0, "count": -1}
