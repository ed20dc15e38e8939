"""What a page or a program sends, checked and made into a `TurnRequest`.

Numbers arrive as a browser or a client sent them: missing, as text, or not finite.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from PIL import Image

from seedstory_core.config import StudioConfig
from seedstory_core.engine import TurnRequest
from seedstory_core.errors import InputError
from seedstory_core.generation.sampling import Sampling, new_seed
from seedstory_core.story.upload import check_text

MAX_STEPS = 50
MAX_GUIDANCE = 15.0
MAX_TOP_K = 1000
MAX_WAYS = 4
MAX_SEED = 2**31 - 1


@dataclass(frozen=True)
class Settings:
    """The drawer of knobs; None takes the model's own value, and for the seed a new one."""

    temperature: Any = None
    top_p: Any = None
    seed: Any = None
    num_inference_steps: Any = None
    guidance_scale: Any = None
    top_k: Any = None
    repetition_penalty: Any = None


def make_request(
    config: StudioConfig,
    *,
    text: str = "",
    image: Image.Image | None = None,
    notes: tuple[str, ...] = (),
    keep_words: bool = False,
    settings: Settings | None = None,
) -> TurnRequest:
    """Build the request for one turn.

    Args:
        config: Of the running engine, for what is left open.
        text: The reader's words; empty or blank lets the model write.
        image: The reader's picture, already checked.
        notes: What the check did to it.
        keep_words: The words are the whole caption; the model adds none.
        settings: The knobs.

    Raises:
        InputError: Text or a number that cannot be used.
    """
    settings = settings or Settings()
    generation = config.generation
    text = (text or "").strip()
    if text:
        text = check_text(text, latin_only=config.tokenizer.latin_only)
    seed = number("seed", settings.seed, 0, MAX_SEED, whole=True)
    temperature = number("temperature", settings.temperature, 0, 5)
    top_p = number("top_p", settings.top_p, 0.01, 1)
    top_k = number("top_k", settings.top_k, 0, MAX_TOP_K, whole=True)
    penalty = number("repetition_penalty", settings.repetition_penalty, 0.5, 5)
    most_steps = max(MAX_STEPS, config.detokenizer.num_inference_steps)
    steps = number("steps", settings.num_inference_steps, 1, most_steps, whole=True)
    guidance = number("guidance", settings.guidance_scale, 0, MAX_GUIDANCE)
    return TurnRequest(
        reader_text=text,
        reader_image=image,
        notes=notes,
        complete_text=not (keep_words and text),
        sampling=Sampling(
            temperature=generation.temperature if temperature is None else temperature,
            top_p=generation.top_p if top_p is None else top_p,
            top_k=generation.top_k if top_k is None else int(top_k),
            repetition_penalty=generation.repetition_penalty if penalty is None else penalty,
            no_repeat_ngram_size=generation.no_repeat_ngram_size,
            no_repeat_sentences=generation.no_repeat_sentences,
            seed=new_seed() if seed is None else int(seed),
        ),
        image_seed=new_seed() if seed is None else int(seed),
        num_inference_steps=None if steps is None else int(steps),
        guidance_scale=guidance,
        any_seed=seed is None,
    )


def number(
    name: str, value: Any, lowest: float, highest: float, *, whole: bool = False
) -> float | None:
    """Read a number, or None where nothing was given.

    Raises:
        InputError: It is no number, or out of range.
    """
    if value is None or value == "":
        return None
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        found = math.nan
    if isinstance(value, bool) or not math.isfinite(found) or (whole and found != int(found)):
        kind = "a whole number" if whole else "a number"
        raise InputError(f"{name} is {str(value)[:30]!r}; it must be {kind}.")
    if not lowest <= found <= highest:
        raise InputError(f"{name} is {found:g}; it must be from {lowest:g} to {highest:g}.")
    return found
