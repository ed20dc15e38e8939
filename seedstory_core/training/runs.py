"""The run folder of a recipe, and the models that earlier steps trained."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_model
from torch import nn

from seedstory_core.config import StudioConfig
from seedstory_core.generation.tokens import StoryTokenizer
from seedstory_core.models.story_lm import StoryLM
from seedstory_core.models.vae import ImageVae
from seedstory_core.models.vision import VisionEncoder
from seedstory_core.training.cache import ImageCache, open_cache


class Runs:
    """The run folder of one training: a folder for each step."""

    def __init__(self, folder: Path, config: StudioConfig) -> None:
        """Name the folder of all runs."""
        self.folder = folder
        self.config = config
        self.data = folder / "data"
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")

    def weights(self, name: str) -> Path:
        """Return the file of a stage's weights, which exists once the stage is done."""
        return self.folder / name / "weights.safetensors"

    def start(self, name: str, model: nn.Module) -> nn.Module:
        """Load a model's trained weights, to train it further."""
        if not self.weights(name).exists():
            raise SystemExit(f"{self.weights(name)} is missing: train {name} first.")
        load_model(model, str(self.weights(name)))
        return model

    def load(self, name: str, model: nn.Module) -> nn.Module:
        """Load a model's trained weights and freeze it."""
        return self.start(name, model).requires_grad_(False).eval().to(self.device)

    def vision(self) -> VisionEncoder:
        """Return the trained image encoder."""
        encoder = VisionEncoder(self.config.vision)
        self.load("vision", encoder)
        return encoder

    def vae(self) -> ImageVae:
        """Return the trained codec."""
        vae = ImageVae(self.config.detokenizer.vae)
        self.load("vae", vae)
        return vae

    def tokenizer(self) -> StoryTokenizer:
        """Return the trained tokenizer."""
        return StoryTokenizer.from_folder(self.folder / "tokenizer")

    def cache(self, name: str, *, with_latents: bool = False) -> ImageCache:
        """Return the finished cache of a data set."""
        return open_cache(
            self.data / f"{name}.jsonl", self.folder / "cache" / name, with_latents=with_latents
        )

    def story_lm(self) -> StoryLM:
        """Return the trained story model."""
        config = self.config
        model = StoryLM(config.decoder, config.input_resampler, config.output_resampler)
        self.load("story_lm", model)
        return model

    def zero_features(self) -> torch.Tensor:
        """Return the features `[1, V, C]` of an all-zero image."""
        return self.vision().zero_image_features().float().cpu()
