"""Reads the published SEED-Story release: its file layout and its names of weights.

Each function gives weights that fit one of our models exactly; LoRA is merged and the saved copies
of norms are taken, so no model knows of either. Files are memory-mapped, and a weight is computed
when it is asked for: what is loaded exists once, in the number format that was asked for.

The layout, rules and counts are described in the README of the miniature reference weights.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from torch import Tensor

from seedstory_core.config import StudioConfig, project_path
from seedstory_core.errors import WeightsError
from seedstory_core.weights.checkpoint import (
    INDEX,
    check_file,
    read_pickled_weights,
    read_weights,
    shards_of,
)

LLM_PREFIX = "llm.base_model.model."
LORA_A, LORA_B = ".lora_A.default.weight", ".lora_B.default.weight"
SAVED, ORIGINAL = ".modules_to_save.default.", ".original_module."
TOKEN_TABLES = ("embed_tokens.weight", "lm_head.weight")
QWEN_VISION_PREFIX = "transformer.visual."
"""Begins the picture encoder's names inside the shards of Qwen-VL-Chat."""


@dataclass(frozen=True)
class PublishedFiles:
    """Where each part of the release lies.

    Attributes:
        story_model: File with resamplers, LoRA, norms, token tables and base projections.
        base_llm: Folder of the base language model; supplies what the story model's file lacks,
            and need not be there if that is nothing.
        vision: The extracted picture encoder (a file), or the folder of Qwen-VL-Chat.
        sdxl: Folder of Stable Diffusion XL in diffusers' layout.
        detokenizer: File with perceiver and adapted UNet.
        preview: File of TAESDXL, in diffusers' layout; read only where previews use it.
    """

    story_model: Path
    base_llm: Path
    vision: Path
    sdxl: Path
    detokenizer: Path
    preview: Path

    @classmethod
    def of(cls, config: StudioConfig) -> PublishedFiles:
        """Find the files of a configuration with `weights.layout: published`.

        Where one file is meant the configuration may name it, or the folder it lies in.
        """
        root, weights = project_path(config.runtime.weights_folder), config.weights

        def inside(folder: str, name: str) -> Path:
            path = root / folder / name
            return root / folder if (root / folder).is_file() else path

        vision = inside(weights.vision.folder, "qwen_vit_G.pt")
        return cls(
            story_model=inside(weights.story_model.folder, "pytorch_model.bin"),
            base_llm=root / weights.language_model.folder,
            vision=vision if vision.is_file() else vision.parent,
            sdxl=root / weights.stable_diffusion.folder,
            detokenizer=inside(weights.detokenizer.folder, "pytorch_model.bin"),
            preview=inside(weights.preview.folder, "diffusion_pytorch_model.safetensors"),
        )

    def all_files(self) -> list[Path]:
        """Every file that a story depends on; all of them are there."""
        vision = (
            [self.vision] if self.vision.is_file() else _shards(self.vision, QWEN_VISION_PREFIX)
        )
        return [
            check_file(self.story_model),
            *(_shards(self.base_llm) if self.base_llm.is_dir() else []),
            *vision,
            *_shards(self.sdxl / "unet"),
            *_shards(self.sdxl / "vae"),
            check_file(self.detokenizer),
        ]


class LazyWeights(Mapping[str, Tensor]):
    """Weights by name, each computed when it is asked for and kept by nobody."""

    def __init__(self, readers: Mapping[str, Callable[[], Tensor]]) -> None:
        """Take a function per weight."""
        self._readers = readers

    def __getitem__(self, name: str) -> Tensor:
        """Compute one weight."""
        return self._readers[name]()

    def __contains__(self, name: object) -> bool:
        """Look a name up without computing its weight, as Mapping's own would."""
        return name in self._readers

    def __iter__(self) -> Iterator[str]:
        """Go over the names."""
        return iter(self._readers)

    def __len__(self) -> int:
        """Count the weights."""
        return len(self._readers)


def vision_weights(files: PublishedFiles) -> dict[str, Tensor]:
    """Read the picture encoder; its names are ours.

    From Qwen-VL-Chat only the shards that hold the encoder need to be there.
    """
    if files.vision.is_file():
        return read_pickled_weights(files.vision)
    if not files.vision.is_dir():
        raise WeightsError(
            f"The picture encoder is missing: {files.vision} is neither qwen_vit_G.pt nor a folder "
            f"with it or with the shards of Qwen-VL-Chat. {REMEDY}"
        )
    weights = {
        name.removeprefix(QWEN_VISION_PREFIX): value
        for name, value in read_model_folder(files.vision, prefix=QWEN_VISION_PREFIX).items()
    }
    if not weights:
        raise WeightsError(
            f"{files.vision} holds no weight that begins with {QWEN_VISION_PREFIX}, where "
            "Qwen-VL-Chat keeps its picture encoder. Is it another model's folder?"
        )
    return weights


def story_weights(files: PublishedFiles, *, lora_alpha: float) -> LazyWeights:
    """Read the story model, merged.

    Args:
        files: Of the release.
        lora_alpha: LoRA's alpha; the rank is read off the weights, the scale is alpha / rank.

    Returns:
        Merged projections in float32, all else as it is stored.

    Raises:
        WeightsError: A file is missing or damaged, or an adapter does not fit its projection.
    """
    source = files.story_model
    stored = read_pickled_weights(source)
    base = {our_name(name): value for name, value in stored.items() if not is_part(name)}
    # What the story model's file holds wins: its base projections differ from the base folder's.
    supplied = read_model_folder(files.base_llm) if files.base_llm.is_dir() else {}
    for name, value in supplied.items():
        if not is_part(name):
            base.setdefault(f"llm.{name}", value)
    readers: dict[str, Callable[[], Tensor]] = {
        name: partial(_as_stored, value) for name, value in base.items()
    }
    for module in _adapted_modules(stored, source):
        name = our_name(module + ".weight")
        if name not in base:
            raise WeightsError(
                f"Neither {source} nor {files.base_llm} holds {module}.weight, which an adapter "
                "changes. Is it the right base model?"
            )
        down, up = stored[module + LORA_A], stored[module + LORA_B]
        if base[name].shape != (up.shape[0], down.shape[1]):
            raise WeightsError(
                f"{source}: the adapter of {module} is for {up.shape[0]} x {down.shape[1]} "
                f"weights, and there are {' x '.join(map(str, base[name].shape))}. Is it the "
                "right base model?"
            )
        readers[name] = partial(_merge_lora, base[name], down, up, lora_alpha)
    return LazyWeights(readers)


def _adapted_modules(stored: Mapping[str, Tensor], source: Path) -> list[str]:
    """Name the modules with an adapter, and refuse half adapters."""
    modules = []
    for name in stored:
        for half, other in ((LORA_A, LORA_B), (LORA_B, LORA_A)):
            module = name.removesuffix(half)
            if module == name:
                continue
            if module + other not in stored:
                kind = other.split(".")[1]
                raise WeightsError(f"{source} has {name} without its {kind} counterpart.")
            if half == LORA_A:
                modules.append(module)
    return modules


def our_name(name: str) -> str:
    """Translate a name of the story model's file, adapters aside."""
    return name.replace(LLM_PREFIX, "llm.").replace(SAVED, ".")


def is_part(name: str) -> bool:
    """Whether a stored weight is no weight of ours by itself.

    LoRA joins its projection; frozen copies are unused; frequencies are computed.
    """
    return name.endswith((LORA_A, LORA_B, "inv_freq")) or ORIGINAL in name


def is_trained_in_stage_two(name: str) -> bool:
    """Whether the release trains this weight of the story model's file.

    Adapters, norms (their unused copies are flagged, too), token tables, resamplers without their
    position tables.
    """
    if name.startswith(("input_resampler.", "output_resampler.")):
        return not name.endswith("pos_embed")
    return ".lora_" in name or "norm." in name or name.endswith(TOKEN_TABLES)


def is_trained_in_stage_three(name: str) -> bool:
    """Whether the release trains this weight of the de-tokenizer's file."""
    is_key_or_value = name.startswith("unet.") and (".to_k." in name or ".to_v." in name)
    return name.startswith("resampler.") or is_key_or_value


def _as_stored(value: Tensor) -> Tensor:
    return value


def _merge_lora(base: Tensor, down: Tensor, up: Tensor, alpha: float) -> Tensor:
    """Add one adapter to its projection, W + alpha / rank * B A, in float32."""
    return base.float() + (up.float() @ down.float()) * (alpha / down.shape[0])


def detokenizer_weights(files: PublishedFiles) -> dict[str, Tensor]:
    """Read the de-tokenizer without its codec: base UNet, adapted weights on top, perceiver."""
    base = {f"unet.{name}": value for name, value in read_model_folder(files.sdxl / "unet").items()}
    return base | read_pickled_weights(files.detokenizer)


def preview_weights(files: PublishedFiles) -> dict[str, Tensor]:
    """Read the decoder of TAESDXL; its encoder is left out.

    Raises:
        WeightsError: It is missing or damaged.
    """
    if not files.preview.exists():
        raise WeightsError(
            f"The decoder for previews is missing: {files.preview}. {REMEDY} To do without it, set "
            "detokenizer.preview.block_out_channels=[]."
        )
    stored = read_weights(files.preview)
    return {name: value for name, value in stored.items() if name.startswith("decoder.")}


def codec_weights(files: PublishedFiles) -> dict[str, Tensor]:
    """Read Stable Diffusion XL's codec."""
    return {
        f"autoencoder.{_current_vae_name(name)}": value
        for name, value in read_model_folder(files.sdxl / "vae").items()
    }


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


REMEDY = "Fetch them (docs/published-weights.md), or correct the folder under weights."
STEMS = (
    "model.safetensors",
    "diffusion_pytorch_model.safetensors",
    "pytorch_model.bin",
    "diffusion_pytorch_model.bin",
)
"""Names of a model's file; with `.index.json` behind it, of the list of its shards."""


def _shards(folder: Path, prefix: str = "") -> list[Path]:
    """List the files of a model folder: those of its index, or the single one.

    Args:
        folder: As transformers or diffusers save a model.
        prefix: Only shards with weights whose names begin so.

    Raises:
        WeightsError: No weights, a damaged index, or a shard that is missing.
    """
    for stem in STEMS:
        path = folder / stem
        if path.is_file() or path.with_name(stem + INDEX).is_file():
            return shards_of(path, prefix=prefix)
    where = "it holds none of" if folder.is_dir() else "there is no such folder; it should hold"
    raise WeightsError(
        f"The weights in {folder} are missing: {where} {', '.join(STEMS)}, or an index of shards. "
        f"{REMEDY}"
    )


def read_model_folder(folder: Path, *, prefix: str = "") -> dict[str, Tensor]:
    """Read the weights of a folder as transformers or diffusers save it, memory-mapped.

    Args:
        folder: With one file, or an index and shards.
        prefix: Only weights whose names begin so; shards without any need not be there.

    Raises:
        WeightsError: No weights, a damaged index or shard, or one that is missing.
    """
    weights: dict[str, Tensor] = {}
    for shard in _shards(folder, prefix):
        read = read_weights if shard.suffix == ".safetensors" else read_pickled_weights
        weights |= {name: value for name, value in read(shard).items() if name.startswith(prefix)}
    return weights
