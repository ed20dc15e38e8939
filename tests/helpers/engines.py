"""Engines that differ from the shared one in a number or in their words."""

from __future__ import annotations

from seedstory_core.config import with_setting
from seedstory_core.engine import StoryEngine
from seedstory_core.generation.typed import Lexicon


def engine_with(
    engine: StoryEngine, setting: str, value: object, lexicon: Lexicon | None = None
) -> StoryEngine:
    """The same models in an engine of their own, with one setting exchanged."""

    def build() -> StoryEngine:
        return StoryEngine(
            with_setting(engine.config, setting, value),
            engine.tokenizer,
            engine.vision,
            engine.story_lm,
            engine.detokenizer,
            engine.preview,
            lexicon=lexicon or engine.lexicon,
            fingerprint=engine.fingerprint,
        )

    return engine.run(build)
