"""Convert published weights once: `python -m seedstory_core.weights.convert SOURCE TARGET`.

The result has the studio's own layout: LoRA merged, the adapted UNet as one file, safetensors in
one number format, which later starts memory-map. `TARGET/config.yaml` is the configuration for it.

Weights are read, merged and written shard by shard, so at most one shard is in memory. A stopped
conversion continues with the shards that are missing. Every shard is read back and compared before
it counts as done.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor
from tqdm import tqdm

from seedstory_core.config import (
    OF_ONE_MACHINE,
    PROJECT_ROOT,
    HubSource,
    RuntimeConfig,
    StudioConfig,
    WeightsConfig,
    load_config,
    to_yaml,
)
from seedstory_core.errors import SeedStoryError, WeightsError
from seedstory_core.weights.checkpoint import (
    INDEX,
    KEEP_FLOAT32,
    LIKELY_CAUSE,
    check_names,
    read_weights,
)
from seedstory_core.weights.parts import (
    LEAVE_OUT,
    PartWeights,
    empty_models,
    fingerprint,
    part_dtype,
    read_parts,
)

SHARD_BYTES = 4 * 2**30
"""Most bytes of a shard; a single larger weight gets a shard of its own."""
RECORD = "conversion.json"
"""File in the target folder that identifies the converted weights; written first."""


@dataclass(frozen=True)
class Shard:
    """One file to write: its name, and shape and dtype of its weights by name."""

    file: str
    weights: Mapping[str, tuple[torch.Size, torch.dtype]]
    num_bytes: int


def plan_shards(
    part: str, shapes: Mapping[str, torch.Size], dtype: torch.dtype, shard_bytes: int
) -> list[Shard]:
    """Spread a part's weights over shards, in order; computed tables stay in float32."""
    groups: list[dict[str, tuple[torch.Size, torch.dtype]]] = [{}]
    sizes = [0]
    for name, shape in shapes.items():
        own = torch.float32 if name.endswith(KEEP_FLOAT32) else dtype
        num_bytes = shape.numel() * own.itemsize
        if groups[-1] and sizes[-1] + num_bytes > shard_bytes:
            groups.append({})
            sizes.append(0)
        groups[-1][name] = shape, own
        sizes[-1] += num_bytes
    if len(groups) == 1:
        return [Shard(f"{part}.safetensors", groups[0], sizes[0])]
    return [
        Shard(f"{part}-{number:05d}-of-{len(groups):05d}.safetensors", group, size)
        for number, (group, size) in enumerate(zip(groups, sizes, strict=True), start=1)
    ]


def convert(config: StudioConfig, target: Path, *, shard_bytes: int = SHARD_BYTES) -> Iterator[int]:
    """Convert published weights to the studio's layout.

    Args:
        config: A configuration with `weights.layout: published`; weights are written as
            `runtime.dtype`.
        target: Folder, created if missing; an unfinished conversion of the same weights continues.
        shard_bytes: Most bytes of a shard.

    Yields:
        First the number of bytes in all, then that of each shard that is done.

    Raises:
        WeightsError: Weights are missing, damaged or of another size, the target holds something
            else, or the disk is too small; no half-written file is left.
    """
    parts = read_parts(config)
    shards: dict[str, list[Shard]] = {}
    for part, module in empty_models(config).parts().items():
        leave_out = LEAVE_OUT.get(part, "")
        shapes = {
            name: value.shape
            for name, value in module.state_dict().items()
            if not (leave_out and name.startswith(leave_out))
        }
        weights, source, likely_cause = parts[part]
        check_names(type(module).__name__, shapes, weights, source, likely_cause=likely_cause)
        shards[part] = plan_shards(part, shapes, part_dtype(config, part), shard_bytes)

    _claim(target, {"source": fingerprint(config), "dtype": config.runtime.dtype})
    everything = [(part, shard) for part in shards for shard in shards[part]]
    missing = [(part, shard) for part, shard in everything if not _is_done(target, shard)]
    _check_space(target, sum(shard.num_bytes for _, shard in missing))
    yield sum(shard.num_bytes for _, shard in everything)
    for part, shard in everything:
        if (part, shard) in missing:
            _write(parts[part], shard, target)
        yield shard.num_bytes
    try:
        _finish(config, target, shards)
    except OSError as error:
        raise WeightsError(
            f"{target} could not be completed: {error}. Run the conversion again; it continues."
        ) from error


def _finish(config: StudioConfig, target: Path, shards: Mapping[str, Sequence[Shard]]) -> None:
    """Write the files beside the weights: indices, tokenizer, configuration."""
    for part, files in shards.items():
        if len(files) > 1:
            places = {name: shard.file for shard in files for name in shard.weights}
            index = target / f"{part}.safetensors{INDEX}"
            _write_text(index, json.dumps({"weight_map": places}, indent=1))
    tokenizer = target / "tokenizer"
    shutil.copytree(config.tokenizer_path, tokenizer, dirs_exist_ok=True)
    _write_text(target / "config.yaml", to_yaml(_converted(config), runtime=RUNTIME))


RUNTIME = (
    "weights_folder",
    "openings_folder",  # mostly empty: the shelf of the tiny model's world would be strange to it
    *(
        field.name
        for field in dataclasses.fields(RuntimeConfig)
        if field.name not in OF_ONE_MACHINE
    ),
)
"""Runtime settings that are written beside the weights. A missing one would come back as the tiny
model's, so that a model which fits before its conversion would not fit after it."""


def _converted(config: StudioConfig) -> StudioConfig:
    """Return the configuration of the converted weights; their folder may be moved."""
    return dataclasses.replace(
        config,
        tokenizer=dataclasses.replace(config.tokenizer, folder=""),
        weights=WeightsConfig(tokenizer=HubSource(folder="tokenizer")),
        runtime=dataclasses.replace(config.runtime, weights_folder="./"),
    )


def _is_done(target: Path, shard: Shard) -> bool:
    """Whether an earlier run has written a shard and it is undamaged."""
    path = target / shard.file
    if not path.exists():
        return False
    try:
        stored = read_weights(path)
    except WeightsError:
        return False
    return {name: (value.shape, value.dtype) for name, value in stored.items()} == dict(
        shard.weights
    )


def _claim(target: Path, record: Mapping[str, str]) -> None:
    """Prepare a target folder that is empty or holds the same conversion; refuse any other."""
    path = target / RECORD
    try:
        if path.exists():
            if json.loads(path.read_text(encoding="utf-8-sig")) != record:
                raise WeightsError(
                    f"{target} holds a conversion of other weights or to another number format. "
                    "Name another folder, or delete this one."
                )
            return
        if target.exists() and any(target.iterdir()):
            raise WeightsError(
                f"{target} is not empty and holds no conversion. Name another folder."
            )
        target.mkdir(parents=True, exist_ok=True)
        _write_text(path, json.dumps(record))
    except (OSError, ValueError) as error:
        raise WeightsError(
            f"The target folder {target} cannot be used: {error}. Name another folder."
        ) from error


def _check_space(target: Path, needed: int) -> None:
    free = shutil.disk_usage(target).free
    if needed > free:
        raise WeightsError(
            f"The conversion needs {_gigabytes(needed)} and {_gigabytes(free)} are free at "
            f"{target}. Name a folder on a larger disk."
        )


def _gigabytes(num_bytes: int) -> str:
    return f"{num_bytes / 1e9:.1f} GB"


def _write(part: PartWeights, shard: Shard, target: Path) -> None:
    """Compute and write the weights of a shard, read them back and compare."""
    tensors: dict[str, Tensor] = {}
    for name, (shape, dtype) in shard.weights.items():
        tensors[name] = part.weights[name].to(dtype).contiguous()
        if tensors[name].shape != shape:
            raise WeightsError(
                f"{part.source}: {name} is {list(tensors[name].shape)} and the model needs "
                f"{list(shape)}. {LIKELY_CAUSE}"
            )
    path = target / shard.file
    partial = path.with_name(path.name + ".partial")
    try:
        save_file(tensors, partial)
        written = read_weights(partial)
        wrong = [name for name, tensor in tensors.items() if not torch.equal(tensor, written[name])]
        if wrong:
            raise WeightsError(
                f"{path} was not written correctly: {wrong[0]} of {part.source} reads back "
                "differently. The disk may be failing; name a folder on another one."
            )
        del written
        with partial.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(partial, path)
    except (OSError, SafetensorError) as error:
        raise WeightsError(
            f"{path} could not be written: {error}. Check the folder and its disk."
        ) from error
    finally:
        partial.unlink(missing_ok=True)


def _write_text(path: Path, text: str) -> None:
    partial = path.with_name(path.name + ".partial")
    partial.write_text(text, encoding="utf-8")
    os.replace(partial, path)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return 0 if all weights were converted, else 1."""
    parser = argparse.ArgumentParser(
        prog="python -m seedstory_core.weights.convert", description=__doc__
    )
    parser.add_argument("source", type=Path, help="folder of the published layout")
    parser.add_argument("target", type=Path, help="folder to write to")
    parser.add_argument("--dtype", default="", help="float32, bfloat16 or float16")
    parser.add_argument(
        "--config",
        type=Path,
        default=PROJECT_ROOT / "configs" / "seed_story_7b.yaml",
        help="configuration of the published layout (default: the published 7B release)",
    )
    arguments = parser.parse_args(argv)
    changes = [f"runtime.weights_folder={arguments.source.resolve()}"]
    if arguments.dtype:
        changes.append(f"runtime.dtype={arguments.dtype}")
    try:
        config = load_config(arguments.config, changes)
        steps = convert(config, arguments.target)
        with tqdm(total=next(steps), unit="B", unit_scale=True, desc="Converting") as bar:
            for num_bytes in steps:
                bar.update(num_bytes)
    except SeedStoryError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"Start it with: python app.py --config {arguments.target / 'config.yaml'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
