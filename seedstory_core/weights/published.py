"""Reads the published SEED-Story release with its file layout and weight names.

Each function returns weights that fit one of our models exactly; LoRA is merged and the saved
copies of norms are used, so no model knows of either. Files are memory-mapped, and merged weights
are computed when they are read, so that each exists only once.

The README of the miniature reference weights describes the layout, rules and counts.
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
"""Prefix of the image encoder's names in the shards of Qwen-VL-Chat."""


@dataclass(frozen=True)
class PublishedFiles:
    """Paths of the release's parts.

    Attributes:
        story_model: File with resamplers, LoRA, norms, embedding tables and base projections.
        base_llm: Folder of the base language model; needed only for weights that the story model's
            file lacks.
        vision: The extracted image encoder (a file), or the folder of Qwen-VL-Chat.
        sdxl: Folder of Stable Diffusion XL in diffusers' layout.
        detokenizer: File with perceiver and adapted UNet.
        preview: File of TAESDXL in diffusers' layout; read only if previews use it.
    """

    story_model: Path
    base_llm: Path
    vision: Path
    sdxl: Path
    detokenizer: Path
    preview: Path

    @classmethod
    def of(cls, config: StudioConfig) -> PublishedFiles:
        """Return the paths of a configuration with `weights.layout: published`.

        For a part that is one file, the configuration may name the file or its folder.
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
        """Return all files that saved stories depend on.

        Raises:
            WeightsError: One of them is missing.
        """
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
    """Weights by name, each computed whenever it is read and never cached."""

    def __init__(self, readers: Mapping[str, Callable[[], Tensor]]) -> None:
        """Create the mapping from a function per weight."""
        self._readers = readers

    def __getitem__(self, name: str) -> Tensor:
        """Compute one weight."""
        return self._readers[name]()

    def __contains__(self, name: object) -> bool:
        """Look up a name without computing its weight, unlike `Mapping`'s own method."""
        return name in self._readers

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names."""
        return iter(self._readers)

    def __len__(self) -> int:
        """Return the number of weights."""
        return len(self._readers)


def vision_weights(files: PublishedFiles) -> dict[str, Tensor]:
    """Read the image encoder; its names are ours.

    Of Qwen-VL-Chat, only the shards with the encoder are needed.

    Raises:
        WeightsError: A file is missing or damaged, or the folder holds no image encoder.
    """
    if files.vision.is_file():
        return read_pickled_weights(files.vision)
    if not files.vision.is_dir():
        raise WeightsError(
            f"The image encoder is missing: {files.vision} is neither qwen_vit_G.pt nor a folder "
            f"with it or with the shards of Qwen-VL-Chat. {REMEDY}"
        )
    weights = {
        name.removeprefix(QWEN_VISION_PREFIX): value
        for name, value in read_model_folder(files.vision, prefix=QWEN_VISION_PREFIX).items()
    }
    if not weights:
        raise WeightsError(
            f"{files.vision} holds no weight that begins with {QWEN_VISION_PREFIX}, as those of "
            "Qwen-VL-Chat's image encoder do. Is it another model's folder?"
        )
    return weights


def story_weights(files: PublishedFiles, *, lora_alpha: float) -> LazyWeights:
    """Read the story model and merge LoRA.

    Args:
        files: Paths of the release.
        lora_alpha: LoRA's alpha; the scale is alpha / rank, the rank is that of the weights.

    Returns:
        Merged projections in float32, all other weights as stored.

    Raises:
        WeightsError: A file is missing or damaged, or an adapter does not fit its projection.
    """
    source = files.story_model
    stored = read_pickled_weights(source)
    base = {our_name(name): value for name, value in stored.items() if not is_part(name)}
    # The story model's file takes precedence: its base projections differ from the base folder's.
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
                f"Neither {source} nor {files.base_llm} holds {module}.weight, for which there is "
                "an adapter. Is it the right base model?"
            )
        down, up = stored[module + LORA_A], stored[module + LORA_B]
        if base[name].shape != (up.shape[0], down.shape[1]):
            raise WeightsError(
                f"{source}: the adapter of {module} is for {up.shape[0]} x {down.shape[1]} "
                f"weights, and the projection has {' x '.join(map(str, base[name].shape))}. Is it "
                "the right base model?"
            )
        readers[name] = partial(_merge_lora, base[name], down, up, lora_alpha)
    return LazyWeights(readers)


def _adapted_modules(stored: Mapping[str, Tensor], source: Path) -> list[str]:
    """Return the names of modules with an adapter; refuse incomplete adapters."""
    modules = []
    for name in stored:
        for half, other in ((LORA_A, LORA_B), (LORA_B, LORA_A)):
            module = name.removesuffix(half)
            if module == name:
                continue
            if module + other not in stored:
                kind = other.split(".")[1]
                raise WeightsError(
                    f"{source} has {name} without its {kind} counterpart. Fetch the file again."
                )
            if half == LORA_A:
                modules.append(module)
    return modules


def our_name(name: str) -> str:
    """Translate a name of the story model's file to ours; not for adapters."""
    return name.replace(LLM_PREFIX, "llm.").replace(SAVED, ".")


def is_part(name: str) -> bool:
    """Whether a stored weight has no counterpart in our model.

    LoRA is merged into its projection, frozen copies are unused, and frequencies are computed.
    """
    return name.endswith((LORA_A, LORA_B, "inv_freq")) or ORIGINAL in name


def is_trained_in_stage_two(name: str) -> bool:
    """Whether the release trains this weight of the story model's file.

    It trains adapters, norms (also marking their unused copies as trained), embedding tables, and
    resamplers except their position tables.
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
    """Merge an adapter into its projection, W + alpha / rank * B A, in float32."""
    return base.float() + (up.float() @ down.float()) * (alpha / down.shape[0])


def detokenizer_weights(files: PublishedFiles) -> dict[str, Tensor]:
    """Read the de-tokenizer without its codec: base UNet with adapted weights, perceiver."""
    base = {f"unet.{name}": value for name, value in read_model_folder(files.sdxl / "unet").items()}
    return base | read_pickled_weights(files.detokenizer)


def preview_weights(files: PublishedFiles) -> dict[str, Tensor]:
    """Read the decoder of TAESDXL, without its encoder.

    Raises:
        WeightsError: The file is missing or damaged.
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
    """Return the current name of a codec weight; older files have other names in attention."""
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
"""Names of a model's file; followed by `.index.json`, those of the index of its shards."""


def _shards(folder: Path, prefix: str = "") -> list[Path]:
    """Return the weights files of a model folder: the shards of its index, or the single file.

    Args:
        folder: A folder as transformers or diffusers save a model.
        prefix: Return only shards with weights whose names begin so.

    Raises:
        WeightsError: The folder has no weights, a damaged index, or lacks a shard.
    """
    for stem in STEMS:
        path = folder / stem
        if path.is_file() or path.with_name(stem + INDEX).is_file():
            return shards_of(path, prefix=prefix)
    where = "it holds none of" if folder.is_dir() else "the folder is missing; it should hold"
    raise WeightsError(
        f"The weights in {folder} are missing: {where} {', '.join(STEMS)}, or an index of shards. "
        f"{REMEDY}"
    )


def read_model_folder(folder: Path, *, prefix: str = "") -> dict[str, Tensor]:
    """Read the weights of a folder that transformers or diffusers saved, memory-mapped.

    Args:
        folder: A folder with one file, or with an index and shards.
        prefix: Return only weights whose names begin so; other shards may be missing.

    Raises:
        WeightsError: The folder has no weights, or an index or shard is damaged or missing.
    """
    weights: dict[str, Tensor] = {}
    for shard in _shards(folder, prefix):
        read = read_weights if shard.suffix == ".safetensors" else read_pickled_weights
        weights |= {name: value for name, value in read(shard).items() if name.startswith(prefix)}
    return weights
