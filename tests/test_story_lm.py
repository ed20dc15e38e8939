import pytest
import torch
from reference import Reference
from torch import Tensor

from seedstory_core.config import DecoderConfig
from seedstory_core.errors import ConfigError
from seedstory_core.models.story_lm import StoryLM, StoryOutput, build_decoder
from seedstory_core.weights import published
from seedstory_core.weights.checkpoint import open_weights
from seedstory_core.weights.published import story_weights

BATCH = (
    "input_ids",
    "attention_mask",
    "labels",
    "image_embeds",
    "ids_cmp_mask",
    "ids_gen_mask",
    "embeds_cmp_mask",
    "embeds_gen_mask",
)


def read_batch(reference: Reference, model: StoryLM) -> StoryOutput:
    tensors = reference.tensors("forward")
    return model(*(tensors[name] for name in BATCH))


@torch.no_grad()
def test_losses_logits_and_features_are_the_released_ones(reference: Reference) -> None:
    output = read_batch(reference, reference.story_lm)
    is_real = reference.tensors("forward")["attention_mask"][..., None]
    for name, value in {
        "total_loss": output.loss,
        "lm_loss": output.lm_loss,
        "rec_loss": output.rec_loss,
        "logits": output.logits * is_real,
        "last_hidden_state": output.last_hidden_state * is_real,
        "recon_image_embeds": output.visual_features,
    }.items():
        reference.check("forward", name, value)


@torch.no_grad()
def test_inner_states_are_the_released_ones(reference: Reference) -> None:
    tensors = reference.tensors("forward")
    model = reference.story_lm
    given = tensors["image_embeds"][tensors["embeds_cmp_mask"].bool()]
    embeds = model.embed(tensors["input_ids"], given, tensors["ids_cmp_mask"])
    reference.check(
        "forward", "inputs_embeds_sample1", embeds[1] * tensors["attention_mask"][1, :, None]
    )
    states = model.decoder(inputs_embeds=embeds, output_hidden_states=True).hidden_states
    masked = states[1][0] * tensors["attention_mask"][0, :, None]
    reference.check("forward", "hidden_after_layer1_sample0", masked)


def test_gradients_are_the_released_ones(reference: Reference) -> None:
    weights = story_weights(reference.published, lora_alpha=reference.lora_alpha)
    model = reference.story_lm_from({key: value.clone() for key, value in weights.items()})
    read_batch(reference, model).loss.backward()
    stored = torch.load(reference.published.story_model, weights_only=True)
    gradients = dict(model.named_parameters())

    def norm(name: str) -> float:
        """L2 norm for a weight of the unmerged file; the chain rule gives those of LoRA."""
        module, is_lora, part = name.partition(".lora_")
        if not is_lora:
            plain = name.replace(published.LLM_PREFIX, "llm.").replace(published.SAVED, ".")
            return gradients[plain].grad.norm().item()
        merged = gradients[module.replace(published.LLM_PREFIX, "llm.") + ".weight"].grad
        down, up = stored[module + published.LORA_A], stored[module + published.LORA_B]
        scale = reference.lora_alpha / down.shape[0]
        product = up.T @ merged if part.startswith("A") else merged @ down.T
        return scale * product.norm().item()

    expected = reference.document("training")["gradient_norms"]
    assert len(expected) > 60
    for name, value in expected.items():
        assert norm(name) == pytest.approx(value, rel=1e-3), name


def take_original_modules(weights: dict[str, Tensor], stored: dict[str, Tensor]) -> None:
    for name, value in stored.items():
        if published.ORIGINAL in name:
            target = name.replace(published.LLM_PREFIX, "llm.").replace(published.ORIGINAL, ".")
            weights[target] = value


@torch.no_grad()
@pytest.mark.parametrize(
    "mistake",
    ["LoRA ignored", "LoRA scaling alpha/r taken as 1", "original_module used", "base projections"],
)
def test_every_loading_mistake_shows(reference: Reference, mistake: str) -> None:
    alpha, rank = reference.lora_alpha, reference.numbers["lora"]["r"]
    stored = torch.load(reference.published.story_model, weights_only=True)
    used_alpha = {"LoRA ignored": 0.0, "LoRA scaling alpha/r taken as 1": rank}.get(mistake, alpha)
    weights = story_weights(reference.published, lora_alpha=used_alpha)
    if mistake == "original_module used":
        take_original_modules(weights, stored)
    if mistake == "base projections":
        right = story_weights(reference.published, lora_alpha=0.0)
        for shard in sorted(reference.published.base_llm.glob("*.safetensors")):
            with open_weights(shard) as (names, read):
                for name in names:
                    if name.endswith("proj.weight"):
                        delta = weights[f"llm.{name}"] - right[f"llm.{name}"]
                        weights[f"llm.{name}"] = read(name).float() + delta
    output = read_batch(reference, reference.story_lm_from(weights))
    is_real = reference.tensors("forward")["attention_mask"][..., None]
    change = reference.difference("forward", "logits", output.logits * is_real)
    controls = reference.document("negative_controls")
    recorded = next(value for name, value in controls.items() if name.startswith(mistake))
    assert change == pytest.approx(recorded["max_abs_logit_change"], rel=1e-3)
    assert change > 1000 * reference.tolerance("forward", "logits")
    assert not reference.agrees("forward", "rec_loss", output.rec_loss)


@torch.no_grad()
def test_padding_on_the_right_changes_nothing(reference: Reference) -> None:
    model = reference.story_lm
    ids = torch.tensor([[1, 443, 261, 427]])
    padded = torch.tensor([[1, 443, 261, 427, 0, 0]])
    plain = model.decoder(inputs_embeds=model.embed(ids)).last_hidden_state
    longer = model.decoder(inputs_embeds=model.embed(padded)).last_hidden_state
    assert torch.allclose(plain, longer[:, :4], atol=1e-5)


def test_padding_on_the_left_is_refused(reference: Reference) -> None:
    tensors = dict(reference.tensors("forward"))
    tensors["attention_mask"] = tensors["attention_mask"].flip(1)
    with pytest.raises(ValueError, match="right"):
        reference.story_lm(*(tensors[name] for name in BATCH))


def test_a_wrong_number_of_image_places_is_refused(reference: Reference) -> None:
    features = reference.tensors("vit")["image_embeds"]
    ids = torch.tensor([[1, 600, 602, 603, 601]])
    with pytest.raises(ValueError, match="2 image places"):
        reference.story_lm.embed(ids, features[:1], (ids >= 602).int())


def test_a_batch_without_pictures_to_generate_has_no_regression_loss(reference: Reference) -> None:
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
    decoder = build_decoder(config)
    assert decoder.config.model_type == model_type
    assert decoder.config.rope_parameters["rope_theta"] == 500.0


def test_an_unknown_language_model_is_named() -> None:
    with pytest.raises(ConfigError, match="'lama'"):
        build_decoder(DecoderConfig(model_type="lama"))
