"""The small reference weights and the numbers that the released code computes from them."""

from __future__ import annotations

import json
import os
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from seedstory_core.config import StudioConfig
from seedstory_core.models.detokenizer import DeTokenizer
from seedstory_core.models.story_lm import StoryLM
from seedstory_core.models.vision import VisionEncoder
from seedstory_core.weights.checkpoint import empty_weights, load_weights
from seedstory_core.weights.published import (
    PublishedFolder,
    detokenizer_weights,
    story_weights,
    vision_weights,
)
from seedstory_core.weights.reference import reference_config

COPY = Path(__file__).parent / "data" / "reference_mini"


class Reference:
    """One reference folder: its models, loaded once, and its recorded numbers."""

    def __init__(self) -> None:
        self.root = Path(os.environ.get("REFERENCE_MINI", COPY))
        self.published = PublishedFolder(self.root / "pretrained")
        self._tables: dict[str, dict[str, Tensor]] = {}

    @cached_property
    def numbers(self) -> dict[str, Any]:
        return json.loads((self.root / "config.json").read_text())

    @cached_property
    def config(self) -> StudioConfig:
        return reference_config(self.root)

    @cached_property
    def manifest(self) -> dict[str, Any]:
        return self.document("manifest")["tensors"]

    @property
    def lora_alpha(self) -> float:
        return self.numbers["lora"]["lora_alpha"]

    def document(self, name: str) -> Any:
        return json.loads((self.root / "expected" / f"{name}.json").read_text())

    def input_path(self, name: str) -> Path:
        return self.root / "expected" / "inputs" / f"{name}.png"

    def tensors(self, name: str) -> dict[str, Tensor]:
        if name not in self._tables:
            self._tables[name] = load_file(self.root / "expected" / f"{name}.safetensors")
        return self._tables[name]

    def difference(self, table: str, name: str, value: Tensor) -> float:
        expected = self.tensors(table)[name]
        assert value.shape == expected.shape, f"{name}: {value.shape} instead of {expected.shape}"
        return (value.detach().double() - expected.double()).abs().max().item()

    def agrees(self, table: str, name: str, value: Tensor) -> bool:
        return self.difference(table, name, value) <= self.tolerance(table, name)

    def tolerance(self, table: str, name: str) -> float:
        return self.manifest[f"expected/{table}.safetensors"][name]["atol"]

    def check(self, table: str, name: str, value: Tensor) -> None:
        difference, tolerance = self.difference(table, name, value), self.tolerance(table, name)
        assert difference <= tolerance, f"{table}/{name} is off by {difference:.2e} > {tolerance}"

    @cached_property
    def vision(self) -> VisionEncoder:
        with empty_weights():
            model = VisionEncoder(self.config.vision)
        load_weights(model, vision_weights(self.published), self.published.vision)
        return model.eval()

    @cached_property
    def story_lm(self) -> StoryLM:
        weights = story_weights(self.published, lora_alpha=self.lora_alpha, dtype=torch.float32)
        return self.story_lm_from(weights)

    def story_lm_from(self, weights: dict[str, Tensor]) -> StoryLM:
        config = self.config
        with empty_weights():
            model = StoryLM(config.decoder, config.input_resampler, config.output_resampler)
        load_weights(model, weights, self.published.story_model, dtype=torch.float32)
        return model.eval()

    @cached_property
    def detokenizer(self) -> DeTokenizer:
        return self.detokenizer_from(detokenizer_weights(self.published))

    def detokenizer_from(self, weights: dict[str, Tensor]) -> DeTokenizer:
        with empty_weights():
            model = DeTokenizer(self.config.detokenizer)
        load_weights(model, weights, self.published.detokenizer, dtype=torch.float32)
        return model.eval()
