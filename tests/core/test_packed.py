"""Packed linear layers are linear layers."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from seedstory_core.models import packed
from seedstory_core.models.packed import PackedLinear, can_pack, num_weights, pack_linears


@pytest.fixture(autouse=True)
def _needs_packing() -> None:
    if not can_pack(torch.float32):
        pytest.skip("this build of torch packs no weights")


@pytest.mark.parametrize("has_bias", [True, False])
@pytest.mark.parametrize("shape", [(24,), (1, 24), (4, 24), (2, 3, 24), (1, 1, 24), (0, 24)])
def test_a_packed_layer_gives_what_the_layer_gave(shape: tuple[int, ...], has_bias: bool) -> None:
    layer = nn.Linear(24, 40, bias=has_bias)
    given = torch.randn(shape)
    with torch.no_grad():
        assert torch.allclose(PackedLinear(layer)(given), layer(given), atol=1e-6)
        cut = torch.randn(5, 48)[:, ::2]  # not contiguous
        assert torch.allclose(PackedLinear(layer)(cut), layer(cut), atol=1e-6)


def test_only_plain_layers_are_packed() -> None:
    class Special(nn.Linear):
        """Has weights of its own kind."""

    model = nn.ModuleDict(
        {
            "plain": nn.Sequential(nn.Linear(4, 6), nn.ReLU()),
            "special": Special(4, 6),
            "attention": nn.MultiheadAttention(8, 2),
            "half_precision": nn.Linear(4, 6).half(),
        }
    )
    before = num_weights(model)
    pack_linears(model)
    kinds = {name for name, module in model.named_modules() if isinstance(module, PackedLinear)}
    assert kinds == {"plain.0"}
    assert num_weights(model) == before
    given = torch.randn(3, 1, 8)
    model["attention"](given, given, given)


def test_nothing_is_packed_where_torch_cannot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packed, "can_pack", lambda dtype: False)
    model = nn.Sequential(nn.Linear(4, 6))
    pack_linears(model)
    assert type(model[0]) is nn.Linear
