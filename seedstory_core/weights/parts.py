"""The parts of the whole model: their modules, and the files of their weights in either layout."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

from seedstory_core.config import StudioConfig, project_path
from seedstory_core.models.detokenizer import DeTokenizer
from seedstory_core.models.offload import TakingTurns
from seedstory_core.models.packed import pack_linears
from seedstory_core.models.preview import PreviewDecoder
from seedstory_core.models.story_lm import StoryLM
from seedstory_core.models.vision import VisionEncoder
from seedstory_core.weights.checkpoint import (
    LIKELY_CAUSE,
    empty_weights,
    load_weights,
    read_weights,
    shards_of,
)
from seedstory_core.weights.published import (
    PublishedFiles,
    codec_weights,
    detokenizer_weights,
    preview_weights,
    story_weights,
    vision_weights,
)
from seedstory_core.weights.quantize import quantize_linears

PARTS = ("vision", "vae", "story_lm", "detokenizer", "preview")
"""Parts of the studio's layout, each with its `<part>.safetensors`. The codec has its own file
because it is trained before the de-tokenizer and never again; `preview` is optional."""


LEAVE_OUT = {"detokenizer": "vae."}
"""Prefix of names in a part's module that belong to another part's file."""


class Models(NamedTuple):
    """The models; the codec is part of the de-tokenizer."""

    vision: VisionEncoder
    story_lm: StoryLM
    detokenizer: DeTokenizer
    preview: PreviewDecoder | None

    def parts(self) -> dict[str, nn.Module]:
        """Return the modules by part."""
        return {
            "vision": self.vision,
            "vae": self.detokenizer.vae,
            "story_lm": self.story_lm,
            "detokenizer": self.detokenizer,
            **({"preview": self.preview} if self.preview is not None else {}),
        }


class PartWeights(NamedTuple):
    """Weights of one part, their file or folder, and the likely cause if they do not fit."""

    weights: Mapping[str, Tensor]
    source: Path
    likely_cause: str = LIKELY_CAUSE


def empty_models(config: StudioConfig) -> Models:
    """Build the models without memory for their weights."""
    numbers = config.detokenizer
    has_preview = bool(numbers.preview.block_out_channels)
    with empty_weights():
        return Models(
            VisionEncoder(config.vision),
            StoryLM(config.decoder, config.input_resampler, config.output_resampler),
            DeTokenizer(numbers),
            PreviewDecoder(numbers.preview, numbers.vae.latent_channels) if has_preview else None,
        )


def load_models(config: StudioConfig, device: torch.device) -> Models:
    """Build the models and read their weights to a device, one weight at a time.

    Parts that are offloaded or quantized pass through main memory.

    Raises:
        WeightsError: A file is missing, damaged or of another size.
        ConfigError: bitsandbytes is needed and not installed.
    """
    models = empty_models(config)
    modules = models.parts()
    runtime = config.runtime
    passing = {"story_lm"} if runtime.quantize != "none" else set()
    for part, (weights, source, likely_cause) in read_parts(config).items():
        load_weights(
            modules[part],
            weights,
            source,
            dtype=part_dtype(config, part),
            device="cpu" if part in passing.union(runtime.offload) else device,
            leave_out=LEAVE_OUT.get(part, ""),
            likely_cause=likely_cause,
        )
    vision, story_lm, detokenizer, preview = models
    if runtime.quantize != "none":
        place = torch.device("cpu") if "story_lm" in runtime.offload else device
        quantize_linears(story_lm.layers, runtime.quantize, place)
    group = TakingTurns(device)
    if "vision" in runtime.offload:
        group.add(vision, vision, is_rare=True)
    if "story_lm" in runtime.offload:
        # The embedding table and the resamplers are also used on their own, so they stay.
        group.add(story_lm, story_lm.layers, called=story_lm.decoder)
    if "detokenizer" in runtime.offload:
        # The codec stays: it is small, and previews may call it between the steps.
        group.add(detokenizer, detokenizer.unet)
    # Computed buffers, such as rotary frequencies, follow the weights.
    for part, model in (("vision", vision), ("story_lm", story_lm), ("detokenizer", detokenizer)):
        if part not in runtime.offload:
            model.to(device)
    if preview is not None:
        preview.to(device)
        preview.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    # The codec mostly consists of convolutions, which are faster in this layout on CPUs and GPUs;
    # the denoiser gains nothing.
    detokenizer.vae.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    if device.type == "cpu":
        for model in (vision, story_lm, detokenizer):
            pack_linears(model)
    return models


def part_dtype(config: StudioConfig, part: str) -> torch.dtype:
    """Return the dtype in which a part runs; the codec stays in float32 with `force_upcast`."""
    if part == "vae" and config.detokenizer.vae.force_upcast:
        return torch.float32
    return getattr(torch, config.runtime.dtype)


def read_parts(config: StudioConfig) -> dict[str, PartWeights]:
    """Return the weights of every part; files are memory-mapped.

    Raises:
        WeightsError: A file is missing or damaged.
    """
    if config.weights.layout == "studio":
        files = _studio_files(config)
        return {part: PartWeights(read_weights(path), path) for part, path in files.items()}
    found = PublishedFiles.of(config)
    story = story_weights(found, lora_alpha=config.weights.lora_alpha)
    cause = LIKELY_CAUSE
    if not found.base_llm.is_dir():
        cause = (
            f"The base language model has the weights that this file lacks, and {found.base_llm} "
            "is missing. Fetch it, too."
        )
    parts = {
        "vision": PartWeights(vision_weights(found), found.vision),
        "vae": PartWeights(codec_weights(found), found.sdxl),
        "story_lm": PartWeights(story, found.story_model, cause),
        "detokenizer": PartWeights(detokenizer_weights(found), found.detokenizer),
    }
    if config.detokenizer.preview.block_out_channels:
        parts["preview"] = PartWeights(preview_weights(found), found.preview)
    return parts


def fingerprint(config: StudioConfig) -> str:
    """Return a digest that identifies weights and tokenizer by their contents.

    The decoder for previews does not count, because no saved story depends on it.
    """
    digest = hashlib.sha256()
    for path in sorted(config.tokenizer_path.iterdir()):
        if path.is_file():
            digest.update(f"{path.name}:".encode() + path.read_bytes())
    if config.weights.layout == "published":
        files = PublishedFiles.of(config).all_files()
        digest.update(f"lora_alpha {config.weights.lora_alpha}:".encode())
    else:
        places = _studio_files(config)
        places.pop("preview", None)
        files = [shard for path in places.values() for shard in shards_of(path)]
    for path in files:
        digest.update(f"{path.stem}:{path.stat().st_size}:".encode())
        with path.open("rb") as file:
            # The header names every weight, and a slice of the data differs between trainings; so
            # a start need not read gigabytes.
            digest.update(file.read(1 << 20))
            file.seek(-min(path.stat().st_size, 1 << 20), 2)
            digest.update(file.read())
    return digest.hexdigest()[:16]


def _studio_files(config: StudioConfig) -> dict[str, Path]:
    folder = project_path(config.runtime.weights_folder)
    has_preview = bool(config.detokenizer.preview.block_out_channels)
    parts = [part for part in PARTS if part != "preview" or has_preview]
    return {part: folder / f"{part}.safetensors" for part in parts}
