"""Whom the model expects where a held-out story names another character.

The model reads true captions and images up to the first token of a mention: of a character new to
the story, or of the second one in a sentence. Reported is how the probability of all characters is
divided there. Probability of those who must not be meant is an error: a character would meet
itself, or be named twice as if it were two.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor

from seedstory_core.data.draw import render_image
from seedstory_core.data.introductions import first_tokens, introductions, partners
from seedstory_core.data.stories import tell
from seedstory_core.engine import StoryEngine
from seedstory_core.evaluation.telling import read_context
from seedstory_core.generation import decode
from seedstory_core.generation.kv import KVSegment, assemble


@dataclass(frozen=True)
class Expected:
    """Probabilities at one mention; they sum to 1.

    Attributes:
        hero: Of the first character of the story or the sentence.
        present: Of the others who are there already and must not be meant.
        strangers: Of everybody else.
        num_present: Number of characters who must not be meant.
        is_partner: Whether the mention is the second one of a sentence, and no newcomer.
    """

    hero: float
    present: float
    strangers: float
    num_present: int
    is_partner: bool


@torch.no_grad()
def expected_newcomers(engine: StoryEngine, count: int) -> list[Expected]:
    """Return the probabilities at every introduction and every pair of `count` stories."""
    found = []
    beginnings = first_tokens(engine.tokenizer)
    size = engine.config.detokenizer.image_size
    for number in range(count):
        panels = tell(number, "test", reader_share=0.0).panels
        past = read_context(engine, panels, [render_image(panel.scene, size) for panel in panels])
        captions = [panel.text for panel in panels]
        for panel, entries in enumerate(introductions(captions)):
            new = {place.start for place, _ in entries}
            pairs = [pair for pair in partners(captions[panel]) if pair[0].start not in new]
            for place, wrong in (*entries, *pairs):
                before = past.segments[:panel]
                score = partial(_scores, engine, before, captions[panel], place.start)
                probabilities = engine.run(score).softmax(-1)
                shares = _shared_out(probabilities, beginnings, wrong, place.start not in new)
                found.append(shares)
    return found


def describe(found: Sequence[Expected]) -> list[str]:
    """Return lines on introductions to one character, to several, and on pairs."""
    lines = []
    newcomers = [one for one in found if not one.is_partner]
    for said, some in (
        ("to the hero alone", [one for one in newcomers if one.num_present == 1]),
        ("to the hero and others", [one for one in newcomers if one.num_present > 1]),
    ):
        if not some:
            continue
        hero, present, strangers = (_mean(some, name) for name in ("hero", "present", "strangers"))
        lines.append(
            f"at {len(some)} introductions {said} the hero has {hero:.1f} % of the probability "
            f"that falls on anybody, the others {present:.1f} %, strangers {strangers:.1f} %"
        )
    pairs = [one for one in found if one.is_partner]
    if pairs:
        lines.append(
            f"where {len(pairs)} sentences name a second one, the first has "
            f"{_mean(pairs, 'hero'):.1f} %"
        )
    return lines


def _mean(some: Sequence[Expected], name: str) -> float:
    return 100 * float(np.mean([getattr(one, name) for one in some]))


def _scores(engine: StoryEngine, past: tuple[KVSegment, ...], caption: str, start: int) -> Tensor:
    """Return scores `[vocab]` of the token with the character at index `start` of a caption."""
    ids = engine.tokenizer.encode_text(caption)
    count = next(
        count
        for count in range(len(ids))
        if len(engine.tokenizer.decode_text(ids[: count + 1])) > start
    )
    given = [*(() if past else (engine.tokenizer.bos_id,)), *ids[:count]]
    if not given:
        scores = past[-1].next_scores
        assert scores is not None  # the segments are whole
        return scores.cpu()
    context = assemble(engine.story_lm.decoder, past, engine.policy, room=len(given))
    return decode.read_text(engine.story_lm, context, given).cpu()


def _shared_out(
    probabilities: Tensor,
    beginnings: dict[str, tuple[int, ...]],
    present: Sequence[str],
    is_partner: bool,
) -> Expected:
    mass = {species: float(probabilities[list(ids)].sum()) for species, ids in beginnings.items()}
    total, hero = sum(mass.values()), mass[present[0]]
    others = sum(mass[species] for species in present[1:])
    strangers = (total - hero - others) / total
    return Expected(hero / total, others / total, strangers, len(present), is_partner)
