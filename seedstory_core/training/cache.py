"""What the frozen picture models say about a data set, computed once.

For every picture of a StoryStream folder: its visual features, what the codec makes of it, and what
weights the loss. Stored as plain arrays that training memory-maps; building goes on where it
stopped.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from seedstory_core.config import StudioConfig
from seedstory_core.data.attributes import QUESTIONS
from seedstory_core.data.storystream import StreamStory, read_stories
from seedstory_core.models.transforms import clip_pixels, sd_pixels
from seedstory_core.models.vae import PictureVae
from seedstory_core.models.vision import VisionEncoder
from seedstory_core.training.pictures import detail_weights, labels


@dataclass(frozen=True)
class PictureCache:
    """Arrays over all pictures of a data set, in the order of its stories.

    Attributes:
        features: `[N, V, C]` float16.
        latents: `[N, latent_channels, h, w]` float16, normalised.
        weights: `[N, h, w]` float16, where the picture's details are; all ones without scenes.
        answers: Per question `[N]` int8 class numbers; empty without scenes.
        first: First picture of every story, and the number of all pictures at the end.
        stories: The stories.
    """

    features: np.ndarray
    latents: np.ndarray
    weights: np.ndarray
    answers: dict[str, np.ndarray]
    first: np.ndarray
    stories: Sequence[StreamStory]


@torch.no_grad()
def build_cache(
    jsonl: Path,
    folder: Path,
    config: StudioConfig,
    vision: VisionEncoder,
    vae: PictureVae,
    *,
    batch_size: int = 32,
) -> PictureCache:
    """Compute, or finish computing, the cache of a data set.

    Args:
        jsonl: The data set.
        folder: Where the cache goes.
        config: Of both models.
        vision: Frozen picture encoder.
        vae: Frozen codec.
        batch_size: Pictures per pass.
    """
    folder.mkdir(parents=True, exist_ok=True)
    stories = list(read_stories(jsonl))
    images = [path for story in stories for path in story.images]
    scenes = [scene for story in stories for scene in story.scenes]
    size, count = config.detokenizer.latent_size, len(images)
    shapes = {
        "features": (count, config.vision.n_queries, config.vision.output_dim),
        "latents": (count, config.detokenizer.vae.latent_channels, size, size),
        "weights": (count, size, size),
    }
    progress = folder / "progress.json"
    done = json.loads(progress.read_text())["done"] if progress.exists() else 0
    arrays = {
        name: np.lib.format.open_memmap(
            folder / f"{name}.npy",
            mode="r+" if done else "w+",
            dtype=np.float16,
            shape=None if done else shape,
        )
        for name, shape in shapes.items()
    }
    device = vision.conv1.weight.device
    for start in range(done, count, batch_size):
        stop = min(start + batch_size, count)
        opened = [Image.open(path).convert("RGB") for path in images[start:stop]]
        clip = torch.stack([clip_pixels(image, config.vision) for image in opened])
        pixel_values = torch.stack(
            [sd_pixels(image, config.detokenizer.image_size) for image in opened]
        )
        with torch.autocast(device.type, torch.bfloat16):
            features = vision(clip.to(device))
            latents = vae.encode(pixel_values.to(device))
        arrays["features"][start:stop] = features.float().cpu().numpy()
        arrays["latents"][start:stop] = latents.float().cpu().numpy()
        if scenes:
            weights = detail_weights(scenes[start:stop], config.detokenizer.image_size, 3.0, 3.0)
            weights = F.adaptive_avg_pool2d(weights, size)[:, 0]
            arrays["weights"][start:stop] = weights.numpy()
        else:
            arrays["weights"][start:stop] = 1
        if (start // batch_size) % 50 == 49 or stop == count:
            for array in arrays.values():
                array.flush()
            progress.write_text(json.dumps({"done": stop, "count": count}))
    if scenes:
        answers = {name: tensor.numpy().astype(np.int8) for name, tensor in labels(scenes).items()}
        np.savez(folder / "answers.npz", **answers)  # type: ignore[arg-type]  # numpy's stub
    return open_cache(jsonl, folder)


def open_cache(jsonl: Path, folder: Path) -> PictureCache:
    """Open a finished cache of a data set."""
    state = json.loads((folder / "progress.json").read_text())
    if state["done"] != state["count"]:
        raise ValueError(f"The cache {folder} is not finished ({state['done']} pictures).")
    stories = list(read_stories(jsonl))
    first = np.cumsum([0, *(len(story.captions) for story in stories)])
    answers: dict[str, np.ndarray] = {}
    if (folder / "answers.npz").exists():
        with np.load(folder / "answers.npz") as stored:
            answers = {name: stored[name].astype(np.int64) for name in QUESTIONS}
    return PictureCache(
        features=np.load(folder / "features.npy", mmap_mode="r"),
        latents=np.load(folder / "latents.npy", mmap_mode="r"),
        weights=np.load(folder / "weights.npy", mmap_mode="r"),
        answers=answers,
        first=first,
        stories=stories,
    )


def take(array: np.ndarray, rows: Sequence[int] | np.ndarray) -> Tensor:
    """Rows of an array as float32."""
    return torch.from_numpy(np.asarray(array[rows], dtype=np.float32))
