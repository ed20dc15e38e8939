"""Where the steps of a recipe keep their things, and the models that earlier steps trained."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_model
from torch import nn

from seedstory_core.config import StudioConfig
from seedstory_core.generation.tokens import StoryTokenizer
from seedstory_core.models.story_lm import StoryLM
from seedstory_core.models.vae import PictureVae
from seedstory_core.models.vision import VisionEncoder
from seedstory_core.training.cache import PictureCache, open_cache


class Runs:
    """Where every step of one training keeps its things."""

    def __init__(self, folder: Path, config: StudioConfig) -> None:
        """Name the folder of all runs."""
        self.folder = folder
        self.config = config
        self.data = folder / "data"
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")

    def weights(self, name: str) -> Path:
        """The file of a finished stage's weights; the stage may not have come so far."""
        return self.folder / name / "weights.safetensors"

    def start(self, name: str, model: nn.Module) -> nn.Module:
        """Give a model its trained weights, to train on from there."""
        if not self.weights(name).exists():
            raise SystemExit(f"{self.weights(name)} is missing: train {name} first.")
        load_model(model, str(self.weights(name)))
        return model

    def load(self, name: str, model: nn.Module) -> nn.Module:
        """Give a model its trained weights and freeze it."""
        return self.start(name, model).requires_grad_(False).eval().to(self.device)

    def vision(self) -> VisionEncoder:
        """The trained picture encoder."""
        encoder = VisionEncoder(self.config.vision)
        self.load("vision", encoder)
        return encoder

    def vae(self) -> PictureVae:
        """The trained codec."""
        vae = PictureVae(self.config.detokenizer.vae)
        self.load("vae", vae)
        return vae

    def tokenizer(self) -> StoryTokenizer:
        """The trained tokenizer."""
        return StoryTokenizer.from_folder(self.folder / "tokenizer")

    def cache(self, name: str, *, with_latents: bool = False) -> PictureCache:
        """The finished cache of a data set."""
        return open_cache(
            self.data / f"{name}.jsonl", self.folder / "cache" / name, with_latents=with_latents
        )

    def story_lm(self) -> StoryLM:
        """The trained story model."""
        config = self.config
        model = StoryLM(config.decoder, config.input_resampler, config.output_resampler)
        self.load("story_lm", model)
        return model

    def zero_features(self) -> torch.Tensor:
        """Features `[1, V, C]` of the zero picture."""
        return self.vision().zero_picture_features().float().cpu()
