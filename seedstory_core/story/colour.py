"""Colours of a reader's picture as sRGB, whatever its file says about its numbers."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from seedstory_core.story.png import PngFile

Primaries = tuple[float, ...]
"""Chromaticities `x, y` of white, red, green and blue."""
SRGB: Primaries = (0.3127, 0.3290, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06)
PRIMARIES: dict[int, Primaries] = {
    1: SRGB,
    9: (0.3127, 0.3290, 0.708, 0.292, 0.170, 0.797, 0.131, 0.046),  # BT.2020
    12: (0.3127, 0.3290, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060),  # Display P3
}
"""Primaries by their number in ITU-T H.273, as PNG's cICP names them."""
GAMMAS: dict[int, float] = {1: 0.0, 4: 1 / 2.2, 5: 1 / 2.8, 6: 0.0, 8: 1.0, 13: 0.0, 14: 0.0}
"""Exponent of stored values by the number of a transfer function; 0 is the curve of sRGB."""
SRGB_GAMMAS = (0.43, 0.48)
"""Range of exponents that count as sRGB: programs write 1/2.2 when they mean sRGB."""
GAMMAS_IN_USE = (0.2, 2.5)
"""Range of exponents that make sense in a file."""
SPACES = {"RGB ": ("RGB", "RGBA"), "GRAY": ("L",), "CMYK": ("CMYK",)}
"""Modes of images that a profile of a colour space can describe."""


def to_srgb(image: Image.Image, profile: bytes, png: PngFile | None = None) -> Image.Image:
    """Return an image with its colours in sRGB; without a usable profile it is unchanged.

    Args:
        image: Pixels as they are stored.
        profile: The ICC profile of the file, or b"".
        png: What the chunks of a PNG say; cICP goes before a profile, which goes before the rest.
    """
    if image.mode == "LAB":
        srgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
        return ImageCms.profileToProfile(image, lab, srgb, outputMode="RGB") or image
    if png is not None and png.cicp is not None:
        primaries, transfer = png.cicp
        if primaries in PRIMARIES and transfer in GAMMAS:
            return _converted(image, PRIMARIES[primaries], GAMMAS[transfer])
    if profile:
        return _by_profile(image, profile)
    if png is None or png.is_srgb or not GAMMAS_IN_USE[0] < png.gamma < GAMMAS_IN_USE[1]:
        return image
    is_usual = SRGB_GAMMAS[0] < png.gamma < SRGB_GAMMAS[1]
    return _converted(image, png.primaries or SRGB, 0.0 if is_usual else png.gamma)


def _by_profile(image: Image.Image, data: bytes) -> Image.Image:
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(data))
        if image.mode not in SPACES.get(profile.profile.xcolor_space, ()):
            return image
        converted = ImageCms.profileToProfile(
            image,
            profile,
            ImageCms.createProfile("sRGB"),
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            outputMode="RGBA" if image.mode == "RGBA" else "RGB",
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return image  # browsers, too, show a picture with a damaged profile as if it had none
    return converted if converted is not None else image


def _converted(image: Image.Image, primaries: Primaries, gamma: float) -> Image.Image:
    """Return an RGB or grey image with other primaries and another exponent as sRGB."""
    if image.mode not in ("RGB", "RGBA", "L") or (primaries == SRGB and not gamma):
        return image
    values = np.arange(256, dtype=np.float64) / 255
    light = (values ** (1 / gamma) if gamma else _light(values)).astype(np.float32)
    if image.mode == "L":
        return image.point([round(float(v) * 255) for v in _stored(light)])
    try:
        with np.errstate(all="ignore"):
            matrix = np.linalg.inv(_to_xyz(SRGB)) @ _to_xyz(primaries)
    except np.linalg.LinAlgError:
        return image
    if not np.isfinite(matrix).all():  # no colours at all
        return image
    pixels = np.asarray(image)
    mixed = light[pixels[..., :3]] @ matrix.T.astype(np.float32)
    result = np.array(pixels)
    result[..., :3] = (_stored(mixed.clip(0, 1)) * 255).round().astype(np.uint8)
    return Image.fromarray(result)


def _light(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the light that stored sRGB values stand for."""
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def _stored(light: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the sRGB values that store an amount of light."""
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)


def _to_xyz(primaries: Primaries) -> NDArray[np.float64]:
    """Return the matrix from linear RGB to XYZ, scaled so that white has Y = 1.

    The white points of primaries in use are all near D65, so none is adapted.
    """
    xs, ys = np.array(primaries[::2]), np.array(primaries[1::2])
    xyz = np.stack([xs / ys, np.ones(4), (1 - xs - ys) / ys])
    return xyz[:, 1:] * np.linalg.solve(xyz[:, 1:], xyz[:, 0])
