"""Who comes in: what the model expects where a held-out story brings somebody new.

True captions and true pictures are read, up to the first token of the newcomer's mention. There
the probability that falls on anybody is shared out: to the hero, to others who are there already,
and to those who may come. Anything but the last makes somebody meet himself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from seedstory_core.data.draw import render_image
from seedstory_core.data.introductions import first_mentions
from seedstory_core.data.stories import tell
from seedstory_core.data.world import CHARACTERS
from seedstory_core.engine import StoryEngine
from seedstory_core.evaluation.telling import read_context
from seedstory_core.generation import decode
from seedstory_core.generation.kv import KVSegment, assemble
from seedstory_core.generation.tokens import StoryTokenizer


@dataclass(frozen=True)
class Expected:
    """Probabilities at one introduction, together 1."""

    hero: float
    present: float
    strangers: float


@torch.no_grad()
def expected_newcomers(engine: StoryEngine, count: int) -> list[Expected]:
    """What the model expects at every introduction within the window of `count` stories."""
    found = []
    beginnings = _first_tokens(engine.tokenizer)
    size = engine.config.detokenizer.image_size
    for number in range(count):
        story = tell(number, "test", reader_share=0.0)
        panels = story.panels[: engine.config.generation.window_panels]
        past = read_context(engine, panels, [render_image(panel.scene, size) for panel in panels])
        present: list[str] = []
        for panel, new in enumerate(first_mentions([panel.text for panel in panels])):
            for place, character in new:
                if present:
                    text = panels[panel].text
                    scores = _scores(engine, past.segments[:panel], text, place.start)
                    found.append(_shared_out(scores.softmax(-1), beginnings, present))
                present.append(character.species)
    return found


def describe(found: Sequence[Expected]) -> str:
    """One line about all introductions."""
    hero, present, strangers = (
        100 * float(np.mean([getattr(one, name) for one in found]))
        for name in ("hero", "present", "strangers")
    )
    return (
        f"at {len(found)} introductions the hero has {hero:.1f} % of the probability that falls on "
        f"anybody, others who are there already {present:.1f} %, strangers {strangers:.1f} %"
    )


def _scores(engine: StoryEngine, past: tuple[KVSegment, ...], caption: str, start: int) -> Tensor:
    """Scores `[vocab]` of the token that spells a caption's character number `start`."""
    ids = engine.tokenizer.encode_text(caption)
    count = next(
        count
        for count in range(len(ids))
        if len(engine.tokenizer.decode_text(ids[: count + 1])) > start
    )
    given = [*(() if past else (engine.tokenizer.bos_id,)), *ids[:count]]
    if not given:
        return past[-1].next_scores.cpu()
    context = assemble(engine.story_lm.decoder, past, engine.rule, room=len(given))
    return decode.read_text(engine.story_lm, context, given).cpu()


def _shared_out(
    probabilities: Tensor, beginnings: dict[str, list[int]], present: Sequence[str]
) -> Expected:
    mass = {species: float(probabilities[ids].sum()) for species, ids in beginnings.items()}
    total, hero = sum(mass.values()), mass[present[0]]
    others = sum(mass[species] for species in present[1:])
    return Expected(hero / total, others / total, (total - hero - others) / total)


def _first_tokens(tokenizer: StoryTokenizer) -> dict[str, list[int]]:
    """The tokens with which a mention of each species may begin: name, manner, kind."""
    return {
        species: sorted(
            {
                tokenizer.encode_text(word)[0]
                for word in (character.name, character.manner, character.species)
            }
        )
        for species, character in CHARACTERS.items()
    }
