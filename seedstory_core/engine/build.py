"""Builds an engine with its models from a configuration."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import torch

from seedstory_core.config import StudioConfig
from seedstory_core.engine.engine import StoryEngine
from seedstory_core.errors import ConfigError, WeightsError
from seedstory_core.generation.policies import configured
from seedstory_core.generation.tokens import StoryTokenizer
from seedstory_core.generation.typed import LEXICON_FILE, Lexicon
from seedstory_core.weights.memory_estimate import check_fit
from seedstory_core.weights.parts import fingerprint, load_models


def build_engine(config: StudioConfig) -> StoryEngine:
    """Build the models and load their weights.

    Raises:
        WeightsError: The tokenizer or a weights file is missing, damaged or of another size.
        ConfigError: The device is missing or too small (the message names settings that would fit),
            or a setting is impossible.
    """
    # OpenMP keeps worker threads for every thread that has computed. Once there are more workers
    # than cores, all of them sleep between two operations, which slows drawing down a lot. So one
    # thread at a time computes: first this one, which ends, then the scheduler's.
    with ThreadPoolExecutor(1, thread_name_prefix="build") as executor:
        return executor.submit(_build_engine, config).result()


def _build_engine(config: StudioConfig) -> StoryEngine:
    runtime = config.runtime
    if runtime.num_threads:
        torch.set_num_threads(runtime.num_threads)
    device = pick_device(runtime.device)
    tokenizer = StoryTokenizer.from_folder(config.tokenizer_path)
    check_vocabulary(config, tokenizer)
    configured(config.memory)
    check_fit(config, device)
    models = load_models(config, device)
    lexicon = Lexicon.from_file(config.tokenizer_path / LEXICON_FILE)
    return StoryEngine(config, tokenizer, *models, lexicon=lexicon, fingerprint=fingerprint(config))


def check_vocabulary(config: StudioConfig, tokenizer: StoryTokenizer) -> None:
    """Refuse a tokenizer that does not belong to the model.

    Raises:
        WeightsError: It has more tokens than the model, or another number of image tokens.
    """
    if tokenizer.vocab_size > config.decoder.vocab_size:
        raise WeightsError(
            f"The tokenizer has {tokenizer.vocab_size} tokens and decoder.vocab_size is "
            f"{config.decoder.vocab_size}. Use the tokenizer that belongs to the model."
        )
    num_queries = config.generation.num_image_queries
    if len(tokenizer.image_query_ids) != num_queries:
        raise WeightsError(
            f"The tokenizer has {len(tokenizer.image_query_ids)} image tokens and "
            f"generation.num_image_queries is {num_queries}. Use the tokenizer that belongs to the "
            "model."
        )


def pick_device(name: str) -> torch.device:
    """Turn `auto`, `cpu`, `cuda:1` … into a device of this machine.

    Raises:
        ConfigError: The machine does not have it.
    """
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
