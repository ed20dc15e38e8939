import pytest
import torch
from PIL import Image
from reference import Reference

from seedstory_core.config import VisionConfig
from seedstory_core.models.resampler import resize_positions
from seedstory_core.models.transforms import clip_pixels, sd_pixels, to_images
from seedstory_core.models.vision import VisionEncoder

PICTURES = ["transform_landscape", "transform_rgba_small", "transform_portrait_gray"]


@pytest.mark.parametrize("keep_ratio", [False, True])
@pytest.mark.parametrize("picture", PICTURES)
def test_transforms_are_the_released_ones(
    reference: Reference, picture: str, keep_ratio: bool
) -> None:
    image = Image.open(reference.input_path(picture))
    clip_size = reference.numbers["transforms"]["fixture_clip_size"]
    sd_size = reference.numbers["transforms"]["fixture_sd_size"]
    clip = clip_pixels(
        image, VisionConfig(image_size=clip_size, patch_size=clip_size), keep_ratio=keep_ratio
    )
    reference.check("transforms", f"{picture}__clip_{clip_size}_keep{keep_ratio:d}", clip)
    sd = sd_pixels(image, sd_size, keep_ratio=keep_ratio)
    reference.check("transforms", f"{picture}__sd_{sd_size}_keep{keep_ratio:d}", sd)


def test_pictures_survive_the_way_to_pixels_and_back() -> None:
    image = Image.effect_noise((64, 64), 90).convert("RGB")
    pixels = (sd_pixels(image, 64)[None] + 1) / 2
    assert to_images(pixels)[0].tobytes() == image.tobytes()


@torch.no_grad()
def test_the_encoder_computes_the_released_features(reference: Reference) -> None:
    model = reference.vision
    pictures = [Image.open(reference.input_path(name)) for name in ("s0_p0", "s1_p0")]
    pixel_values = torch.stack([clip_pixels(image, model.config) for image in pictures])
    reference.check("vit", "image", pixel_values[:1])

    tokens = model.patch_tokens(pixel_values)
    table = resize_positions(model.positional_embedding, tokens.shape[1])
    reference.check("vit", "pos_embed_interpolated", table)
    reference.check("vit", "after_ln_pre_0", tokens[:1])
    after_first = model.transformer.resblocks[0](tokens)
    reference.check("vit", "after_block0_0", after_first[:1])
    pooled = model.attn_pool(model.transformer(tokens))
    reference.check("vit", "after_attn_pool_0", pooled[:1])
    reference.check("vit", "image_embeds", model(pixel_values))


def test_the_zero_picture_has_the_released_features(reference: Reference) -> None:
    features = reference.vision.zero_picture_features()
    reference.check("vit", "image_embeds_zero_picture", features)


@torch.no_grad()
def test_a_picture_of_another_size_is_read_with_a_resized_table() -> None:
    config = VisionConfig(width=64, layers=1, heads=2, output_dim=64, n_queries=4)
    model = VisionEncoder(config)
    assert model(torch.randn(2, 3, 96, 96)).shape == (2, 4, 64)
