import torch
from PIL import Image

from seedstory_core.config import VisionConfig
from seedstory_core.models.transforms import sd_pixels, to_images
from seedstory_core.models.vision import VisionEncoder


def test_images_survive_the_way_to_pixels_and_back() -> None:
    image = Image.effect_noise((64, 64), 90).convert("RGB")
    pixels = (sd_pixels(image, 64)[None] + 1) / 2
    assert to_images(pixels)[0].tobytes() == image.tobytes()


@torch.no_grad()
def test_an_image_of_another_size_is_read_with_a_resized_table() -> None:
    config = VisionConfig(width=64, layers=1, heads=2, output_dim=64, n_queries=4)
    model = VisionEncoder(config)
    assert model(torch.randn(2, 3, 96, 96)).shape == (2, 4, 64)
