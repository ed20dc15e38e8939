"""Checks of images in and out: transforms, image encoder, resamplers, de-tokenizer."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from seedstory_core.models.detokenizer import DeTokenizer, DrawStep, build_scheduler
from seedstory_core.models.resampler import resize_positions
from seedstory_core.models.transforms import clip_pixels, sd_pixels, to_images
from seedstory_core.weights.verify.comparison import Row, compare_exactly, compare_numbers
from seedstory_core.weights.verify.folder import ReferenceFolder


def transforms(folder: ReferenceFolder) -> Iterator[Row]:
    """Check resizing and normalising: `<image>__<clip or sd>_<size>_keep<0 or 1>`."""
    for name in folder.manifest["transforms"]:
        source, kind, size, keep_ratio = re.fullmatch(  # type: ignore[union-attr]
            r"(\w+)__(clip|sd)_(\d+)_keep([01])", name
        ).groups()
        image, keeps = folder.image(source), keep_ratio == "1"
        if kind == "clip":
            numbers = dataclasses.replace(folder.config.vision, image_size=int(size))
            pixels = clip_pixels(image, numbers, keep_ratio=keeps)
        else:
            pixels = sd_pixels(image, int(size), keep_ratio=keeps)
        yield folder.check("transforms", name, pixels)


@torch.no_grad()
def vit(folder: ReferenceFolder) -> Iterator[Row]:
    """Check the image encoder and its inner states."""
    model = folder.vision
    images = folder.images_of("vit", "image")
    pixels = torch.cat([folder.pixels(image) for image in images])
    yield folder.check("vit", "image", pixels[:1])
    yield folder.check("vit", "image_embeds", model(pixels))
    tokens = model.patch_tokens(pixels[:1])
    table = resize_positions(model.positional_embedding, tokens.shape[1])
    yield folder.check("vit", "pos_embed_interpolated", table)
    yield folder.check("vit", "after_ln_pre_0", tokens)
    yield folder.check("vit", "after_block0_0", model.transformer.resblocks[0](tokens))
    yield folder.check("vit", "after_attn_pool_0", model.attn_pool(model.transformer(tokens)))
    yield folder.check("vit", "image_embeds_zero_picture", model.zero_image_features())


@torch.no_grad()
def resamplers(folder: ReferenceFolder) -> Iterator[Row]:
    """Check both resamplers and the position tables of their keys."""
    model, tables = folder.story_lm, folder.tensors("resamplers")
    features = folder.tensors("vit")["image_embeds"]
    into, out = model.input_resampler, model.output_resampler
    yield folder.check("resamplers", "input_resampler_out", into(features))
    yield folder.check("resamplers", "output_resampler_out", out(tables["hidden"]))
    keys = resize_positions(into.pos_embed, features.shape[1])
    yield folder.check("resamplers", "input_pos_embed_for_keys", keys)
    keys = resize_positions(out.pos_embed, tables["hidden"].shape[1])
    yield folder.check("resamplers", "output_pos_embed_for_keys", keys)


@torch.no_grad()
def detokenizer(folder: ReferenceFolder) -> Iterator[Row]:
    """Check conditioning, one noise prediction and the inputs of stage 3."""
    model, tensors = folder.detokenizer, folder.tensors("detokenizer")

    def check(name: str, value: Tensor) -> Row:
        return folder.check("detokenizer", name, value)

    features = folder.tensors("vit")["image_embeds"]
    condition = model.condition(features)
    yield check("prompt_embeds", condition.prompt_embeds)
    yield check("pooled_embeds", condition.pooled_prompt_embeds)
    prediction = noise_prediction(folder, model)
    yield check("forward_noise_pred", prediction)
    error = nn.functional.mse_loss(prediction, tensors["forward_noise"])
    yield check("forward_loss", error)

    (target,) = folder.images_of("detokenizer", "train_sd_image")
    pixels = sd_pixels(target, folder.numbers["transforms"]["stage3_sd_size"])[None]
    yield check("train_sd_image", pixels)
    posterior = model.vae.posterior(pixels)
    yield check("train_latent_mean", posterior.mean)
    yield check("train_latent_logvar", posterior.logvar)
    noisy = model.add_noise(model.encode(pixels), tensors["train_noise"], tensors["train_timestep"])
    yield check("train_noisy_latents", noisy)

    (image,) = folder.images_of("detokenizer", "from_picture_cond")
    own = folder.vision(folder.pixels(image))
    yield check("from_picture_cond", model.condition(own).prompt_embeds)


def noise_prediction(folder: ReferenceFolder, model: DeTokenizer) -> Tensor:
    """Run the UNet once with the recorded inputs."""
    tensors = folder.tensors("detokenizer")
    return model.predict_noise(
        tensors["forward_noisy_latents"],
        tensors["forward_timesteps"],
        model.condition(folder.tensors("vit")["image_embeds"]),
        tensors["forward_time_ids"],
    )


@torch.no_grad()
def drawing(folder: ReferenceFolder) -> Iterator[Row]:
    """Check schedules, and whole images drawn with guidance from recorded noise."""
    model, tensors = folder.detokenizer, folder.tensors("detokenizer")

    def check(name: str, value: Tensor) -> Row:
        return folder.check("detokenizer", name, value)

    negative = folder.negative_features
    features = tensors["generate_image_embeds"]
    with_image, without = model.condition(features), model.condition(negative)
    yield check("generate_cond", with_image.prompt_embeds)
    yield check("generate_uncond", without.prompt_embeds)
    yield check("generate_pooled_cond", with_image.pooled_prompt_embeds)
    yield check("generate_pooled_uncond", without.pooled_prompt_embeds)

    numbers = folder.config.detokenizer
    for steps in _numbers_in(tensors, r"schedule_(\d+)_sigmas"):
        scheduler = build_scheduler(numbers.scheduler, numbers.prediction_type)
        scheduler.set_timesteps(steps)
        yield check(f"schedule_{steps}_timesteps", scheduler.timesteps)
        yield check(f"schedule_{steps}_sigmas", scheduler.sigmas)
    # The recorded one belongs to the longest schedule.
    own = [float(scheduler.init_noise_sigma)]
    recorded = [folder.document("schedule")["init_noise_sigma"]]
    yield compare_numbers("schedule.json", own, recorded, relative=1e-5)

    size = folder.numbers["inference"]
    for steps in _numbers_in(tensors, r"generate_(\d+)steps_latents"):
        done: list[DrawStep] = []
        pixels = model.draw(
            features,
            negative_visual_features=negative,
            num_inference_steps=steps,
            guidance_scale=size["guidance_scale"],
            latents=tensors["generate_initial_latents"],
            height=size["height"],
            width=size["width"],
            on_step=done.append,
        )
        name = f"generate_{steps}steps"
        yield check(f"{name}_trajectory", torch.cat([step.latents for step in done]))
        yield check(f"{name}_latents", done[-1].latents)
        yield check(f"{name}_image", pixels)
        (drawn,) = to_images(pixels)
        as_bytes = torch.frombuffer(bytearray(drawn.tobytes()), dtype=torch.uint8)
        yield check(f"{name}_uint8", as_bytes.view(drawn.height, drawn.width, 3))


def stage_three_sample(folder: ReferenceFolder) -> Iterator[Row]:
    """Check the size conditioning of a stage-3 sample, as the release computes it.

    The released weights were trained with two errors of the code: height and width are those of the
    story's last image, although another panel is the target, and the crop's corner has top and left
    exchanged.
    """
    recorded = folder.document("data")["sd_item"]
    story = folder.stories[recorded["story"]]
    size = folder.numbers["transforms"]["stage3_sd_size"]
    image = folder.image(story["images"][-1].removesuffix(".png"))
    short, long = sorted(image.size)
    margin = round((int(size * long / short) - size) / 2)
    first, second = (margin, 0) if image.width > image.height else (0, margin)
    own = {
        "time_ids": [image.height, image.width, first, second, size, size],
        "sd_target_panel": recorded["num_image_given"] + 1,
    }
    wanted = {name: recorded[name] for name in own}
    yield compare_exactly("data.json: sample of stage 3", own, wanted)


def _numbers_in(names: dict[str, Tensor], pattern: str) -> list[int]:
    found = (re.fullmatch(pattern, name) for name in names)
    return sorted(int(match[1]) for match in found if match)
