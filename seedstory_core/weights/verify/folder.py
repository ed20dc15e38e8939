"""A reference folder: its configuration, its recorded tensors, and our models with its weights."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import torch
from PIL import Image
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from seedstory_core.config import StudioConfig
from seedstory_core.errors import WeightsError
from seedstory_core.generation.tokens import StoryTokenizer
from seedstory_core.models.detokenizer import DeTokenizer
from seedstory_core.models.story_lm import StoryLM
from seedstory_core.models.transforms import clip_pixels
from seedstory_core.models.vision import VisionEncoder
from seedstory_core.weights.checkpoint import empty_weights, load_weights
from seedstory_core.weights.published import (
    PublishedFiles,
    codec_weights,
    detokenizer_weights,
    story_weights,
    vision_weights,
)
from seedstory_core.weights.reference import read_json, reference_config
from seedstory_core.weights.verify.comparison import Row, compare

Model = TypeVar("Model", bound=nn.Module)


class ReferenceFolder:
    """A reference folder. Its models are loaded once, in float32 on the CPU."""

    def __init__(self, root: Path) -> None:
        """Open a folder.

        Raises:
            WeightsError: `config.json` or the manifest is missing or damaged.
        """
        self.root = root
        self.numbers = read_json(root / "config.json")
        self.config: StudioConfig = reference_config(root)
        self.files = PublishedFiles.of(self.config)
        manifest = read_json(root / "expected" / "manifest.json")
        self.manifest: dict[str, dict[str, Any]] = {
            Path(file).stem: entries for file, entries in manifest["tensors"].items()
        }
        self.documents: list[str] = list(manifest["documents"])
        self._tables: dict[str, dict[str, Tensor]] = {}

    def document(self, name: str) -> Any:
        """Read `expected/<name>.json`."""
        return read_json(self.root / "expected" / f"{name}.json")

    def tensors(self, table: str) -> dict[str, Tensor]:
        """Read `expected/<table>.safetensors`."""
        if table not in self._tables:
            path = self.root / "expected" / f"{table}.safetensors"
            try:
                self._tables[table] = load_file(path)
            except (OSError, SafetensorError) as error:
                raise WeightsError(
                    f"{path} could not be read: {error}. Restore the reference folder."
                ) from error
        return self._tables[table]

    def check(self, table: str, name: str, value: Tensor) -> Row:
        """Compare a tensor with the recorded one, at the manifest's tolerance."""
        tolerance = float(self.manifest[table][name].get("atol", 0.0))
        return compare(f"{table}/{name}", value, self.tensors(table)[name], tolerance)

    def images_of(self, table: str, name: str) -> list[Image.Image]:
        """Open the images that an entry of the manifest names as its inputs."""
        meaning = self.manifest[table][name]["meaning"]
        return [self.image(found) for found in re.findall(r"inputs/([\w.]+)\.png", meaning)]

    def image(self, name: str) -> Image.Image:
        """Open `expected/inputs/<name>.png`."""
        path = self.root / "expected" / "inputs" / f"{name}.png"
        try:
            with Image.open(path) as opened:
                return opened.copy()
        except OSError as error:
            raise WeightsError(
                f"The image {path} could not be read: {error}. Restore the reference folder."
            ) from error

    def pixels(self, image: Image.Image) -> Tensor:
        """Return the image encoder's pixel values `[1, 3, size, size]` of a story's image."""
        numbers = self.numbers["transforms"]["story_picture"]
        return clip_pixels(image, self.config.vision, keep_ratio=numbers["keep_ratio"])[None]

    @cached_property
    def negative_features(self) -> Tensor:
        """Features `[1, V, C]` of the zero image, for guidance."""
        return self.vision.zero_image_features(self.numbers["inference"]["negative_picture_size"])

    @cached_property
    def stories(self) -> list[dict[str, Any]]:
        """The stories, with the fields of the published files."""
        return read_json(self.root / "expected" / "inputs" / "stories.json")["stories"]

    @cached_property
    def tokenizer(self) -> StoryTokenizer:
        """The tokenizer of `pretrained/`."""
        return StoryTokenizer.from_folder(self.config.tokenizer_path)

    @cached_property
    def vision(self) -> VisionEncoder:
        """The image encoder."""
        with empty_weights():
            model = VisionEncoder(self.config.vision)
        return self.load(model, vision_weights(self.files), self.files.vision)

    @cached_property
    def story_lm(self) -> StoryLM:
        """The story model, with LoRA merged."""
        weights = story_weights(self.files, lora_alpha=self.config.weights.lora_alpha)
        return self.story_lm_from(weights)

    def story_lm_from(self, weights: Mapping[str, Tensor]) -> StoryLM:
        """Build the story model with given weights, such as wrong ones."""
        config = self.config
        with empty_weights():
            model = StoryLM(config.decoder, config.input_resampler, config.output_resampler)
        return self.load(model, weights, self.files.story_model)

    @cached_property
    def detokenizer(self) -> DeTokenizer:
        """The de-tokenizer with its codec."""
        return self.detokenizer_from(detokenizer_weights(self.files))

    def detokenizer_from(self, weights: Mapping[str, Tensor]) -> DeTokenizer:
        """Build the de-tokenizer with given weights, such as wrong ones."""
        with empty_weights():
            model = DeTokenizer(self.config.detokenizer)
        self.load(model.vae, codec_weights(self.files), self.files.sdxl)
        return self.load(model, weights, self.files.detokenizer, leave_out="vae.")

    def load(
        self, model: Model, weights: Mapping[str, Tensor], source: Path, *, leave_out: str = ""
    ) -> Model:
        """Load weights into a model as float32 and return it for inference."""
        load_weights(model, weights, source, dtype=torch.float32, leave_out=leave_out)
        return model.eval()
