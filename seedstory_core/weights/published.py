"""Reads the published SEED-Story release: its file layout and its names of weights.

Each function gives a table of weights that fits one of our models exactly; LoRA is merged and the
saved copies of norms are taken, so no model knows of either. Files are memory-mapped and converted
weight by weight: at no moment are there two full copies.

The layout, rules and counts are described in the README of the miniature reference weights.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from seedstory_core.errors import WeightsError
from seedstory_core.weights.checkpoint import (
    check_file,
    open_weights,
    read_pickled_weights,
    read_weights,
)

LLM_PREFIX = "llm.base_model.model."
LORA_A, LORA_B = ".lora_A.default.weight", ".lora_B.default.weight"
SAVED, ORIGINAL = ".modules_to_save.default.", ".original_module."


@dataclass(frozen=True)
class PublishedFolder:
    """Where each file stands under a folder of the published layout."""

    root: Path

    @property
    def tokenizer(self) -> Path:
        """Folder of the tokenizer with image tokens."""
        return self.root / "cvlm_llama2_tokenizer"

    @property
    def base_llm(self) -> Path:
        """Folder of the base language model; supplies what the story model's file lacks."""
        return self.root / "Llama-2-7b-hf"

    @property
    def story_model(self) -> Path:
        """Resamplers, LoRA, norms, token tables and base projections of the story model."""
        return self.root / "seed_story" / "george_sft" / "pytorch_model.bin"

    @property
    def vision(self) -> Path:
        """Picture encoder with attention pooling."""
        return self.root / "visual_tokenizer" / "qwen_vit_G.pt"

    @property
    def sdxl(self) -> Path:
        """Folder of Stable Diffusion XL in diffusers' layout."""
        return self.root / "stable-diffusion-xl-base-1.0"

    @property
    def detokenizer(self) -> Path:
        """Perceiver and adapted UNet."""
        adapted = self.root / "detokenizer" / "detokenizer_george_adapted"
        return adapted / "checkpoint-4000" / "pytorch_model.bin"


def vision_weights(folder: PublishedFolder) -> dict[str, Tensor]:
    """Read the picture encoder; its names are ours."""
    return read_pickled_weights(folder.vision)


def story_weights(
    folder: PublishedFolder, *, lora_alpha: float, dtype: torch.dtype | None = None
) -> dict[str, Tensor]:
    """Read the story model, merged.

    Args:
        folder: Of the published layout.
        lora_alpha: LoRA's alpha; the rank is read off the weights, the scale is alpha / rank.
        dtype: Number format of the result; `None` keeps the stored one.
    """
    stored = read_pickled_weights(folder.story_model)
    source = folder.story_model
    adapted = {
        _our_name(name.removesuffix(LORA_A) + ".weight"): name.removesuffix(LORA_A)
        for name in stored
        if name.endswith(LORA_A)
    }
    result: dict[str, Tensor] = {}

    def keep(name: str, value: Tensor) -> None:
        """Convert a weight once: an adapted one together with its adapter."""
        if name in adapted:
            value = _merge_lora(value, stored, adapted[name], lora_alpha, dtype, source)
        result[name] = _cast(value, dtype)

    for name, value in stored.items():
        if name.endswith(LORA_B) and name.replace(LORA_B, LORA_A) not in stored:
            raise WeightsError(f"{source} has {name} without its lora_A counterpart.")
        # LoRA joins its projection; frozen copies are unused; frequencies are computed.
        is_part = name.endswith((LORA_A, LORA_B, "inv_freq")) or ORIGINAL in name
        if not is_part:
            keep(_our_name(name), value)
    # What the story model's file holds wins: its base projections differ from the base folder's.
    for name, value in _base_llm(folder.base_llm, wanted_unless=set(result)):
        keep(name, value)
    orphans = [module for name, module in adapted.items() if name not in result]
    if orphans:
        raise WeightsError(
            f"Neither {source} nor the base language model holds {orphans[0]}.weight, which an "
            "adapter changes. Is it the right base model?"
        )
    return result


def _our_name(name: str) -> str:
    return name.replace(LLM_PREFIX, "llm.").replace(SAVED, ".")


def _merge_lora(
    base: Tensor,
    stored: dict[str, Tensor],
    module: str,
    alpha: float,
    dtype: torch.dtype | None,
    source: Path,
) -> Tensor:
    """Add one adapter to its projection, W + alpha / rank * B A, in float32."""
    if module + LORA_B not in stored:
        raise WeightsError(f"{source} has {module}{LORA_A} without its lora_B counterpart.")
    down, up = stored[module + LORA_A].float(), stored[module + LORA_B].float()
    if base.shape != (up.shape[0], down.shape[1]):
        raise WeightsError(
            f"{source}: the adapter of {module} is for {up.shape[0]} x {down.shape[1]} weights, "
            f"and there are {' x '.join(map(str, base.shape))}. Is it the right base model?"
        )
    merged = base.float() + (up @ down) * (alpha / down.shape[0])
    return merged.to(dtype or base.dtype)


def _base_llm(folder: Path, wanted_unless: set[str]) -> Iterator[tuple[str, Tensor]]:
    """Read those weights of the base language model that are still needed, shard by shard."""
    for shard in _shards(folder, "model"):
        with open_weights(shard) as (names, read):
            for name in names:
                target = f"llm.{name}"
                if target not in wanted_unless and not name.endswith("inv_freq"):
                    yield target, read(name)


def _shards(folder: Path, stem: str) -> list[Path]:
    """List the safetensors files of a model folder: those of its index, or the single one."""
    index = folder / f"{stem}.safetensors.index.json"
    if not index.is_file():
        return [check_file(folder / f"{stem}.safetensors")]
    try:
        names = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WeightsError(f"{index} is damaged ({error!r}). Fetch it again.") from error
    return [check_file(folder / name) for name in names]


def detokenizer_weights(
    folder: PublishedFolder, *, dtype: torch.dtype | None = None
) -> dict[str, Tensor]:
    """Read the de-tokenizer: base UNet, the adapted weights on top, perceiver and codec.

    The codec keeps its stored number format, since it has to run in float32.
    """
    result = {
        f"unet.{name}": _cast(value, dtype)
        for shard in _shards(folder.sdxl / "unet", "diffusion_pytorch_model")
        for name, value in read_weights(shard).items()
    }
    for name, value in read_pickled_weights(folder.detokenizer).items():
        result[name] = _cast(value, dtype)
    for name, value in read_weights(
        folder.sdxl / "vae" / "diffusion_pytorch_model.safetensors"
    ).items():
        result[f"vae.autoencoder.{_current_vae_name(name)}"] = value
    return result


def _current_vae_name(name: str) -> str:
    """Give today's name of a codec weight; older files name the attention's parts otherwise."""
    for old, new in (
        ("query", "to_q"),
        ("key", "to_k"),
        ("value", "to_v"),
        ("proj_attn", "to_out.0"),
    ):
        name = re.sub(rf"(attentions\.\d+)\.{old}\.", rf"\1.{new}.", name)
    return name


def _cast(value: Tensor, dtype: torch.dtype | None) -> Tensor:
    return value if dtype is None else value.to(dtype)
