"""Who comes in: what the model expects where a held-out story brings somebody new.

True captions and true pictures are read, up to the first token of the newcomer's mention. There
the probability that falls on anybody is shared out: to the hero, to others who are there already,
and to those who may come. Anything but the last makes somebody meet himself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor

from seedstory_core.data.draw import render_image
from seedstory_core.data.introductions import first_tokens, introductions
from seedstory_core.data.stories import tell
from seedstory_core.engine import StoryEngine
from seedstory_core.evaluation.telling import read_context
from seedstory_core.generation import decode
from seedstory_core.generation.kv import KVSegment, assemble


@dataclass(frozen=True)
class Expected:
    """Probabilities at one introduction, together 1.

    Attributes:
        hero: Of the one who was there first.
        present: Of others who are there already.
        strangers: Of everybody else.
        num_present: How many are there already.
    """

    hero: float
    present: float
    strangers: float
    num_present: int


@torch.no_grad()
def expected_newcomers(engine: StoryEngine, count: int) -> list[Expected]:
    """What the model expects at every introduction of `count` stories."""
    found = []
    beginnings = first_tokens(engine.tokenizer)
    size = engine.config.detokenizer.image_size
    for number in range(count):
        panels = tell(number, "test", reader_share=0.0).panels
        past = read_context(engine, panels, [render_image(panel.scene, size) for panel in panels])
        for panel, entries in enumerate(introductions([panel.text for panel in panels])):
            for place, present in entries:
                text = panels[panel].text
                before = past.segments[:panel]
                scores = engine.run(partial(_scores, engine, before, text, place.start))
                found.append(_shared_out(scores.softmax(-1), beginnings, present))
    return found


def describe(found: Sequence[Expected]) -> list[str]:
    """One line about those who come to one who is there, one about those who come to several."""
    lines = []
    for said, some in (
        ("to the hero alone", [one for one in found if one.num_present == 1]),
        ("to the hero and others", [one for one in found if one.num_present > 1]),
    ):
        if not some:
            continue
        hero, present, strangers = (
            100 * float(np.mean([getattr(one, name) for one in some]))
            for name in ("hero", "present", "strangers")
        )
        lines.append(
            f"at {len(some)} introductions {said} the hero has {hero:.1f} % of the probability "
            f"that falls on anybody, the others {present:.1f} %, strangers {strangers:.1f} %"
        )
    return lines


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
    probabilities: Tensor, beginnings: dict[str, tuple[int, ...]], present: Sequence[str]
) -> Expected:
    mass = {species: float(probabilities[list(ids)].sum()) for species, ids in beginnings.items()}
    total, hero = sum(mass.values()), mass[present[0]]
    others = sum(mass[species] for species in present[1:])
    strangers = (total - hero - others) / total
    return Expected(hero / total, others / total, strangers, len(present))
