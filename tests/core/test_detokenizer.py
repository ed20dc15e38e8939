import dataclasses
from typing import Any

import pytest
import torch
from torch import nn

from seedstory_core.config import (
    FLOW_SAMPLERS,
    DeTokenizerConfig,
    PerceiverConfig,
    SchedulerConfig,
    UNetConfig,
    VaeConfig,
)
from seedstory_core.models.detokenizer import DeTokenizer, DrawStep
from seedstory_core.models.vae import ImageVae
from seedstory_core.weights.verify.folder import ReferenceFolder


def small_config(**changes: Any) -> DeTokenizerConfig:
    """A de-tokenizer of 16-pixel images and 4 x 4 latents, small enough for every case."""
    base = DeTokenizerConfig(
        spatial_hint_channels=0,
        perceiver=PerceiverConfig(
            dim=16, depth=1, dim_head=8, heads=2, num_queries=4, embedding_dim=8,
            output1_dim=6, output2_dim=10,
        ),
        unet=UNetConfig(
            block_out_channels=[8, 16], layers_per_block=1, num_attention_heads=[1, 2],
            cross_attention_dim=16, addition_time_embed_dim=4, norm_num_groups=4,
        ),
        vae=VaeConfig(
            block_out_channels=[8, 8], latent_channels=4, norm_num_groups=4, patch_size=2
        ),
        image_size=16,
        num_inference_steps=3,
    )  # fmt: skip
    return dataclasses.replace(base, **changes)


def small_model(**changes: Any) -> DeTokenizer:
    torch.manual_seed(0)
    return DeTokenizer(small_config(**changes)).eval()


FEATURES = torch.randn(3, 4, 8, generator=torch.Generator().manual_seed(1))
ZERO = torch.randn(1, 4, 8, generator=torch.Generator().manual_seed(2))
EULER = SchedulerConfig(name="EulerDiscreteScheduler")


@torch.no_grad()
def test_training_in_one_step_measures_what_one_step_draws() -> None:
    scheduler = SchedulerConfig(name="FlowMatchEulerDiscreteScheduler")
    model = small_model(one_step_share=1.0, initial_noise_scale=0.3, scheduler=scheduler)
    latents = torch.randn(3, 4, 4, 4)
    noise = torch.randn(3, 4, 4, 4, generator=torch.Generator().manual_seed(3))
    loss = model.loss(FEATURES, latents=latents, generator=torch.Generator().manual_seed(3))
    steps: list[DrawStep] = []
    model.draw(FEATURES, num_inference_steps=1, latents=noise, on_step=steps.append)
    error = (steps[-1].latents - latents).square().mean()
    assert torch.allclose(loss, error, rtol=1e-4)


@torch.no_grad()
def test_loss_is_the_error_of_the_released_prediction(reference: ReferenceFolder) -> None:
    model, tensors = reference.detokenizer, reference.tensors("detokenizer")
    noise, timesteps = tensors["forward_noise"], tensors["forward_timesteps"]
    # Clean latents that noise to exactly the recorded input.
    signal = model.get_buffer("alphas_cumprod")[timesteps].view(-1, 1, 1, 1)
    latents = (tensors["forward_noisy_latents"] - (1 - signal).sqrt() * noise) / signal.sqrt()
    loss = model.loss(
        reference.tensors("vit")["image_embeds"],
        latents=latents,
        noise=noise,
        timesteps=timesteps,
        time_ids=tensors["forward_time_ids"],
    )
    assert reference.check("detokenizer", "forward_loss", loss).is_ok


def test_the_same_seed_draws_the_same_image_in_every_batch() -> None:
    model = small_model()
    together = model.draw(FEATURES, seed=[7, 8, 9])
    assert together.shape == (3, 3, 16, 16)
    assert torch.equal(model.draw(FEATURES, seed=7), together)
    assert torch.allclose(model.draw(FEATURES[2:], seed=9), together[2:], atol=1e-5)
    assert not torch.allclose(model.draw(FEATURES[2:], seed=10), together[2:], atol=1e-3)
    with pytest.raises(ValueError, match="2 seeds"):
        model.draw(FEATURES, seed=[1, 2])


def test_drawing_can_be_watched_and_stopped() -> None:
    model, seen = small_model(), []

    def watch(step: DrawStep) -> None:
        seen.append(step)
        if step.step == 2:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        model.draw(FEATURES, on_step=watch)
    assert [(step.step, step.num_steps) for step in seen] == [(1, 3), (2, 3)]
    assert model.decode(seen[-1].predicted).shape == (3, 3, 16, 16)


@pytest.mark.parametrize(
    "changes",
    [
        {"prediction_type": "epsilon", "scheduler": EULER},
        {"prediction_type": "v_prediction", "scheduler": EULER},
        {"prediction_type": "flow"},
        {"prediction_type": "flow", "spatial_hint_channels": 2},
    ],
)
def test_the_last_step_ends_at_what_was_predicted(changes: dict[str, object]) -> None:
    steps: list[DrawStep] = []
    small_model(**changes).draw(FEATURES, on_step=steps.append)
    assert torch.allclose(steps[-1].latents, steps[-1].predicted, atol=1e-5)


class Oracle(nn.Module):
    """Stands in for the UNet and knows the image: its predictions are exactly right."""

    def __init__(self, model: DeTokenizer, latents: torch.Tensor) -> None:
        super().__init__()
        self.model, self.latents = [model], latents

    def forward(self, sample: torch.Tensor, timesteps: torch.Tensor, **_: object) -> object:
        model = self.model[0]
        level = timesteps.reshape(-1).expand(len(sample))
        if model.config.prediction_type == "flow":
            share = (level / 1000).view(-1, 1, 1, 1)
            prediction = (sample - self.latents) / share
        else:
            signal = model.get_buffer("alphas_cumprod")[level.long()].view(-1, 1, 1, 1)
            noise = (sample - signal.sqrt() * self.latents) / (1 - signal).sqrt()
            is_epsilon = model.config.prediction_type == "epsilon"
            v = signal.sqrt() * noise - (1 - signal).sqrt() * self.latents
            prediction = noise if is_epsilon else v
        return type("Output", (), {"sample": prediction})()


@pytest.mark.parametrize(
    ("prediction_type", "sampler"),
    [
        ("epsilon", "EulerDiscreteScheduler"),
        ("v_prediction", "EulerDiscreteScheduler"),
        *(("flow", sampler) for sampler in FLOW_SAMPLERS),
    ],
)
def test_training_and_sampling_mean_the_same_prediction(prediction_type: str, sampler: str) -> None:
    scheduler = SchedulerConfig(name=sampler)
    model = small_model(prediction_type=prediction_type, scheduler=scheduler)
    truth = torch.randn(3, 4, 4, 4, generator=torch.Generator().manual_seed(3))
    model.unet = Oracle(model, truth)
    assert model.loss(FEATURES, latents=truth) < 1e-8
    steps: list[DrawStep] = []
    model.draw(FEATURES, num_inference_steps=10, on_step=steps.append)
    # A sampler may round its times to a thousandth of the way.
    assert torch.allclose(steps[-1].latents, truth, atol=5e-3)
    # Knowing the truth, it says so at every level of noise: previews show it from the beginning.
    for step in steps:
        assert torch.allclose(step.predicted, truth, atol=1e-2)


def test_guidance_needs_and_uses_the_zero_image() -> None:
    model = small_model()
    with pytest.raises(ValueError, match="negative_visual_features"):
        model.draw(FEATURES, guidance_scale=2.0)
    plain = model.draw(FEATURES)
    guided = model.draw(FEATURES, negative_visual_features=ZERO, guidance_scale=4.0)
    never = model.draw(
        FEATURES,
        negative_visual_features=ZERO,
        guidance_scale=4.0,
        guidance_interval=(0.0, 0.0),
    )
    itself = model.draw(FEATURES, negative_visual_features=FEATURES, guidance_scale=4.0)
    once = model.condition(ZERO)
    assert torch.equal(
        guided, model.draw(FEATURES, negative_visual_features=once, guidance_scale=4.0)
    )
    assert not torch.allclose(plain, guided, atol=1e-4)
    assert torch.equal(plain, never)
    assert torch.allclose(plain, itself, atol=1e-4)


def test_dropped_conditions_are_those_of_the_zero_image() -> None:
    model = small_model(condition_dropout=1.0).train()
    latents = torch.randn(3, 4, 4, 4)

    def loss(features: torch.Tensor, negative: torch.Tensor | None) -> torch.Tensor:
        return model.loss(
            features,
            latents=latents,
            negative_visual_features=negative,
            generator=torch.Generator().manual_seed(5),
        )

    assert torch.allclose(loss(FEATURES, ZERO), loss(ZERO.expand(3, -1, -1), None))
    model.eval()
    assert torch.allclose(loss(FEATURES, ZERO), loss(FEATURES, None))


def test_loss_weights_count_rows_and_places() -> None:
    model = small_model()
    arguments: dict[str, Any] = {
        "latents": torch.randn(3, 4, 4, 4),
        "noise": torch.randn(3, 4, 4, 4),
        "timesteps": torch.tensor([100.0, 500.0, 900.0]),
    }
    per_row = model.loss(FEATURES, **arguments, reduction="none")
    assert per_row.shape == (3,)
    rows = model.loss(FEATURES, **arguments, weights=torch.tensor([3.0, 0.0, 0.0]))
    assert torch.allclose(rows, per_row[0])
    left = torch.zeros(3, 1, 4, 4)
    left[..., :2] = 1
    one, other = (model.loss(FEATURES, **arguments, weights=places) for places in (left, 1 - left))
    assert torch.allclose(one + other, per_row.mean())


def test_a_spatial_hint_lays_features_where_they_stand_in_the_image() -> None:
    model = small_model(spatial_hint_channels=3)
    assert model.unet.config.in_channels == 7
    before = model.condition(FEATURES).spatial_hint
    changed = FEATURES.clone()
    changed[:, 1] += torch.randn(8)  # the token of the upper right quarter
    after = model.condition(changed).spatial_hint
    assert before is not None and after is not None
    difference = (after - before).abs().sum(dim=(0, 1))
    assert difference[0, 1] > 0
    assert difference[0, 0] == difference[1, 0] == difference[1, 1] == 0


def test_the_stem_folds_pixels_and_gives_them_back() -> None:
    config = VaeConfig(
        block_out_channels=[8, 8], latent_channels=4, norm_num_groups=4, patch_size=4
    )
    vae = ImageVae(config)
    assert vae.autoencoder.config.in_channels == 48
    assert config.downscale_factor == 8
    pixel_values = torch.rand(2, 3, 32, 32) * 2 - 1
    latents = vae.encode(pixel_values)
    assert latents.shape == (2, 4, 4, 4)
    assert vae.decode(latents).shape == (2, 3, 32, 32)


def test_latents_are_normalised_by_the_configs_numbers() -> None:
    plain = VaeConfig(
        block_out_channels=[8, 8],
        latent_channels=4,
        norm_num_groups=4,
        scaling_factor=1.0,
        shift_factor=0.0,
    )
    vae = ImageVae(plain)
    scaled = ImageVae(dataclasses.replace(plain, scaling_factor=0.5, shift_factor=0.25))
    scaled.load_state_dict(vae.state_dict())
    pixel_values = torch.rand(1, 3, 32, 32) * 2 - 1
    assert torch.allclose(scaled.encode(pixel_values), (vae.encode(pixel_values) - 0.25) * 0.5)
    latents = vae.encode(pixel_values)
    assert torch.allclose(scaled.decode((latents - 0.25) * 0.5), vae.decode(latents), atol=1e-5)


def test_attention_in_the_middle_of_the_codec_can_be_left_out() -> None:
    def names(has_attention: bool) -> str:
        config = VaeConfig(
            block_out_channels=[8],
            latent_channels=4,
            norm_num_groups=4,
            mid_block_add_attention=has_attention,
        )
        return " ".join(ImageVae(config).state_dict())

    assert "mid_block.attentions" in names(True)
    assert "mid_block.attentions" not in names(False)


def test_the_codec_stays_in_float32_when_the_rest_runs_in_half() -> None:
    model = small_model().cast(torch.bfloat16)
    assert model.dtype == torch.bfloat16
    assert model.vae.autoencoder.dtype == torch.float32
    pixels = model.draw(FEATURES.bfloat16())
    assert pixels.dtype == torch.float32
    assert pixels.isfinite().all()


def test_noise_levels_follow_the_configs_distribution() -> None:
    model = small_model(logit_normal_mean=1.0, logit_normal_std=0.5)
    levels = model.sample_timesteps(4000, torch.Generator().manual_seed(0)) / 1000
    logits = torch.logit(levels)
    assert float(logits.mean()) == pytest.approx(1.0, abs=0.05)
    assert float(logits.std()) == pytest.approx(0.5, abs=0.05)
    diffusion = small_model(prediction_type="epsilon", scheduler=EULER)
    uniform = diffusion.sample_timesteps(4000, torch.Generator().manual_seed(0))
    assert uniform.dtype == torch.int64
    assert 0 <= int(uniform.min()) < 10 < 990 < int(uniform.max()) < 1000


def test_a_drawing_starts_from_noise_of_the_configured_size() -> None:
    plain, quiet = small_model(initial_noise_scale=1.0), small_model(initial_noise_scale=0.25)
    noise = plain.starting_noise([7, 8, 9], 3, 16, 16)
    drawn = quiet.draw(FEATURES, seed=7)
    assert torch.equal(drawn, plain.draw(FEATURES, latents=noise * 0.25))
    assert torch.equal(drawn, quiet.draw(FEATURES, latents=noise))
    assert not torch.allclose(drawn, plain.draw(FEATURES, seed=7), atol=1e-3)
    still = small_model(initial_noise_scale=0.0)
    assert torch.equal(still.draw(FEATURES, seed=7), still.draw(FEATURES, seed=100))


def test_drawings_at_different_steps_go_on_with_one_pass_of_the_unet() -> None:
    model = small_model()

    def steps(*features: torch.Tensor, **options: Any) -> list[DrawStep]:
        done: list[DrawStep] = []
        model.draw(*features, on_step=done.append, **options)
        return done

    alone = {
        "plain": steps(FEATURES[:1], seed=7, num_inference_steps=4),
        "guided": (
            steps(
                FEATURES[1:2],
                seed=8,
                num_inference_steps=3,
                negative_visual_features=ZERO,
                guidance_scale=4.0,
                guidance_interval=(0.0, 0.5),
            )
        ),
    }
    passes = []
    handle = model.unet.register_forward_hook(lambda *_: passes.append(1))
    plain = model.begin(FEATURES[:1], seed=7, num_inference_steps=4)
    together = {"plain": model.advance([plain]), "guided": []}
    guided = model.begin(
        FEATURES[1:2],
        seed=8,
        num_inference_steps=3,
        negative_visual_features=ZERO,
        guidance_scale=4.0,
        guidance_interval=(0.0, 0.5),
    )
    while not plain.is_done:
        one, other = model.advance([plain, guided])
        together["plain"].append(one)
        together["guided"].append(other)
    handle.remove()
    assert guided.is_done
    assert len(passes) == 4
    for name, wanted in alone.items():
        for one, other in zip(wanted, together[name], strict=True):
            assert (one.step, one.num_steps) == (other.step, other.num_steps)
            assert torch.allclose(one.latents, other.latents, atol=1e-5)
            assert torch.allclose(one.predicted, other.predicted, atol=1e-5)
