"""Checks of the files: their contents, the full-size weights, the effect of loading mistakes."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor, nn

from seedstory_core.config import PROJECT_ROOT, load_config
from seedstory_core.errors import WeightsError
from seedstory_core.models.detokenizer import DeTokenizer
from seedstory_core.models.story_lm import StoryLM
from seedstory_core.models.vision import VisionEncoder
from seedstory_core.weights.checkpoint import empty_weights, read_pickled_weights
from seedstory_core.weights.published import (
    LORA_A,
    LORA_B,
    ORIGINAL,
    TOKEN_TABLES,
    detokenizer_weights,
    is_part,
    our_name,
    read_model_folder,
    story_weights,
)
from seedstory_core.weights.verify.comparison import Row, compare_exactly, compare_numbers
from seedstory_core.weights.verify.folder import ReferenceFolder
from seedstory_core.weights.verify.images import noise_prediction
from seedstory_core.weights.verify.language import logits_change

CONTROL_TOLERANCE = 1e-3
"""Relative tolerance of a mistake's effect."""


def contents(folder: ReferenceFolder) -> Iterator[Row]:
    """Check name, shape and dtype of every weight in every file."""
    for name, recorded in folder.document("mini_keys").items():
        stored = read_any(folder.root / "pretrained" / name)
        own = {
            key: [list(value.shape), str(value.dtype).removeprefix("torch.")]
            for key, value in stored.items()
        }
        yield compare_exactly(
            f"mini_keys.json: {name}", own, {key: rest for key, *rest in recorded}
        )


def read_any(path: Path) -> dict[str, Tensor]:
    """Read the weights of a file or of a model folder; `folder/*.safetensors` means the folder."""
    if "*" in path.name:
        return read_model_folder(path.parent)
    return read_pickled_weights(path) if path.suffix in (".bin", ".pt") else read_model_folder(path)


def full_size(folder: ReferenceFolder) -> Iterator[Row]:
    """Check that the models of `configs/seed_story_7b.yaml` take every published weight."""
    path = folder.root / "expected" / "published_keys.json.gz"
    try:
        files = json.loads(gzip.decompress(path.read_bytes()))["files"]
    except (OSError, ValueError, KeyError) as error:
        raise WeightsError(
            f"{path} could not be read: {error!r}. Restore the reference folder."
        ) from error
    config = load_config(PROJECT_ROOT / "configs" / "seed_story_7b.yaml")
    with empty_weights():
        vision = _shapes(VisionEncoder(config.vision))
        story = _shapes(StoryLM(config.decoder, config.input_resampler, config.output_resampler))
        drawer = _shapes(DeTokenizer(config.detokenizer))
    drawer = {name: shape for name, shape in drawer.items() if not name.startswith("vae.")}
    unet = {k.removeprefix("unet."): v for k, v in drawer.items() if k.startswith("unet.")}
    # The base language model has no image tokens yet.
    language = {k.removeprefix("llm."): v for k, v in story.items() if k.startswith("llm.")}
    for kind, own, translate in (
        ("story_model", story, True),
        ("visual_tokenizer", vision, False),
        ("detokenizer", drawer, False),
        ("base_unet", unet, False),
        ("hf_base", language, False),
    ):
        (name,) = (name for name in files if kind in name)
        recorded = dict(files[name])
        wanted = _merged(recorded) if translate else recorded
        wanted = {key: shape for key, shape in wanted.items() if not key.endswith("inv_freq")}
        if kind == "hf_base":
            for table in (key for key in own if key.endswith(TOKEN_TABLES)):
                own[table] = [wanted[table][0], *own[table][1:]]
        yield compare_exactly(f"published_keys.json.gz: {name}, {len(recorded)} keys", own, wanted)


def _shapes(module: nn.Module) -> dict[str, list[int]]:
    return {name: list(value.shape) for name, value in module.state_dict().items()}


def _merged(shapes: dict[str, list[int]]) -> dict[str, list[int]]:
    """Return names and shapes after merging LoRA, whose shapes must match the projections."""
    for name, shape in shapes.items():
        if name.endswith(LORA_A):
            module = name.removesuffix(LORA_A)
            rows, columns = shapes[module + ".weight"]
            if shape[1] != columns or shapes[module + LORA_B] != [rows, shape[0]]:
                raise WeightsError(
                    f"The recorded adapter of {module} does not match its projection of {rows} x "
                    f"{columns} weights. Restore the reference folder."
                )
    return {our_name(name): shape for name, shape in shapes.items() if not is_part(name)}


@torch.no_grad()
def mistakes(folder: ReferenceFolder) -> Iterator[Row]:
    """Make usual loading mistakes; each must change the results as much as recorded."""
    for name, recorded in folder.document("negative_controls").items():
        own = _consequences(folder, name)
        pairs = [(own[key], recorded[key]) for key in own]
        yield compare_numbers(
            f"negative_controls.json: {name}",
            [one for one, _ in pairs],
            [other for _, other in pairs],
            relative=CONTROL_TOLERANCE,
        )


def _consequences(folder: ReferenceFolder, mistake: str) -> dict[str, float]:
    files, alpha = folder.files, folder.config.weights.lora_alpha
    right = story_weights(files, lora_alpha=alpha)
    if mistake.startswith("base UNet"):
        base = read_model_folder(files.sdxl / "unet")
        weights = detokenizer_weights(files) | {f"unet.{name}": w for name, w in base.items()}
        changed = noise_prediction(folder, folder.detokenizer_from(weights))
        wanted = folder.tensors("detokenizer")["forward_noise_pred"]
        return {"max_abs_noise_pred_change": (changed - wanted).abs().max().item()}
    stored = read_pickled_weights(files.story_model)
    wrong: dict[str, Tensor]
    if mistake.startswith("LoRA ignored"):
        wrong = dict(story_weights(files, lora_alpha=0.0))
    elif mistake.startswith("LoRA scaling"):
        rank = next(len(value) for name, value in stored.items() if name.endswith(LORA_A))
        wrong = dict(story_weights(files, lora_alpha=float(rank)))
    elif mistake.startswith("original_module"):
        originals = {
            our_name(name.replace(ORIGINAL, ".")): value
            for name, value in stored.items()
            if ORIGINAL in name
        }
        wrong = dict(right) | originals
    elif mistake.startswith("base projections"):
        wrong = dict(right)
        without = story_weights(files, lora_alpha=0.0)
        for name, value in read_model_folder(files.base_llm).items():
            if name.endswith("proj.weight"):
                delta = right[f"llm.{name}"] - without[f"llm.{name}"]
                wrong[f"llm.{name}"] = value.float() + delta
    else:
        raise WeightsError(
            f"The recorded mistake '{mistake}' is unknown. Was the reference folder made for "
            "another version?"
        )
    change, output = logits_change(folder, folder.story_lm_from(wrong))
    return {
        "max_abs_logit_change": change,
        "lm_loss": float(output.lm_loss),
        "rec_loss": float(output.rec_loss),
    }
