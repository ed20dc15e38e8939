"""Weights in 8 bits on disk stand for exactly one table of numbers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from seedstory_core.errors import WeightsError
from seedstory_core.weights.at_rest import CODES, GROUP, SCALES, can_pack, pack, unpack, unpack_all
from seedstory_core.weights.checkpoint import load_weights, read_weights, save_weights


def matrix(seed: int = 0, scale: float = 0.05) -> torch.Tensor:
    return torch.randn(128, 192, generator=torch.Generator().manual_seed(seed)) * scale


@pytest.mark.parametrize("scale", [1e-6, 0.05, 30.0])
def test_no_weight_is_off_by_more_than_half_a_scale(scale: float) -> None:
    weight = matrix(scale=scale)
    codes, scales = pack(weight)
    wide = scales.float().repeat_interleave(GROUP, 1)
    # Half precision rounds the scale itself by one part in 2048, times up to 127 steps.
    assert ((unpack(codes, scales) - weight).abs() <= wide * (0.5 + 127 / 2048)).all()


def test_what_was_unpacked_packs_to_the_same_bytes() -> None:
    codes, scales = pack(matrix())
    again, same = pack(unpack(codes, scales))
    assert torch.equal(codes, again)
    assert torch.equal(scales, same)


def test_unpacking_is_exact() -> None:
    codes, scales = pack(matrix())
    exact = codes.double() * scales.double().repeat_interleave(GROUP, 1)
    assert torch.equal(unpack(codes, scales).double(), exact)


def test_a_group_of_zeros_stays_zero() -> None:
    weight = matrix()
    weight[:, :GROUP] = 0
    assert not unpack(*pack(weight))[:, :GROUP].any()


def test_vectors_small_and_odd_matrices_stay_as_they_are() -> None:
    assert can_pack(matrix())
    for other in (torch.zeros(40_000), torch.zeros(8, 64), torch.zeros(300, 100)):
        assert not can_pack(other)


class Tied(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(256, 128)
        self.inner = nn.Linear(128, 128)
        self.head = nn.Linear(128, 256, bias=False)
        self.head.weight = self.table.weight


def test_a_packed_file_gives_a_model_its_weights_once(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model, path = Tied(), tmp_path / "model.safetensors"
    save_weights(model, path, dtype=torch.float16, packed=True)
    stored = load_file(path)
    assert {name for name in stored if name.startswith("head")} == set()
    assert stored["table.weight" + CODES].dtype == torch.int8
    fresh = Tied()
    load_weights(fresh, read_weights(path), path)
    assert torch.equal(fresh.head.weight, fresh.table.weight)
    assert torch.allclose(fresh.table.weight, model.table.weight, atol=0.02)
    assert torch.allclose(fresh.inner.bias, model.inner.bias, atol=1e-3)


def test_shards_hold_what_one_file_holds(tmp_path: Path) -> None:
    model, whole, parts = Tied(), tmp_path / "whole.safetensors", tmp_path / "parts.safetensors"
    save_weights(model, whole, packed=True)
    save_weights(model, parts, packed=True, shard_bytes=40_000)
    files = sorted(path.name for path in tmp_path.glob("parts-*.safetensors"))
    assert len(files) > 1 and not parts.exists()
    index = json.loads((tmp_path / "parts.safetensors.index.json").read_text())
    assert set(index["weight_map"].values()) == set(files)
    one, several = read_weights(whole), read_weights(parts)
    assert set(one) == set(several)
    assert all(torch.equal(one[name], several[name]) for name in one)


def test_codes_without_scales_are_refused(tmp_path: Path) -> None:
    codes, scales = pack(matrix())
    path = tmp_path / "half.safetensors"
    save_file({"a" + CODES: codes}, path)
    with pytest.raises(WeightsError, match="codes of a without matching scales"):
        read_weights(path)
    with pytest.raises(WeightsError, match="without matching scales"):
        unpack_all({"a" + CODES: codes, "a" + SCALES: scales[:, :1]}, "here")
