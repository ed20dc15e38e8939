"""The recipe's steps by name, each built from the configuration and the runs before it.

In order: `reader`, `vae`, `vision` learn from drawn pictures; `data` writes the stories,
`tokenizer` learns their words, `cache` runs the frozen picture models over them; then the three
stages of the paper: `detokenizer` (1), `story_lm` (2), `regress` and `adapt` (3); `export` packs
the weights.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_model, save_model
from torch import nn

from seedstory_core.config import StudioConfig, project_path
from seedstory_core.data.storystream import read_stories, write_scenes, write_stories
from seedstory_core.evaluation.reader import AttributeReader
from seedstory_core.generation.tokens import StoryTokenizer
from seedstory_core.models.detokenizer import DeTokenizer
from seedstory_core.models.story_lm import StoryLM
from seedstory_core.models.vae import PictureVae
from seedstory_core.models.vision import VisionEncoder
from seedstory_core.training.cache import PictureCache, build_cache, open_cache, take
from seedstory_core.training.detokenizer import DeTokenizerStage, features_of
from seedstory_core.training.loop import Stage
from seedstory_core.training.reader import ReaderStage
from seedstory_core.training.story_lm import StoryStage, attention_mask, pack, run_rows
from seedstory_core.training.tokenizer import train_tokenizer
from seedstory_core.training.vae import VaeStage, latent_statistics
from seedstory_core.training.vision import VisionStage, VisionTeacher
from seedstory_core.weights.checkpoint import save_weights

TRAINED = ("reader", "vae", "vision", "detokenizer", "story_lm", "adapt")
PREPARED = ("data", "tokenizer", "cache", "regress", "export")
ORDER = (
    *("reader", "vae", "vision", "data", "tokenizer", "cache"),
    *("detokenizer", "story_lm", "regress", "adapt", "export"),
)
STORIES = 5000
VALIDATION_STORIES = 100
LOOSE_SCENES = 16_000


class Runs:
    """Where every step of one training keeps its things."""

    def __init__(self, folder: Path, config: StudioConfig) -> None:
        """Name the folder of all runs."""
        self.folder = folder
        self.config = config
        self.data = folder / "data"
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")

    def load(self, name: str, model: nn.Module) -> nn.Module:
        """Give a model its trained weights and freeze it."""
        path = self.folder / name / "weights.safetensors"
        if not path.exists():
            raise SystemExit(f"{path} is missing: train {name} first.")
        load_model(model, str(path))
        return model.requires_grad_(False).eval().to(self.device)

    def vision(self) -> VisionEncoder:
        """The trained picture encoder."""
        teacher = VisionTeacher(self.config.vision)
        self.load("vision", teacher)
        return teacher.encoder

    def vae(self) -> PictureVae:
        """The trained codec."""
        vae = PictureVae(self.config.detokenizer.vae)
        self.load("vae", vae)
        return vae

    def tokenizer(self) -> StoryTokenizer:
        """The trained tokenizer."""
        return StoryTokenizer.from_folder(self.folder / "tokenizer")

    def cache(self, name: str) -> PictureCache:
        """The finished cache of a data set."""
        return open_cache(self.data / f"{name}.jsonl", self.folder / "cache" / name)

    def story_lm(self) -> StoryLM:
        """The trained story model."""
        config = self.config
        model = StoryLM(config.decoder, config.input_resampler, config.output_resampler)
        self.load("story_lm", model)
        return model

    def zero_features(self) -> torch.Tensor:
        """Features `[1, V, C]` of the zero picture."""
        return self.vision().zero_picture_features().float().cpu()


def build(name: str, runs: Runs) -> Stage:
    """Build a stage that `loop.fit` trains."""
    config = runs.config
    size = config.detokenizer.image_size
    if name == "reader":
        return ReaderStage()
    if name == "vae":
        return VaeStage(config.detokenizer.vae, size)
    if name == "vision":
        return VisionStage(config.vision, size)
    if name == "detokenizer":
        caches = [runs.cache("train"), runs.cache("scenes")]
        stage = DeTokenizerStage(name, config.detokenizer, caches, runs.zero_features())
        stage.model.vae.load_state_dict(runs.vae().cpu().state_dict())  # type: ignore[union-attr]
        return stage
    if name == "story_lm":
        return StoryStage(config, runs.tokenizer(), runs.cache("train"), runs.cache("validation"))
    if name == "adapt":
        regressed = np.load(runs.folder / "regress" / "features.npy", mmap_mode="r")
        stage = DeTokenizerStage(
            name,
            config.detokenizer,
            [runs.cache("train")],
            runs.zero_features(),
            regressed=regressed,
        )
        load_model(stage.model, str(runs.folder / "detokenizer" / "weights.safetensors"))
        return stage
    raise ValueError(f"There is no stage {name!r}.")


def prepare(name: str, runs: Runs) -> None:
    """Do a step that is not a training."""
    if name == "data":
        processes = os.cpu_count() or 1
        write_stories(runs.data, "validation", range(VALIDATION_STORIES), processes=processes)
        write_stories(runs.data, "train", range(STORIES), processes=processes)
        write_scenes(runs.data, LOOSE_SCENES, processes=processes)
    elif name == "tokenizer":
        stories = read_stories(runs.data / "train.jsonl")
        captions = (caption for story in stories for caption in story.captions)
        train_tokenizer(captions, runs.folder / "tokenizer", runs.config)
    elif name == "cache":
        vision, vae = runs.vision(), runs.vae()
        for part in ("train", "scenes", "validation"):
            build_cache(
                runs.data / f"{part}.jsonl",
                runs.folder / "cache" / part,
                runs.config,
                vision,
                vae,
            )
    elif name == "regress":
        regress(runs)
    elif name == "export":
        export(runs)
    else:
        raise ValueError(f"There is no step {name!r}.")


@torch.no_grad()
def regress(runs: Runs) -> None:
    """Let the story model regress every training picture from its story so far.

    Windows of at most ten panels, one after the other, as stage 2 saw them; token lengths are
    those of the true features, since a cosine leaves them open.
    """
    cache, tokenizer, model = runs.cache("train"), runs.tokenizer(), runs.story_lm()
    folder = runs.folder / "regress"
    folder.mkdir(parents=True, exist_ok=True)
    target = np.lib.format.open_memmap(
        folder / "features.npy", mode="w+", dtype=np.float16, shape=cache.features.shape
    )
    for number, story in enumerate(cache.stories):
        begin = int(cache.first[number])
        for first in range(0, len(story.captions), 10):
            captions = story.captions[first : first + 10]
            row = pack(tokenizer, runs.config.tokenizer.separator, captions, [""] * len(captions))
            rows = np.arange(begin + first, begin + first + len(captions))
            batch = {
                "input_ids": torch.tensor([row.ids]),
                "positions": torch.tensor([row.positions]),
                "mask": attention_mask(row)[None, None],
                "image_places": torch.tensor([row.image_of]) >= 0,
                "query_places": torch.tensor([row.query_of]) >= 0,
                "features": take(cache.features, rows),
            }
            batch = {key: value.to(runs.device) for key, value in batch.items()}
            with torch.autocast(runs.device.type, torch.bfloat16):
                _, regressed, true = run_rows(model, batch)
            target[rows] = features_of(regressed.float(), true).cpu().numpy()
    target.flush()


def export(runs: Runs) -> None:
    """Pack what is trained so far, half precision, into the folder the configuration names."""
    config = runs.config
    target = project_path(config.runtime.weights_folder)

    def is_done(name: str) -> bool:
        return (runs.folder / name / "weights.safetensors").exists()

    drawer = "adapt" if is_done("adapt") else "detokenizer"
    parts: dict[str, tuple[str, Callable[[], nn.Module]]] = {
        "vision": ("vision", runs.vision),
        "vae": ("vae", runs.vae),
        "story_lm": ("story_lm", runs.story_lm),
        "detokenizer": (drawer, lambda: runs.load(drawer, DeTokenizer(config.detokenizer))),
        "reader": ("reader", lambda: runs.load("reader", AttributeReader())),
    }
    for part, (run, load) in parts.items():
        if is_done(run):
            path = target / f"{part}.safetensors"
            leave_out = "vae." if part == "detokenizer" else ""
            save_weights(load(), path, dtype=torch.float16, leave_out=leave_out)
    words = project_path(config.tokenizer.folder)
    for file in ("tokenizer.model", "added_tokens.json"):
        if (runs.folder / "tokenizer" / file).exists():
            words.mkdir(parents=True, exist_ok=True)
            (words / file).write_bytes((runs.folder / "tokenizer" / file).read_bytes())


def finish(name: str, stage: Stage, runs: Runs) -> None:
    """Write a finished stage's weights, and what later steps need beside them."""
    save_model(stage.model, str(runs.folder / name / "weights.safetensors"))
    if name == "vae":
        assert isinstance(stage.model, PictureVae)
        shift, scale = latent_statistics(stage.model, runs.config.detokenizer.image_size)
        numbers = {"shift_factor": round(shift, 4), "scaling_factor": round(1 / scale, 4)}
        (runs.folder / name / "statistics.json").write_text(json.dumps(numbers) + "\n")
