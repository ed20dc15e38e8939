"""Computes how much memory a configuration needs, and checks whether so much is free.

`python -m seedstory_core.weights.memory_estimate` prints a table for the published 7B release, with
the settings that reduce its memory. Weights are counted exactly, keys and values at their most; the
working memory of a turn and the margin are estimates.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
import torch
from torch import nn

from seedstory_core.config import PROJECT_ROOT, StudioConfig, load_config, with_setting
from seedstory_core.errors import ConfigError, SeedStoryError
from seedstory_core.generation.kv import SPARE_ROWS
from seedstory_core.generation.policies import POLICIES
from seedstory_core.generation.tokens import MAX_READER_TOKENS
from seedstory_core.weights.parts import Models, empty_models, part_dtype

QUANTIZED_BYTES = {"int8": 1.0, "nf4": 0.5 + 4 / 64}
"""Bytes per weight; nf4 has one float32 scale per 64 weights."""
GIGABYTE = 1e9
MARGIN_BYTES = 0.5 * GIGABYTE
"""What a device holds beside tensors: CUDA's context, and the kernels and workspaces of its
libraries, which are loaded when they are first used. A common size; not measured here."""
MARGIN_SHARE = 0.05
"""What is lost between the tensors that come and go. PyTorch rounds large blocks up to 2 MiB, which
is 3 % of a panel's keys in the published model; the rest is for holes."""
MARK_TOKENS = 8
"""More tokens than BOS, the separator and a hint's brackets have."""


@dataclass(frozen=True)
class Need:
    """Bytes that a configuration needs.

    Attributes:
        story_lm: Weights of the story model on the device while it works.
        vision: Those of the image encoder.
        detokenizer: Those of the denoiser with its perceiver.
        codec: Those of the image codec and the small decoder for previews.
        memory: Cached keys and values of all stories at most.
        contexts: Those of the running turns at most, and of what is prefetched.
        work: Largest activations of the denoiser or the codec (an estimate).
        margin: What is in use beside all these (an estimate).
        device: The most that is on the device at once.
        host: Weights that wait in main memory, or pass through it while loading.
    """

    story_lm: float
    vision: float
    detokenizer: float
    codec: float
    memory: float
    contexts: float
    work: float
    margin: float
    device: float
    host: float


def need_of(config: StudioConfig, models: Models | None = None) -> Need:
    """Return the memory that a configuration needs."""
    vision, story_lm, detokenizer, preview = models or empty_models(config)
    itemsize = part_dtype(config, "story_lm").itemsize
    runtime = config.runtime

    per_weight = QUANTIZED_BYTES.get(runtime.quantize, itemsize)
    linears = _count(m for m in story_lm.layers.modules() if isinstance(m, nn.Linear))
    layers = _count([story_lm.layers])
    heavy = {
        "story_lm": linears * per_weight + (layers - linears) * itemsize,
        "vision": _count([vision]) * itemsize,
        "detokenizer": _count([detokenizer.unet]) * itemsize,
    }
    codec = _count([detokenizer.vae])
    rest = {
        "story_lm": (_count([story_lm]) - layers) * itemsize,
        "vision": 0.0,
        "detokenizer": (_count([detokenizer]) - _count([detokenizer.unet]) - codec) * itemsize,
    }
    codec_bytes = codec * part_dtype(config, "vae").itemsize
    codec_bytes += _count([preview] if preview is not None else []) * itemsize
    away = {part: heavy[part] for part in runtime.offload}
    resident = sum(heavy[part] for part in heavy if part not in away)
    rows, row = _view_rows(config), _row_bytes(config)
    # The running turns hold what they see, even if the pool has no room for it.
    memory = max(float(runtime.memory_pool_bytes), runtime.turns_at_once * rows * row)
    contexts = _num_contexts(config) * (rows + _page_rows(config) + SPARE_ROWS) * row
    work = max(_codec_activations(config), _denoiser_activations(config))
    # One offloaded part is on the device at a time; only the de-tokenizer needs working memory.
    moments = {"detokenizer": work} | {part: 0.0 for part in ("vision", "story_lm")}
    moving = memory + contexts
    moving += max(away.get(part, 0.0) + moment for part, moment in moments.items())
    margin = MARGIN_BYTES + MARGIN_SHARE * moving
    device = resident + sum(rest.values()) + codec_bytes + moving + margin
    # Layers are quantized on the way from main memory, which holds all of them before.
    passing = layers * itemsize if runtime.quantize != "none" else 0.0
    waiting = sum(size for part, size in away.items() if part != "story_lm" or not passing)
    return Need(
        **{part: heavy[part] + rest[part] for part in heavy},
        codec=codec_bytes,
        memory=memory,
        contexts=contexts,
        work=work,
        margin=margin,
        device=device,
        host=waiting + passing,
    )


def _count(modules: Sequence[nn.Module] | Iterator[nn.Module]) -> int:
    return sum(weight.numel() for module in modules for weight in module.parameters())


def _num_contexts(config: StudioConfig) -> int:
    """Return the most contexts at once.

    Every caption that is written has one, and so has every turn that waits while all places in the
    batch are taken by the alternatives of another one. A batch holds copies of its contexts. As
    many prefetches as turns may have begun (`Scheduler._next_batch`).
    """
    turns = config.runtime.turns_at_once
    copies = turns if turns > 1 else 0
    prefetched = turns if config.runtime.prefetches else 0
    return turns + (turns - 1) + copies + prefetched


def _view_rows(config: StudioConfig) -> int:
    """Return the most rows of the past that a turn sees under the configured policy."""
    positions = config.decoder.max_position_embeddings
    is_capped = config.memory.policy in POLICIES and POLICIES[config.memory.policy].is_capped
    return min(config.memory.max_rows, positions) if is_capped else positions


def _page_rows(config: StudioConfig) -> int:
    """Return the rows of the longest panel that can be asked for."""
    numbers = config.generation
    longest = MAX_READER_TOKENS + numbers.max_new_tokens + MARK_TOKENS
    return longest + numbers.num_image_queries + 2


def _row_bytes(config: StudioConfig) -> float:
    """Return the bytes of the keys and values of one row."""
    decoder = config.decoder
    head_dim = decoder.extra.get("head_dim") or decoder.hidden_size // decoder.num_attention_heads
    numbers = 2 * decoder.num_hidden_layers * decoder.num_key_value_heads * head_dim
    return numbers * part_dtype(config, "story_lm").itemsize


def _codec_activations(config: StudioConfig) -> float:
    """Estimate: three images of the second finest level's channels, as its last block holds."""
    vae = config.detokenizer.vae
    side = min(config.detokenizer.image_size, vae.tile_size or config.detokenizer.image_size)
    channels = vae.block_out_channels[min(1, len(vae.block_out_channels) - 1)]
    pixels = (side / vae.patch_size) ** 2
    return 3 * pixels * channels * part_dtype(config, "vae").itemsize


def _denoiser_activations(config: StudioConfig) -> float:
    """Estimate: forty maps of the finest level's channels, of every image and its guidance."""
    numbers = config.detokenizer
    rows = 2 if numbers.guidance_scale > 1 else 1
    channels = numbers.unet.block_out_channels[0]
    itemsize = part_dtype(config, "detokenizer").itemsize
    images = config.runtime.turns_at_once  # in one batch
    return 40 * images * rows * numbers.latent_size**2 * channels * itemsize


SWITCHES: tuple[tuple[str, object], ...] = (
    ("runtime.dtype", "bfloat16"),
    # Without these two, readers wait longer, and nothing else changes.
    ("runtime.prefetch", False),
    ("runtime.max_turns", 1),
    ("detokenizer.vae.tile_size", 512),
    # Holds the rows that the published model sees.
    ("runtime.memory_pool_bytes", 3 * 2**29),
    # Costs nothing until a reader brings an image of their own.
    ("runtime.offload", ["vision", "detokenizer"]),
    ("runtime.quantize", "int8"),
    ("runtime.quantize", "nf4"),
    ("runtime.offload", ["vision", "story_lm", "detokenizer"]),
)
"""Settings that reduce the memory, those that cost the least quality and time first."""


def smaller(config: StudioConfig, models: Models) -> Iterator[tuple[list[str], StudioConfig]]:
    """Apply one switch after the other; yield all settings so far and their configuration.

    Switches that save nothing, or that the configuration refuses, are skipped.
    """
    settings: dict[str, str] = {}
    for key, value in SWITCHES:
        try:
            changed = with_setting(config, key, value)
        except ConfigError:
            continue
        if need_of(changed, models).device >= need_of(config, models).device:
            continue
        config = changed
        settings[key] = f"{key}={_shown(value)}"
        yield list(settings.values()), config


def _shown(value: object) -> str:
    if isinstance(value, list):
        return f"[{','.join(value)}]"
    return str(value).lower() if isinstance(value, bool) else str(value)


def check_fit(config: StudioConfig, device: torch.device) -> None:
    """Refuse a configuration that cannot fit, before anything is loaded.

    Raises:
        ConfigError: Too little memory is free; the message names settings that would fit.
    """
    models = empty_models(config)
    free, where = free_bytes(device)
    host = psutil.virtual_memory().available
    is_host = device.type != "cuda"

    def lacks(need: Need) -> str:
        if is_host:
            total = need.device + need.host  # offloaded parts stay in the same memory
            return _compared(total, free, where) if total > free else ""
        if need.device > free:
            return _compared(need.device, free, where)
        return _compared(need.host, host, "main memory") if need.host > host else ""

    lack = lacks(need_of(config, models))
    if not lack:
        return
    advice = "No setting makes them small enough; they need a larger machine."
    for settings, changed in smaller(config, models):
        if is_host and "offload" in settings[-1]:
            continue
        if not lacks(need_of(changed, models)):
            used = [one for one in settings if not (is_host and "offload" in one)]
            advice = f"Set {' '.join(used)}."
            break
    raise ConfigError(f"The models need about {lack}. {advice}")


def advise(config: StudioConfig, device: torch.device) -> str:
    """Return a sentence with the first settings that save at least a tenth of the memory."""
    models, is_host = empty_models(config), device.type != "cuda"

    def needed(config: StudioConfig) -> float:
        need = need_of(config, models)
        return need.device + (need.host if is_host else 0.0)

    for settings, changed in smaller(config, models):
        if is_host and "offload" in settings[-1]:
            continue
        if needed(changed) <= 0.9 * needed(config):
            named = [one for one in settings if not (is_host and "offload" in one)]
            return (
                f"Start the studio with {' '.join(named)}: it then needs about "
                f"{needed(changed) / GIGABYTE:.1f} GB instead of "
                f"{needed(config) / GIGABYTE:.1f}."
            )
    return "No setting makes the models much smaller; they need a larger machine."


def _compared(needed: float, free: float, where: str) -> str:
    return (
        f"{needed / GIGABYTE:.1f} GB on {where}, and {free / GIGABYTE:.1f} GB are free"
        if where != "main memory"
        else f"{needed / GIGABYTE:.1f} GB of main memory for weights that wait or pass through it, "
        f"and {free / GIGABYTE:.1f} GB are free"
    )


def free_bytes(device: torch.device) -> tuple[int, str]:
    """Return the free memory of a device, and its name for a message."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0], f"the GPU ({device})"
    return psutil.virtual_memory().available, "this machine"


def table(config: StudioConfig) -> list[str]:
    """Return the needs of a configuration and of its smaller ones as lines of a Markdown table."""
    models = empty_models(config)
    lines = [
        "| settings | language model | image encoder | denoiser | codec | keys and values "
        "| contexts | work | margin | **on the device** | in main memory |",
        "|" + "---|" * 11,
    ]
    for settings, changed in [([], config), *smaller(config, models)]:
        need = need_of(changed, models)
        numbers = (
            *(need.story_lm, need.vision, need.detokenizer, need.codec),
            *(need.memory, need.contexts, need.work, need.margin, need.device, need.host),
        )
        columns = [f"{number / GIGABYTE:.1f}" for number in numbers]
        columns[8] = f"**{columns[8]}**"
        shown = " ".join(f"`{setting}`" for setting in settings) or "as configured"
        lines.append(f"| {shown} | {' | '.join(columns)} |")
    return lines


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return 0 on success, else 1."""
    parser = argparse.ArgumentParser(prog="python -m seedstory_core.weights.memory_estimate")
    parser.add_argument(
        "--config", type=Path, default=PROJECT_ROOT / "configs" / "seed_story_7b.yaml"
    )
    parser.add_argument("--set", dest="overrides", nargs="*", default=[], metavar="KEY=VALUE")
    arguments = parser.parse_args(argv)
    try:
        lines = table(load_config(arguments.config, arguments.overrides))
    except SeedStoryError as error:
        print(error, file=sys.stderr)
        return 1
    print("\n".join(["Gigabytes (10^9 bytes), by arithmetic.", "", *lines]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
