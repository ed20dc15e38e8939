from typing import Any

import pytest
import torch
from transformers import PreTrainedConfig

from seedstory_core.config import DecoderConfig
from seedstory_core.errors import ConfigError
from seedstory_core.models.story_lm import build_decoder
from seedstory_core.weights.verify.folder import ReferenceFolder
from seedstory_core.weights.verify.language import BATCH


@torch.no_grad()
def test_padding_on_the_right_changes_nothing(reference: ReferenceFolder) -> None:
    model = reference.story_lm
    ids = torch.tensor([[1, 443, 261, 427]])
    padded = torch.tensor([[1, 443, 261, 427, 0, 0]])
    plain = model.decoder(inputs_embeds=model.embed(ids)).last_hidden_state
    longer = model.decoder(inputs_embeds=model.embed(padded)).last_hidden_state
    assert torch.allclose(plain, longer[:, :4], atol=1e-5)


def test_padding_on_the_left_is_refused(reference: ReferenceFolder) -> None:
    tensors = dict(reference.tensors("forward"))
    tensors["attention_mask"] = tensors["attention_mask"].flip(1)
    with pytest.raises(ValueError, match="right"):
        reference.story_lm(*(tensors[name] for name in BATCH))


def test_a_wrong_number_of_image_places_is_refused(reference: ReferenceFolder) -> None:
    features = reference.tensors("vit")["image_embeds"]
    ids = torch.tensor([[1, 600, 602, 603, 601]])
    with pytest.raises(ValueError, match="image_mask has 2 places"):
        reference.story_lm.embed(ids, features[:1], (ids >= 602).int())


def test_a_batch_without_images_to_generate_has_no_regression_loss(
    reference: ReferenceFolder,
) -> None:
    tensors = dict(reference.tensors("forward"))
    for name in ("ids_gen_mask", "embeds_gen_mask"):
        tensors[name] = torch.zeros_like(tensors[name])
    with torch.no_grad():
        output = reference.story_lm(*(tensors[name] for name in BATCH))
    assert output.rec_loss == 0
    assert output.loss == output.lm_loss


@pytest.mark.parametrize("model_type", ["llama", "qwen2", "mistral"])
def test_any_rotary_language_model_can_be_the_decoder(model_type: str) -> None:
    config = DecoderConfig(
        model_type=model_type,
        vocab_size=50,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=1,
        num_attention_heads=4,
        num_key_value_heads=2,
        rope_theta=500.0,
    )
    built = build_decoder(config).config
    assert isinstance(built, PreTrainedConfig)
    assert built.model_type == model_type
    assert built.rope_parameters["rope_theta"] == 500.0


def test_an_unknown_language_model_is_named() -> None:
    with pytest.raises(ConfigError, match="'lama'"):
        build_decoder(DecoderConfig(model_type="lama"))


@pytest.mark.parametrize(
    ("extra", "named"),
    [
        ({"attn_implementation": "quick"}, "attn_implementation"),  # a ValueError
        ({"num_attention_heads": 3}, "num_attention_heads"),  # a TypeError: it is given twice
        ({"layer_types": ["round"] * 8}, "layer_types"),  # a check of transformers' own
    ],
)
def test_a_wrong_number_of_the_decoder_is_not_blamed_on_its_type(
    extra: dict[str, Any], named: str
) -> None:
    with pytest.raises(ConfigError, match=named) as caught:
        build_decoder(DecoderConfig(extra=extra))
    assert "knows no language model" not in str(caught.value)


def test_a_model_that_writes_no_text_is_refused() -> None:
    with pytest.raises(ConfigError, match="'vit' as `decoder` describes it"):
        build_decoder(DecoderConfig(model_type="vit"))
