"""The miniature of the published release, and another one of other sizes made from it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from seedstory_core.weights.published import LORA_A, LORA_B, PublishedFiles
from seedstory_core.weights.reference import reference_config
from seedstory_core.weights.verify.files import read_any

COPY = Path(__file__).parent / "data" / "reference_mini"


def copy_reference(target: Path) -> Path:
    """Copy the miniature to where a test may damage it."""
    return Path(shutil.copytree(COPY, target))


def rewrite(path: Path, change: Callable[[dict[str, Tensor]], dict[str, Tensor]]) -> None:
    """Change what a file of weights holds."""
    if path.suffix == ".safetensors":
        save_file(change(load_file(path)), path)
    else:
        torch.save(change(torch.load(path, weights_only=True)), path)


def edit_json(path: Path, change: Callable[[dict], None]) -> None:
    """Change a document."""
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def _pad(tensor: Tensor, rows: int = 0, columns: int = 0) -> Tensor:
    """Add zeros below and to the right."""
    shape = [tensor.shape[0] + rows, *tensor.shape[1:]]
    if columns:
        shape[1] += columns
    padded = tensor.new_zeros(shape)
    padded[tuple(slice(size) for size in tensor.shape)] = tensor
    return padded


def write_wider_reference(
    target: Path, *, mlp: int = 16, rank: int = 2, vision_mlp: int = 5
) -> Path:
    """Write a reference folder of other sizes that computes the same numbers.

    Zeros make the language model's and the picture encoder's MLPs and the adapters wider, so what
    the released code computed stays true. Files have other number formats, the tokenizer has the
    other on-disk style, and the story model's file lacks what the base folder supplies.
    """
    root = copy_reference(target)
    files = PublishedFiles.of(reference_config(root))

    def widen_language(weights: dict[str, Tensor]) -> dict[str, Tensor]:
        for name, value in weights.items():
            is_inner = "down_proj" in name
            is_outer = "gate_proj" in name or "up_proj" in name
            if name.endswith(LORA_A):
                weights[name] = _pad(value, rank, mlp if is_inner else 0)
            elif name.endswith(LORA_B):
                weights[name] = _pad(value, mlp if is_outer else 0, rank)
            elif is_inner or is_outer:
                weights[name] = _pad(value, mlp * is_outer, mlp * is_inner)
        return weights

    def widen_vision(weights: dict[str, Tensor]) -> dict[str, Tensor]:
        for name, value in weights.items():
            if ".mlp.c_fc." in name:
                weights[name] = _pad(value, vision_mlp)
            elif name.endswith(".mlp.c_proj.weight"):
                weights[name] = _pad(value, 0, vision_mlp)
        return {name: value.double() for name, value in weights.items()}

    rewrite(files.story_model, widen_language)
    for shard in files.base_llm.glob("*.safetensors"):
        rewrite(shard, widen_language)
    rewrite(files.vision, widen_vision)
    edit_json(root / "config.json", lambda numbers: _resize(numbers, mlp, rank, vision_mlp))

    styles = root / "pretrained" / "cvlm_llama2_tokenizer", root / "expected" / "tokenizer_alt"
    spare = root / "spare"
    styles[0].rename(spare)
    styles[1].rename(styles[0])
    spare.rename(styles[1])

    def list_again(recorded: dict[str, list]) -> None:
        for name in recorded:
            recorded[name] = [
                [key, list(value.shape), str(value.dtype).removeprefix("torch.")]
                for key, value in read_any(root / "pretrained" / name).items()
            ]

    edit_json(root / "expected" / "mini_keys.json", list_again)
    return root


def _resize(numbers: dict, mlp: int, rank: int, vision_mlp: int) -> None:
    numbers["language_model"]["intermediate_size"] += mlp
    lora, vision = numbers["lora"], numbers["visual_tokenizer"]
    scale = lora["lora_alpha"] / lora["r"]
    lora["r"] += rank
    lora["lora_alpha"] = scale * lora["r"]
    vision["mlp_width"] += vision_mlp
    vision["mlp_ratio"] = (vision["mlp_width"] + 0.5) / vision["width"]
