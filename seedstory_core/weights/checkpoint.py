"""Strict loading and saving of weights.

The file must hold every weight of the model and nothing else. A failure raises a `WeightsError`
that names the file, the first weights concerned and the likely cause.
"""

from __future__ import annotations

import json
import os
import pickle
import zipfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
from accelerate import init_empty_weights
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers.initialization import no_init_weights

from seedstory_core.errors import WeightsError
from seedstory_core.weights.at_rest import CODES, SCALES, can_pack, pack, unpack_all

KEEP_FLOAT32 = ("pos_embed",)
"""Suffixes of names that are never saved in half precision: computed tables that are resized."""

LIKELY_CAUSE = "Was it saved with another configuration?"

TIED = "tied"
"""Key of a file's metadata that maps names of tied weights to those that are stored."""

INDEX = ".index.json"
"""Suffix of the index of shards, after the name of the file that it replaces."""

LFS_PREFIX = b"version https://git-lfs"


@contextmanager
def empty_weights() -> Iterator[None]:
    """Build modules with empty weights inside this context, for `load_weights`.

    Computed buffers (rotary frequencies, noise schedules) are real, because no file holds them.
    """
    # Drawing random numbers for a weight without memory would import torch's compiler.
    with no_init_weights(), init_empty_weights(include_buffers=False):
        yield


def load_weights(
    module: nn.Module,
    weights: Mapping[str, Tensor],
    source: str | Path,
    *,
    dtype: torch.dtype | None = None,
    device: torch.device | str | None = None,
    leave_out: str = "",
    likely_cause: str = LIKELY_CAUSE,
) -> None:
    """Load exactly these weights into `module`.

    Args:
        module: Any model; its parameters may be empty (`empty_weights`).
        weights: Weights by name; each is read once, and not copied if dtype and device match.
        source: Their file or folder, for messages.
        dtype: Dtype of the loaded weights; None keeps each parameter's own.
        device: Target device, to which they go one by one; None is the parameter's device, or for
            an empty parameter the weight's own.
        leave_out: Prefix of names that another file supplies; none by default.
        likely_cause: Last sentence of the message if names or shapes do not match.

    Raises:
        WeightsError: Weights are missing, unexpected or misshapen; the module is unchanged.
    """
    wanted = {
        key: value
        for key, value in module.state_dict().items()
        if not (leave_out and key.startswith(leave_out))
    }
    name = type(module).__name__
    check_names(name, wanted, weights, source, likely_cause=likely_cause)
    ready: dict[str, Tensor] = {}
    misshapen: dict[str, list[int]] = {}
    for key, own in wanted.items():
        value = weights[key]
        if value.shape != own.shape:
            misshapen[key] = list(value.shape)
        elif not misshapen:
            place = device or (value.device if own.is_meta else own.device)
            ready[key] = value.to(place, dtype or own.dtype)
    if misshapen:
        key, shape = next(iter(misshapen.items()))
        raise WeightsError(
            f"{source} has {_count(misshapen)} of another shape than {name}. The first is {key}: "
            f"{shape} in the file, {list(wanted[key].shape)} in the model. {likely_cause}"
        )
    module.load_state_dict(ready, strict=not leave_out, assign=True)
    for part in module.modules():
        # Assigning has separated an output head from the embedding table that it is tied to.
        if isinstance(part, PreTrainedModel):
            part.tie_weights()


def check_names(
    name: str,
    wanted: Collection[str],
    weights: Collection[str],
    source: str | Path,
    *,
    likely_cause: str = LIKELY_CAUSE,
) -> None:
    """Check that a model's weights are all there, and no others.

    Raises:
        WeightsError: Weights are missing or unexpected.
    """
    missing = [key for key in wanted if key not in weights]
    if missing:
        raise WeightsError(
            f"{source} lacks {_count(missing)} {name} needs, the first {_first(missing)}. "
            f"{likely_cause}"
        )
    unexpected = [key for key in weights if key not in wanted]
    if unexpected:
        raise WeightsError(
            f"{source} has {_count(unexpected)} {name} does not know, the first "
            f"{_first(unexpected)}. {likely_cause}"
        )


def _count(keys: Collection[str]) -> str:
    return f"{len(keys)} weight{'s' if len(keys) > 1 else ''}"


def _first(keys: Sequence[str]) -> str:
    shown = ", ".join(keys[:3])
    return f"is {shown}" if len(keys) == 1 else f"are {shown}"


def save_weights(
    module: nn.Module,
    path: str | Path,
    *,
    dtype: torch.dtype | None = None,
    metadata: Mapping[str, str] | None = None,
    leave_out: str = "",
    packed: bool = False,
    shard_bytes: int = 0,
) -> None:
    """Save a module's weights as safetensors; every file is whole or absent.

    Args:
        module: Any model.
        path: A path that ends in `.safetensors`; an existing file is replaced.
        dtype: Dtype in the file, except for computed tables; None keeps each weight's own.
        metadata: Short texts to store with the weights.
        leave_out: Prefix of names that belong into another file; none by default.
        packed: Whether large matrices are packed into 8 bits (`at_rest.py`).
        shard_bytes: Most bytes of one file; more are spread over shards with an index. 0 writes
            one file.

    Raises:
        WeightsError: A file could not be written.
    """
    path = Path(path)
    tensors: dict[str, Tensor] = {}
    places: dict[int, str] = {}
    tied: dict[str, str] = {}
    for key, value in module.state_dict().items():
        if leave_out and key.startswith(leave_out):
            continue
        first = places.setdefault(value.data_ptr(), key)
        if first != key:
            # An output head that is tied to the embedding table is stored once.
            tied[key] = first
            continue
        if packed and can_pack(value):
            tensors[key + CODES], tensors[key + SCALES] = pack(value)
            continue
        keep = dtype is None or key.endswith(KEEP_FLOAT32)
        tensors[key] = value.detach().to("cpu", value.dtype if keep else dtype).contiguous()
    notes = dict(metadata or {}) | ({TIED: json.dumps(tied)} if tied else {})
    path.parent.mkdir(parents=True, exist_ok=True)
    shards = _share_out(tensors, shard_bytes)
    index = path.with_name(path.name + INDEX)
    if len(shards) == 1:
        _write(tensors, path, notes)
        index.unlink(missing_ok=True)
        return
    places_of: dict[str, str] = {}
    for number, shard in enumerate(shards, 1):
        name = f"{path.stem}-{number:05d}-of-{len(shards):05d}{path.suffix}"
        _write(shard, path.with_name(name), notes)
        places_of |= dict.fromkeys(shard, name)
    index.write_text(json.dumps({"weight_map": places_of}, indent=1) + "\n", encoding="utf-8")
    path.unlink(missing_ok=True)


def _share_out(tensors: Mapping[str, Tensor], most: int) -> list[dict[str, Tensor]]:
    """Split weights into shards of at most `most` bytes; 0 makes one shard."""
    shards: list[dict[str, Tensor]] = [{}]
    size = 0
    for key, tensor in tensors.items():
        if most and size and size + tensor.nbytes > most:
            shards.append({})
            size = 0
        shards[-1][key] = tensor
        size += tensor.nbytes
    return shards


def _write(tensors: Mapping[str, Tensor], path: Path, metadata: Mapping[str, str]) -> None:
    """Write one file, which is whole or absent."""
    partial = path.with_name(path.name + ".partial")
    try:
        save_file(dict(tensors), partial, metadata=dict(metadata))
        os.replace(partial, path)
    except (OSError, SafetensorError) as error:
        raise WeightsError(
            f"The weights could not be written to {path}: {error}. Check the folder and its disk."
        ) from error
    finally:
        partial.unlink(missing_ok=True)


def read_weights(path: str | Path) -> dict[str, Tensor]:
    """Read safetensors weights, memory-mapped, from a file or from the shards of its index.

    Packed weights (`at_rest.py`) are unpacked.

    Raises:
        WeightsError: A file is missing or damaged.
    """
    weights: dict[str, Tensor] = {}
    tied: dict[str, str] = {}
    for shard in shards_of(Path(path)):
        with open_weights(shard) as (keys, read):
            weights |= {key: read(key) for key in keys}
        tied |= _tied(shard)
    plain = unpack_all(weights, path)
    return plain | {name: plain[first] for name, first in tied.items() if first in plain}


def _tied(path: Path) -> dict[str, str]:
    """Return the names of tied weights with those under which they are stored."""
    with safe_open(path, framework="pt", device="cpu") as file:
        notes = file.metadata() or {}
    return dict(json.loads(notes.get(TIED, "{}")))


def shards_of(path: Path, *, prefix: str = "") -> list[Path]:
    """Return the files that hold the weights: `path` itself, or the shards of its index.

    Args:
        path: `<name>.safetensors` or `.bin`; an index is called `<path>.index.json`.
        prefix: Return only shards with weights whose names begin so.

    Raises:
        WeightsError: A file is missing, or the index is damaged.
    """
    index = path.with_name(path.name + INDEX)
    if path.is_file() or not index.is_file():
        return [check_file(path)]
    try:
        places = json.loads(index.read_text(encoding="utf-8-sig"))["weight_map"]
        shards = [path.parent / shard for name, shard in places.items() if name.startswith(prefix)]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise WeightsError(f"{index} is damaged. Fetch it again.") from error
    return [check_file(shard) for shard in sorted(set(shards))]


@contextmanager
def open_weights(path: str | Path) -> Iterator[tuple[list[str], Callable[[str], Tensor]]]:
    """Open a safetensors file and read single weights from it.

    Yields:
        The names, and a function that reads the weight of one.

    Raises:
        WeightsError: The file is missing or damaged.
    """
    path = check_file(path)
    try:
        file = safe_open(path, framework="pt", device="cpu")
    except (SafetensorError, OSError) as error:
        raise WeightsError(_damaged(path, error)) from error
    with file:
        yield list(file.keys()), file.get_tensor


def read_pickled_weights(path: str | Path) -> dict[str, Tensor]:
    """Read a `.bin` or `.pt` file of plain tensors, memory-mapped; code in it is never run.

    Raises:
        WeightsError: The file is missing, damaged, or holds more than tensors.
    """
    path = check_file(path)
    # Files of torch before 1.6 are no archives and cannot be memory-mapped.
    is_archive = zipfile.is_zipfile(path)
    try:
        content = torch.load(path, map_location="cpu", weights_only=True, mmap=is_archive)
    except pickle.UnpicklingError as error:
        raise WeightsError(
            f"{path} is damaged, or holds more than plain tensors and could run code; it was not "
            "opened. Fetch it again from its publisher."
        ) from error
    except (RuntimeError, OSError, EOFError, LookupError, ValueError, TypeError) as error:
        # Bytes that are no pickle at all raise any of these.
        raise WeightsError(_damaged(path, error)) from error
    if not isinstance(content, dict) or not all(isinstance(v, Tensor) for v in content.values()):
        raise WeightsError(f"{path} does not hold weights by name. Is it another kind of file?")
    return content


def check_file(path: str | Path) -> Path:
    """Return the path of a weights file.

    Raises:
        WeightsError: It is missing, or a Git LFS pointer.
    """
    path = Path(path)
    if not path.is_file():
        where = "its folder exists" if path.parent.is_dir() else "its folder is missing, too"
        raise WeightsError(
            f"The weights file {path} is missing ({where}). Restore it, fetch it "
            "(docs/published-weights.md), or correct its path in the configuration."
        )
    with path.open("rb") as file:
        if file.read(len(LFS_PREFIX)) == LFS_PREFIX:
            raise WeightsError(
                f"{path} is a Git LFS pointer, not the weights themselves. Run `git lfs pull` in "
                "its repository or fetch the file again."
            )
    return path


def _damaged(path: Path, error: Exception) -> str:
    return (
        f"{path} is damaged or incomplete ({path.stat().st_size:,} bytes; {error}). Fetch it again."
    )
