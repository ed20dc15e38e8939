"""The de-tokenizer: `draw` turns visual features into images, `loss` trains it.

A perceiver turns features into the prompt of an SDXL-architecture UNet; UNet, codec and sampler
are diffusers' own. The de-tokenizer knows neither the image encoder nor the language model: its
caller passes the features, and for guidance and condition dropout also those of the zero image.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import diffusers
import torch
import torch.nn.functional as F
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from diffusers.schedulers.scheduling_flow_match_euler_discrete import (
    FlowMatchEulerDiscreteScheduler,
)
from torch import Tensor, nn

from seedstory_core.config import DeTokenizerConfig, SchedulerConfig
from seedstory_core.models.perceiver import PerceiverResampler
from seedstory_core.models.vae import ImageVae


class Condition(NamedTuple):
    """The UNet's conditioning for B images."""

    prompt_embeds: Tensor
    """`[B, N, E]`, for cross-attention."""
    pooled_prompt_embeds: Tensor
    """`[B, P]`, added to the time embedding."""
    spatial_hint: Tensor | None = None
    """`[B, channels, grid, grid]`, joined to the latents; only with `spatial_hint_channels`."""

    def expand(self, batch_size: int) -> Condition:
        """Expand one row to `batch_size` rows; a condition with so many already is unchanged."""
        embeds, pooled, hint = self
        return Condition(
            embeds.expand(batch_size, -1, -1),
            pooled.expand(batch_size, -1),
            None if hint is None else hint.expand(batch_size, -1, -1, -1),
        )

    def and_then(self, other: Condition) -> Condition:
        """Append the rows of `other`."""
        hints = [hint for hint in (self.spatial_hint, other.spatial_hint) if hint is not None]
        return Condition(
            torch.cat([self.prompt_embeds, other.prompt_embeds]),
            torch.cat([self.pooled_prompt_embeds, other.pooled_prompt_embeds]),
            torch.cat(hints) if hints else None,
        )


class DrawStep(NamedTuple):
    """The state of a drawing after one denoising step."""

    step: int
    """Steps done, from 1."""
    num_steps: int
    """Steps in all."""
    latents: Tensor
    """`[B, latent_channels, h, w]`, still noisy."""
    predicted: Tensor
    """The same shape: the finished latents as the model now expects them; `decode` previews it."""


@dataclass
class Drawing:
    """A batch of images while they are denoised; `DeTokenizer.begin` makes one."""

    latents: Tensor
    """`[B, latent_channels, h, w]`."""
    scheduler: Any
    positive: Condition
    both: Condition | None
    """Conditions of the zero image and of the features, `2 B` rows; None without guidance."""
    guidance_scale: float
    guidance_interval: tuple[float, float]
    """Fractions of the steps between which guidance is used."""
    time_ids: Tensor
    """`[B, 6]`."""
    num_done: int = 0
    """Steps done."""

    @property
    def num_steps(self) -> int:
        """Steps in all."""
        return len(self.scheduler.timesteps)

    @property
    def is_done(self) -> bool:
        """Whether no step is left."""
        return self.num_done >= self.num_steps

    @property
    def _guided(self) -> Condition | None:
        start, end = self.guidance_interval
        return self.both if start <= self.num_done / self.num_steps < end else None

    def model_input(self) -> tuple[Tensor, Tensor, Condition, Tensor]:
        """Return the UNet's next input: latents, timestep, condition, time ids."""
        timestep = self.scheduler.timesteps[self.num_done]
        latents = self.latents
        if hasattr(self.scheduler, "scale_model_input"):
            latents = self.scheduler.scale_model_input(latents, timestep)
        if self._guided is None:
            return latents, timestep, self.positive, self.time_ids
        return torch.cat([latents] * 2), timestep, self._guided, torch.cat([self.time_ids] * 2)

    def step(self, prediction: Tensor) -> DrawStep:
        """Advance the latents one step with the UNet's prediction, float32."""
        if self._guided is not None:
            without, with_condition = prediction.chunk(2)
            prediction = without + self.guidance_scale * (with_condition - without)
        before, index = self.latents, self.num_done
        result = self.scheduler.step(prediction, self.scheduler.timesteps[index], before)
        self.latents, self.num_done = result.prev_sample, index + 1
        predicted = getattr(result, "pred_original_sample", None)
        if predicted is None:
            predicted = before - self.scheduler.sigmas[index] * prediction
        return DrawStep(self.num_done, self.num_steps, self.latents, predicted)

    def snapshot(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return all that `step` changes, for `restore`; the sampler remembers earlier steps."""
        sampler = {
            name: list(value) if isinstance(value, list) else value
            for name, value in vars(self.scheduler).items()
        }
        return dict(vars(self)), sampler

    def restore(self, snapshot: tuple[dict[str, Any], dict[str, Any]]) -> None:
        """Go back to a snapshot."""
        own, sampler = snapshot
        vars(self).update(own)
        vars(self.scheduler).update(sampler)


def build_scheduler(config: SchedulerConfig, prediction_type: str) -> Any:
    """Build a sampler of diffusers from those numbers of the config that its class takes."""
    scheduler_class = getattr(diffusers, config.name)
    known = inspect.signature(scheduler_class.__init__).parameters
    numbers = {**vars(config), "prediction_type": prediction_type}
    if prediction_type == "flow":
        # Samplers for both diffusion and flows need these; those for flows alone take none of them.
        numbers |= {
            "prediction_type": "flow_prediction",
            "use_flow_sigmas": True,
            "flow_shift": config.shift,
        }
    return scheduler_class(**{name: value for name, value in numbers.items() if name in known})


class SpatialHint(nn.Module):
    """Lays visual features out as a feature map, on their square grid."""

    def __init__(self, embedding_dim: int, channels: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(embedding_dim)
        self.proj = nn.Linear(embedding_dim, channels)

    def forward(self, visual_features: Tensor) -> Tensor:
        """Turn `[B, V, C]` (V a square number) into `[B, channels, grid, grid]`."""
        grid = math.isqrt(visual_features.shape[1])
        hint = self.proj(self.norm(visual_features))
        return hint.transpose(1, 2).unflatten(2, (grid, grid))


class DeTokenizer(nn.Module):
    """Draws images from visual features."""

    def __init__(self, config: DeTokenizerConfig) -> None:
        super().__init__()
        self.config = config
        unet, perceiver = config.unet, config.perceiver
        self.resampler = PerceiverResampler(perceiver)
        self.unet = UNet2DConditionModel(
            sample_size=config.latent_size,
            in_channels=config.vae.latent_channels + config.spatial_hint_channels,
            out_channels=config.vae.latent_channels,
            down_block_types=tuple(unet.down_block_types),
            up_block_types=tuple(unet.up_block_types),
            block_out_channels=tuple(unet.block_out_channels),
            layers_per_block=unet.layers_per_block,
            transformer_layers_per_block=list(unet.transformer_layers_per_block),
            # diffusers' misnomer for the number of heads; SDXL's own config uses it likewise.
            attention_head_dim=list(unet.num_attention_heads),
            cross_attention_dim=unet.cross_attention_dim,
            norm_num_groups=unet.norm_num_groups,
            use_linear_projection=True,
            addition_embed_type="text_time",
            addition_time_embed_dim=unet.addition_time_embed_dim,
            projection_class_embeddings_input_dim=perceiver.output2_dim
            + 6 * unet.addition_time_embed_dim,
        )
        self.spatial_hint = (
            SpatialHint(perceiver.embedding_dim, config.spatial_hint_channels)
            if config.spatial_hint_channels
            else None
        )
        self.vae = ImageVae(config.vae)
        scheduler = build_scheduler(config.scheduler, config.prediction_type)
        signal = getattr(scheduler, "alphas_cumprod", torch.zeros(0))
        self.register_buffer("alphas_cumprod", signal.clone(), persistent=False)

    @property
    def dtype(self) -> torch.dtype:
        """Dtype of the denoiser; the codec's may differ."""
        return self.resampler.latents.dtype

    @property
    def device(self) -> torch.device:
        """Device of the denoiser."""
        return self.resampler.latents.device

    def cast(self, dtype: torch.dtype) -> DeTokenizer:
        """Cast the weights; the codec stays in float32 with `vae.force_upcast`."""
        self.to(dtype)
        if self.config.vae.force_upcast:
            self.vae.to(torch.float32)
        return self

    def condition(self, visual_features: Tensor) -> Condition:
        """Turn visual features `[B, V, C]` into the UNet's conditioning."""
        visual_features = visual_features.to(self.dtype)
        hint = self.spatial_hint(visual_features) if self.spatial_hint is not None else None
        prompt_embeds, pooled_prompt_embeds = self.resampler(visual_features)
        return Condition(prompt_embeds, pooled_prompt_embeds, hint)

    def time_ids(self, batch_size: int, height: int, width: int) -> Tensor:
        """Return SDXL's size conditioning `[B, 6]`: original size, crop corner 0, target size."""
        row = torch.tensor([height, width, 0, 0, height, width], device=self.device)
        return row.expand(batch_size, -1)

    def predict_noise(
        self, latents: Tensor, timesteps: Tensor, condition: Condition, time_ids: Tensor
    ) -> Tensor:
        """Run the UNet once.

        Args:
            latents: `[B, latent_channels, h, w]`, scaled as the sampler wants.
            timesteps: One number, or `[B]`; 0 to `num_train_timesteps`.
            condition: The UNet's conditioning, B rows.
            time_ids: `[B, 6]`, in pixels.

        Returns:
            Noise, v or velocity, as `prediction_type` says; shaped like `latents`.
        """
        sample = latents.to(self.dtype)
        if condition.spatial_hint is not None:
            hint = F.interpolate(
                condition.spatial_hint, size=sample.shape[-2:], mode="bilinear", align_corners=False
            )
            sample = torch.cat([sample, hint], dim=1)
        return self.unet(
            sample,
            timesteps,
            encoder_hidden_states=condition.prompt_embeds,
            added_cond_kwargs={
                "text_embeds": condition.pooled_prompt_embeds,
                "time_ids": time_ids,
            },
        ).sample

    @torch.no_grad()
    def draw(
        self,
        visual_features: Tensor,
        *,
        negative_visual_features: Tensor | Condition | None = None,
        num_inference_steps: int | None = None,
        guidance_scale: float | None = None,
        guidance_interval: tuple[float, float] | None = None,
        seed: int | Sequence[int] = 42,
        latents: Tensor | None = None,
        height: int | None = None,
        width: int | None = None,
        scheduler: SchedulerConfig | None = None,
        on_step: Callable[[DrawStep], None] | None = None,
    ) -> Tensor:
        """Draw one image per row of features.

        Args:
            visual_features: `[B, V, C]`.
            negative_visual_features: `[1 or B, V, C]`, features of the zero image, or their
                condition; needed if the guidance scale is above 1.
            num_inference_steps: Denoising steps; None takes the config's, here and below.
            guidance_scale: Scale of classifier-free guidance; up to 1 it is off.
            guidance_interval: Fractions of the steps between which guidance is used.
            seed: Seed of the starting noise: one per row, or the first row's, which the next rows
                count on from. A seed gives the same noise on every device and in every batch.
            latents: Starting noise `[B, latent_channels, h, w]` of unit variance, which
                `initial_noise_scale` scales like that of a seed; overrides `seed`.
            height: Height of the images, in pixels.
            width: Width of the images, in pixels.
            scheduler: Sampler to use instead of the config's.
            on_step: Called after every step, for previews; raise in it to stop.

        Returns:
            Pixels `[B, 3, height, width]`, 0 to 1.

        Raises:
            ValueError: Guidance lacks `negative_visual_features`, or the number of seeds is not B.
        """
        drawing = self.begin(
            visual_features,
            negative_visual_features=negative_visual_features,
            num_inference_steps=num_inference_steps,
            guidance_scale=guidance_scale,
            guidance_interval=guidance_interval,
            seed=seed,
            latents=latents,
            height=height,
            width=width,
            scheduler=scheduler,
        )
        while not drawing.is_done:
            (done,) = self.advance([drawing])
            if on_step is not None:
                on_step(done)
        return self.vae.decode(drawing.latents)

    @torch.no_grad()
    def begin(
        self,
        visual_features: Tensor,
        *,
        negative_visual_features: Tensor | Condition | None = None,
        num_inference_steps: int | None = None,
        guidance_scale: float | None = None,
        guidance_interval: tuple[float, float] | None = None,
        seed: int | Sequence[int] = 42,
        latents: Tensor | None = None,
        height: int | None = None,
        width: int | None = None,
        scheduler: SchedulerConfig | None = None,
    ) -> Drawing:
        """Prepare a drawing, which `advance` takes further step by step.

        Arguments and errors as for `draw`; `decode` turns the last step's latents into pixels.
        """
        config = self.config
        scale = config.guidance_scale if guidance_scale is None else guidance_scale
        height, width = height or config.image_size, width or config.image_size
        batch_size = visual_features.shape[0]

        positive, both = self.condition(visual_features), None
        if scale > 1:
            if negative_visual_features is None:
                raise ValueError(
                    f"guidance_scale is {scale:g} and there are no negative_visual_features. Pass "
                    "those of the zero image, or a guidance_scale of 1."
                )
            negative = negative_visual_features
            if isinstance(negative, Tensor):
                negative = self.condition(negative)
            both = negative.expand(batch_size).and_then(positive)

        schedule = build_scheduler(scheduler or config.scheduler, config.prediction_type)
        _set_timesteps(schedule, num_inference_steps or config.num_inference_steps, self.device)
        if latents is None:
            latents = self.starting_noise(seed, batch_size, height, width)
        size = config.initial_noise_scale * getattr(schedule, "init_noise_sigma", 1.0)
        return Drawing(
            latents=latents.to(self.device, torch.float32) * size,
            scheduler=schedule,
            positive=positive,
            both=both,
            guidance_scale=scale,
            guidance_interval=guidance_interval or (config.guidance_start, config.guidance_end),
            time_ids=self.time_ids(batch_size, height, width),
        )

    @torch.no_grad()
    def advance(self, drawings: Sequence[Drawing]) -> list[DrawStep]:
        """Take every drawing one step further with a single pass of the UNet.

        They may be at different steps of different schedules, with or without guidance, but must
        have the same size.

        If it raises, every drawing is as it was before, so that each may be tried again alone.
        """
        before = [drawing.snapshot() for drawing in drawings]
        try:
            return self._advance(drawings)
        except BaseException:
            for drawing, snapshot in zip(drawings, before, strict=True):
                drawing.restore(snapshot)
            raise

    def _advance(self, drawings: Sequence[Drawing]) -> list[DrawStep]:
        inputs = [drawing.model_input() for drawing in drawings]
        counts = [len(rows) for rows, _, _, _ in inputs]
        condition = inputs[0][2]
        for _, _, other, _ in inputs[1:]:
            condition = condition.and_then(other)
        predicted = self.predict_noise(
            torch.cat([rows for rows, _, _, _ in inputs]),
            torch.cat([timestep.expand(len(rows)) for rows, timestep, _, _ in inputs]),
            condition,
            torch.cat([time_ids for _, _, _, time_ids in inputs]),
        )
        rows = predicted.float().split(counts)
        return [
            drawing.step(prediction) for drawing, prediction in zip(drawings, rows, strict=True)
        ]

    def decode(self, latents: Tensor) -> Tensor:
        """Decode latents to pixels `[B, 3, height, width]`, 0 to 1."""
        return self.vae.decode(latents)

    def encode(self, pixel_values: Tensor) -> Tensor:
        """Encode pixel values `[B, 3, height, width]`, -1 to 1, to the posterior's mean."""
        return self.vae.encode(pixel_values)

    def starting_noise(
        self, seed: int | Sequence[int], batch_size: int, height: int, width: int
    ) -> Tensor:
        """Return unit noise `[B, latent_channels, h, w]`, drawn on the CPU row by row."""
        seeds = [seed + row for row in range(batch_size)] if isinstance(seed, int) else list(seed)
        if len(seeds) != batch_size:
            raise ValueError(f"{len(seeds)} seeds were given for {batch_size} images.")
        factor = self.config.vae.downscale_factor
        shape = (self.config.vae.latent_channels, height // factor, width // factor)
        rows = [torch.randn(shape, generator=torch.Generator().manual_seed(s)) for s in seeds]
        return torch.stack(rows)

    def sample_timesteps(self, batch_size: int, generator: torch.Generator | None = None) -> Tensor:
        """Draw the noise levels of a training batch, `[B]`.

        Flow: real numbers, logit-normal (arXiv:2403.03206). Diffusion: integers, uniform.
        """
        length = self.config.scheduler.num_train_timesteps
        if self.config.prediction_type == "flow":
            normal = torch.randn(batch_size, generator=generator)
            logits = normal * self.config.logit_normal_std + self.config.logit_normal_mean
            return (logits.sigmoid() * length).to(self.device)
        return torch.randint(length, (batch_size,), generator=generator).to(self.device)

    def add_noise(self, latents: Tensor, noise: Tensor, timesteps: Tensor) -> Tensor:
        """Mix latents with noise to the level of `timesteps` `[B]`."""
        clean, noisy = self._levels(timesteps)
        return clean * latents + noisy * noise

    def target(self, latents: Tensor, noise: Tensor, timesteps: Tensor) -> Tensor:
        """Return the value that the UNet should predict, shaped like `latents`."""
        if self.config.prediction_type == "flow":
            return noise - latents
        if self.config.prediction_type == "epsilon":
            return noise
        clean, noisy = self._levels(timesteps)
        return clean * noise - noisy * latents

    def _levels(self, timesteps: Tensor) -> tuple[Tensor, Tensor]:
        """Shares of image and noise at `timesteps`, each `[B, 1, 1, 1]`."""
        if self.config.prediction_type == "flow":
            noisy = timesteps.view(-1, 1, 1, 1) / self.config.scheduler.num_train_timesteps
            return 1 - noisy, noisy
        clean = self.alphas_cumprod[timesteps].view(-1, 1, 1, 1)  # type: ignore[index]
        return clean.sqrt(), (1 - clean).sqrt()

    def loss(
        self,
        visual_features: Tensor,
        *,
        pixel_values: Tensor | None = None,
        latents: Tensor | None = None,
        negative_visual_features: Tensor | None = None,
        noise: Tensor | None = None,
        timesteps: Tensor | None = None,
        time_ids: Tensor | None = None,
        weights: Tensor | None = None,
        generator: torch.Generator | None = None,
        reduction: str = "mean",
    ) -> Tensor:
        """Return the mean squared error of one prediction per row.

        In training mode, a fraction `condition_dropout` of the rows takes the features of the zero
        image instead, like the published model's unconditional branch. A learned null condition
        would be one more weight, which the published files do not have.

        Args:
            visual_features: `[B, V, C]`.
            pixel_values: The images `[B, 3, height, width]`, -1 to 1; not needed with `latents`.
            latents: The images as `encode` returns them, to save encoding them every time.
            negative_visual_features: `[1 or B, V, C]`; without them nothing is dropped.
            noise: Shaped like `latents`; drawn if not given.
            timesteps: `[B]`; drawn if not given.
            time_ids: `[B, 6]`, size conditioning in pixels; that of whole images if not given.
            weights: Weights of rows `[B]` or of latents `[B, 1, h, w]`.
            generator: CPU source of all random numbers.
            reduction: `mean` returns one number, `none` one per row `[B]`.

        Raises:
            ValueError: Neither `pixel_values` nor `latents` is given.
        """
        if latents is None:
            if pixel_values is None:
                raise ValueError("loss needs pixel_values or latents.")
            with torch.no_grad():
                latents = self.encode(pixel_values)
        latents = latents.to(self.device)
        batch_size, factor = latents.shape[0], self.config.vae.downscale_factor
        if noise is None:
            noise = torch.randn(latents.shape, generator=generator).to(latents)
        if timesteps is None:
            timesteps = self.sample_timesteps(batch_size, generator)
            if self.config.one_step_share:
                # As drawing starts: at the last timestep, with the noise scaled as there.
                drawn = torch.rand(batch_size, generator=generator).to(self.device)
                in_one = drawn < self.config.one_step_share
                timesteps[in_one] = self.config.scheduler.num_train_timesteps
                noise[in_one] *= self.config.initial_noise_scale
        if time_ids is None:
            height, width = latents.shape[-2] * factor, latents.shape[-1] * factor
            time_ids = self.time_ids(batch_size, height, width)
        if self.training and negative_visual_features is not None:
            drawn = torch.rand(batch_size, generator=generator).to(self.device)
            is_dropped = (drawn < self.config.condition_dropout).view(-1, 1, 1)
            visual_features = torch.where(is_dropped, negative_visual_features, visual_features)

        prediction = self.predict_noise(
            self.add_noise(latents, noise, timesteps),
            timesteps,
            self.condition(visual_features),
            time_ids,
        )
        error = (prediction.float() - self.target(latents, noise, timesteps).float()) ** 2
        if weights is not None:
            error = error * weights.view(batch_size, 1, *(weights.shape[2:] or (1, 1)))
        per_row = error.mean(dim=(1, 2, 3))
        return per_row.mean() if reduction == "mean" else per_row


def _set_timesteps(scheduler: Any, num_steps: int, device: torch.device) -> None:
    """Spread `num_steps` over the schedule.

    diffusers' own spacing of a flow ends with a step so small (0.001) that it is wasted; evenly
    spaced levels from 1 to 1/n make use of every step.
    """
    if isinstance(scheduler, FlowMatchEulerDiscreteScheduler):
        levels = [1 - step / num_steps for step in range(num_steps)]
        scheduler.set_timesteps(sigmas=levels, device=device)
    else:
        scheduler.set_timesteps(num_steps, device=device)
