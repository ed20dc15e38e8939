"""From pictures to pixel values and back.

Two ways in, as in the release: `clip_pixels` for the picture encoder (bilinear, CLIP's colours)
and `sd_pixels` for the picture decoder (bicubic, -1 to 1). Pillow resizes, always antialiased.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from seedstory_core.config import VisionConfig


def resize_square(
    image: Image.Image, size: int, *, keep_ratio: bool, resample: Image.Resampling
) -> Image.Image:
    """Give `image` as RGB at `size` x `size` pixels.

    Args:
        image: Any picture; transparency is dropped, as in the release.
        size: Side of the result, in pixels.
        keep_ratio: Resize the short side and cut the middle out of the long one; otherwise
            stretch.
        resample: Pillow's filter.
    """
    image = image.convert("RGB")
    if not keep_ratio:
        return image.resize((size, size), resample)
    width, height = image.size
    # The long side is cut to an integer and the crop's corner rounded, as torchvision does.
    if width <= height:
        resized = image.resize((size, int(size * height / width)), resample)
    else:
        resized = image.resize((int(size * width / height), size), resample)
    left, top = round((resized.width - size) / 2), round((resized.height - size) / 2)
    return resized.crop((left, top, left + size, top + size))


def _to_tensor(image: Image.Image) -> Tensor:
    """Give an RGB picture as `[3, height, width]`, 0 to 1."""
    pixels = torch.from_numpy(np.array(image, dtype=np.uint8))
    return pixels.permute(2, 0, 1).contiguous().float() / 255


def clip_pixels(image: Image.Image, config: VisionConfig, *, keep_ratio: bool = False) -> Tensor:
    """Make pixel values `[3, image_size, image_size]` for the picture encoder."""
    image = resize_square(
        image, config.image_size, keep_ratio=keep_ratio, resample=Image.Resampling.BILINEAR
    )
    mean = torch.tensor(config.normalize_mean).view(3, 1, 1)
    std = torch.tensor(config.normalize_std).view(3, 1, 1)
    return (_to_tensor(image) - mean) / std


def sd_pixels(image: Image.Image, image_size: int, *, keep_ratio: bool = True) -> Tensor:
    """Make pixel values `[3, image_size, image_size]`, -1 to 1, for the picture decoder."""
    image = resize_square(
        image, image_size, keep_ratio=keep_ratio, resample=Image.Resampling.BICUBIC
    )
    return _to_tensor(image) * 2 - 1


def to_images(pixels: Tensor) -> list[Image.Image]:
    """Make pictures of `[B, 3, height, width]` in 0 to 1, as the picture decoder draws them."""
    scaled = (pixels.detach().float() * 255).round().clamp(0, 255).to(torch.uint8)
    arrays: Sequence[np.ndarray] = list(scaled.permute(0, 2, 3, 1).cpu().numpy())
    return [Image.fromarray(array) for array in arrays]
