"""Images to pixel values and back.

As in the release, there are two transforms: `clip_pixels` for the image encoder (bilinear, CLIP's
normalisation) and `sd_pixels` for the de-tokenizer (bicubic, -1 to 1). Pillow resizes, always with
antialiasing.
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
    """Return `image` as RGB at `size` x `size` pixels.

    Args:
        image: Any image; transparency is dropped, as in the release.
        size: Side of the result, in pixels.
        keep_ratio: Whether to resize the short side and crop the middle of the long one instead of
            stretching.
        resample: Pillow's filter.
    """
    image = image.convert("RGB")
    if not keep_ratio:
        return image.resize((size, size), resample)
    width, height = image.size
    # The long side is rounded down and the crop's corner to the nearest, as torchvision does.
    if width <= height:
        resized = image.resize((size, int(size * height / width)), resample)
    else:
        resized = image.resize((int(size * width / height), size), resample)
    left, top = round((resized.width - size) / 2), round((resized.height - size) / 2)
    return resized.crop((left, top, left + size, top + size))


def _to_tensor(image: Image.Image) -> Tensor:
    """Return an RGB image as pixels `[3, height, width]`, 0 to 1."""
    pixels = torch.from_numpy(np.array(image, dtype=np.uint8))
    return pixels.permute(2, 0, 1).contiguous().float() / 255


def clip_pixels(image: Image.Image, config: VisionConfig, *, keep_ratio: bool = False) -> Tensor:
    """Return pixel values `[3, image_size, image_size]` for the image encoder."""
    image = resize_square(
        image, config.image_size, keep_ratio=keep_ratio, resample=Image.Resampling.BILINEAR
    )
    mean = torch.tensor(config.normalize_mean).view(3, 1, 1)
    std = torch.tensor(config.normalize_std).view(3, 1, 1)
    return (_to_tensor(image) - mean) / std


def sd_pixels(image: Image.Image, image_size: int, *, keep_ratio: bool = True) -> Tensor:
    """Return pixel values `[3, image_size, image_size]`, -1 to 1, for the de-tokenizer."""
    image = resize_square(
        image, image_size, keep_ratio=keep_ratio, resample=Image.Resampling.BICUBIC
    )
    return _to_tensor(image) * 2 - 1


def to_images(pixels: Tensor) -> list[Image.Image]:
    """Turn the de-tokenizer's pixels `[B, 3, height, width]`, 0 to 1, into images."""
    scaled = (pixels.detach().float() * 255).round().clamp(0, 255).to(torch.uint8)
    arrays: Sequence[np.ndarray] = list(scaled.permute(0, 2, 3, 1).cpu().numpy())
    return [Image.fromarray(array) for array in arrays]
