import pytest
import torch

from seedstory_core.config import ResamplerConfig
from seedstory_core.models.resampler import Resampler, resize_positions, sincos_positions
from seedstory_core.weights.verify.folder import ReferenceFolder


def test_the_computed_table_is_the_stored_one(reference: ReferenceFolder) -> None:
    for resampler in (reference.story_lm.input_resampler, reference.story_lm.output_resampler):
        count, dim = resampler.pos_embed.shape
        computed = sincos_positions(int(count**0.5), dim)
        assert torch.allclose(computed, resampler.pos_embed, atol=1e-6)


def test_a_table_of_the_right_size_stays_as_it_is() -> None:
    table = sincos_positions(4, 8)
    assert resize_positions(table, 16) is table
    with pytest.raises(ValueError, match="square"):
        resize_positions(table, 15)


def test_positions_steer_keys_but_do_not_enter_values() -> None:
    torch.manual_seed(0)
    resampler = Resampler(ResamplerConfig(num_queries=4, embed_dim=16, kv_dim=16, num_heads=2))
    # With equal tokens everywhere the values are equal, so where one looks cannot matter.
    tokens = torch.randn(1, 1, 16).expand(1, 9, 16)
    before = resampler(tokens)
    resampler.pos_embed.data += 3.0
    assert torch.allclose(before, resampler(tokens), atol=1e-6)


def test_only_a_resampler_of_other_width_projects_its_tokens() -> None:
    same = Resampler(ResamplerConfig(num_queries=4, embed_dim=16, kv_dim=16, num_heads=2))
    other = Resampler(ResamplerConfig(num_queries=4, embed_dim=16, kv_dim=12, num_heads=2))
    assert "kv_proj.weight" not in same.state_dict()
    assert other.state_dict()["kv_proj.weight"].shape == (16, 12)
