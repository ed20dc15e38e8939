"""Checks the values that a page or a program sends and makes a `TurnRequest` of them.

Values arrive as a browser or a client sends them: missing, as text, or not finite.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from PIL import Image

from seedstory_core.config import DeTokenizerConfig, SamplingConfig, StudioConfig
from seedstory_core.config.fields import Setting, settings_of
from seedstory_core.engine import TurnRequest
from seedstory_core.errors import InputError
from seedstory_core.generation.sampling import Sampling, new_seed
from seedstory_core.story.upload import check_text

MAX_ALTERNATIVES = 4
MAX_SEED = 2**63 - 1
"""Highest seed: other programs have them up to 2**32 or beyond, and torch takes them all."""
ANY_SEED = -1
"""Stands for a new seed, as in other programs."""
FIRST = ("temperature", "top_p", "seed", "steps", "guidance")
"""The first knobs, in the order that API clients rely on; new ones follow by name."""


@dataclass(frozen=True)
class Knob:
    """A setting that a reader may change for one turn.

    Attributes:
        key: Name in the API.
        field: Name of the field in its section of the configuration.
        section: Section of the configuration; empty for the seed, which is new for every turn.
        setting: Label, range and meaning.
        is_whole: Whether only whole numbers are possible.
    """

    key: str
    field: str
    section: str
    setting: Setting
    is_whole: bool

    def default(self, config: StudioConfig) -> Any:
        """Return the configured value; None for the seed."""
        return getattr(getattr(config, self.section), self.field) if self.section else None


def _knobs() -> dict[str, Knob]:
    meaning = "The same number tells the same page again; -1 or nothing is a new one."
    found = [Knob("seed", "seed", "", Setting(0, MAX_SEED, label="Seed", meaning=meaning), True)]
    for section, kind in (("sampling", SamplingConfig), ("detokenizer", DeTokenizerConfig)):
        is_whole = {item.name: item.type == "int" for item in dataclasses.fields(kind)}
        found += [
            Knob(one.key or name, name, section, one, is_whole[name])
            for name, one in settings_of(kind).items()
            if one.label
        ]
    found.sort(key=lambda knob: (*FIRST, knob.key).index(knob.key))
    return {knob.key: knob for knob in found}


KNOBS = _knobs()
"""All knobs by API name: the seed and every labelled setting of `sampling` and `detokenizer`."""


def make_request(
    config: StudioConfig,
    *,
    text: str = "",
    image: Image.Image | None = None,
    notes: tuple[str, ...] = (),
    keep_words: bool = False,
    knobs: Mapping[str, Any] | None = None,
    hint: str = "",
) -> TurnRequest:
    """Build the request for one turn.

    Args:
        config: The running engine's configuration, for the values that are not given.
        text: The reader's words; if blank, the model begins the caption.
        image: The reader's image, already checked.
        notes: Notes of that check for the reader.
        keep_words: Whether the words are the whole caption, so that the model adds none.
        knobs: Values by API name; None takes the configured value, and for the seed a new one.
        hint: The reader's wish for what happens, which is no part of the caption.

    Raises:
        InputError: The text or a number cannot be used.
    """
    has_text = bool(text and text.strip())
    text = check_text(text, latin_only=config.tokenizer.latin_only) if has_text else ""
    if hint and hint.strip():
        if not config.generation.answers_wishes:
            raise InputError("This storyteller cannot be given hints. Write a line of your own.")
        hint = check_text(hint, latin_only=config.tokenizer.latin_only)
    asked: dict[str, dict[str, Any]] = {"sampling": {}, "detokenizer": {}, "": {}}
    for key, value in (knobs or {}).items():
        knob = KNOBS[key]
        if key == "seed" and str(value).strip() in (str(ANY_SEED), f"{ANY_SEED}.0"):
            continue
        # The configured value is always allowed, even beyond the reader's range.
        highest = max(knob.setting.highest, knob.default(config) or 0)
        found = read_number(key, value, knob.setting.lowest, highest, whole=knob.is_whole)
        if found is not None:
            asked[knob.section][knob.field] = int(found) if knob.is_whole else found
    seed = asked[""].get("seed")
    return TurnRequest(
        reader_text=text,
        reader_image=image,
        notes=notes,
        complete_text=not (keep_words and text),
        sampling=Sampling.of(
            config.sampling, new_seed() if seed is None else seed, **asked["sampling"]
        ),
        image_seed=new_seed() if seed is None else seed,
        any_seed=seed is None,
        hint=hint.strip(),
        **asked["detokenizer"],
    )


def read_number(
    name: str, value: Any, lowest: float, highest: float, *, whole: bool = False
) -> float | None:
    """Read a number; None or an empty text is None.

    Raises:
        InputError: It is not a number, not whole although it should be, or out of range.
    """
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    found: float
    try:
        found = _whole(value) if whole else float(value)
    except (TypeError, ValueError, OverflowError):
        found = math.nan
    if isinstance(value, bool) or not math.isfinite(found) or (whole and found != int(found)):
        kind = "a whole number" if whole else "a number"
        raise InputError(f"{name} is {str(value)[:30]!r}; it must be {kind}.")
    if not lowest <= found <= highest:
        raise InputError(f"{name} is {found:g}; it must be from {lowest:g} to {highest:g}.")
    return found


def _whole(value: Any) -> float:
    """Return a number, to the last digit if it is whole; a float has only 15."""
    if isinstance(value, str):
        try:
            value = int(value)
        except ValueError:
            return float(value)
    nearest = float(value)
    return value if isinstance(value, int) else nearest
