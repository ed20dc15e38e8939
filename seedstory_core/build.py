"""From a configuration to live objects: the only file that chooses classes and reads weights."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from seedstory_core.config import StudioConfig, project_path
from seedstory_core.engine import StoryEngine
from seedstory_core.errors import ConfigError, WeightsError
from seedstory_core.generation.tokens import StoryTokenizer
from seedstory_core.models.detokenizer import DeTokenizer
from seedstory_core.models.story_lm import StoryLM
from seedstory_core.models.vision import VisionEncoder
from seedstory_core.session import SessionStore
from seedstory_core.story.archive import StoryArchive
from seedstory_core.weights.checkpoint import empty_weights, load_weights, read_weights
from seedstory_core.weights.published import (
    PublishedFiles,
    codec_weights,
    detokenizer_weights,
    story_weights,
    vision_weights,
)

PARTS = ("vision", "vae", "story_lm", "detokenizer")
"""The weights folder holds `<part>.safetensors` for each; the codec lies beside the de-tokenizer
because it is trained before it and never again."""


def build_store(config: StudioConfig) -> SessionStore:
    """Build everything: the engine, the archive of stories, and the sessions over both."""
    archive = build_archive(config)  # first, because a wrong address is found at once
    return SessionStore(build_engine(config), archive)


def build_archive(config: StudioConfig) -> StoryArchive:
    """Open the place where stories are saved.

    Raises:
        ConfigError: Its address is of a kind that cannot be opened here.
    """
    place = config.runtime.stories_folder
    if "://" not in place:
        place = str(project_path(place))
    try:
        return StoryArchive(place)
    except (ImportError, ValueError) as error:
        raise ConfigError(
            f"runtime.stories_folder is '{place}', which cannot be opened: {error}. Give a folder, "
            "or an address of fsspec whose package is installed."
        ) from error


def build_engine(config: StudioConfig) -> StoryEngine:
    """Build the models and load their weights.

    Raises:
        WeightsError: The tokenizer or a weights file is missing, damaged or of another size.
        ConfigError: The device is not there.
    """
    runtime = config.runtime
    if runtime.num_threads:
        torch.set_num_threads(runtime.num_threads)
    device = pick_device(runtime.device)
    dtype = getattr(torch, runtime.dtype)
    tokenizer_folder = project_path(config.tokenizer.folder)
    tokenizer = StoryTokenizer.from_folder(tokenizer_folder)
    check_vocabulary(config, tokenizer)
    with empty_weights():
        vision = VisionEncoder(config.vision)
        story_lm = StoryLM(config.decoder, config.input_resampler, config.output_resampler)
        detokenizer = DeTokenizer(config.detokenizer)
    stored = read_parts(config)
    codec_dtype = torch.float32 if config.detokenizer.vae.force_upcast else dtype
    for part, module, part_dtype in (
        ("vision", vision, dtype),
        ("story_lm", story_lm, dtype),
        ("vae", detokenizer.vae, codec_dtype),
        ("detokenizer", detokenizer, dtype),
    ):
        weights, source = stored[part]
        leave_out = "vae." if part == "detokenizer" else ""
        load_weights(module, weights, source, dtype=part_dtype, device=device, leave_out=leave_out)
    return StoryEngine(
        config,
        tokenizer,
        vision.to(device),
        story_lm.to(device),
        detokenizer.to(device),
        fingerprint=fingerprint(config),
    )


def read_parts(config: StudioConfig) -> dict[str, tuple[Mapping[str, Tensor], Path]]:
    """Give the weights of every part and where they come from; files are memory-mapped."""
    if config.weights.layout == "published":
        files = PublishedFiles.of(config)
        story = story_weights(files, lora_alpha=config.weights.lora_alpha)
        return {
            "vision": (vision_weights(files), files.vision),
            "story_lm": (story, files.story_model),
            "vae": (codec_weights(files), files.sdxl),
            "detokenizer": (detokenizer_weights(files), files.detokenizer),
        }
    return {part: (read_weights(path), path) for part, path in _studio_files(config).items()}


def _studio_files(config: StudioConfig) -> dict[str, Path]:
    folder = project_path(config.runtime.weights_folder)
    return {part: folder / f"{part}.safetensors" for part in PARTS}


def check_vocabulary(config: StudioConfig, tokenizer: StoryTokenizer) -> None:
    """Refuse a tokenizer that does not belong to the model.

    Raises:
        WeightsError: Other ids, or another number of image tokens.
    """
    if tokenizer.vocab_size > config.decoder.vocab_size:
        raise WeightsError(
            f"The tokenizer has {tokenizer.vocab_size} tokens and decoder.vocab_size is "
            f"{config.decoder.vocab_size}. They belong to different models."
        )
    num_queries = config.generation.num_image_queries
    if len(tokenizer.image_query_ids) != num_queries:
        raise WeightsError(
            f"The tokenizer has {len(tokenizer.image_query_ids)} image tokens and "
            f"generation.num_image_queries is {num_queries}. They belong to different models."
        )


def pick_device(name: str) -> torch.device:
    """Turn `auto`, `cpu`, `cuda:1` … into a device that is really there."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ConfigError(
            f"runtime.device is '{name}', which this machine does not have. Set it to auto or cpu."
        ) from error
    return device


def fingerprint(config: StudioConfig) -> str:
    """Name weights and tokenizer by their contents: equal ones have equal names."""
    digest = hashlib.sha256()
    for path in sorted(project_path(config.tokenizer.folder).iterdir()):
        if path.is_file():
            digest.update(f"{path.name}:".encode() + path.read_bytes())
    if config.weights.layout == "published":
        files = PublishedFiles.of(config).all_files()
        digest.update(f"lora_alpha {config.weights.lora_alpha}:".encode())
    else:
        files = list(_studio_files(config).values())
    for path in files:
        digest.update(f"{path.stem}:{path.stat().st_size}:".encode())
        with path.open("rb") as file:
            # The header names every weight and a slice of the data tells trainings apart, without
            # reading gigabytes at every start.
            digest.update(file.read(1 << 20))
            file.seek(-min(path.stat().st_size, 1 << 20), 2)
            digest.update(file.read())
    return digest.hexdigest()[:16]
