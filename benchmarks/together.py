"""Several stories at once on one engine: panels per minute, text and images included.

With the tiny model, drawing takes most of a turn, and one image already keeps a core busy. A
language model of 130 M random weights, which writes 40 tokens per panel, mostly waits for its
weights; a batch reads them once for all stories.
"""

from __future__ import annotations

import dataclasses
import threading
import time

import torch

from benchmarks.report import Report, Series, machine
from benchmarks.schedules import CAPTION_TOKENS
from benchmarks.studio import OPENING
from seedstory_core.config import DecoderConfig
from seedstory_core.engine import StoryEngine, TurnRequest
from seedstory_core.generation.sampling import Sampling
from seedstory_core.models.packed import pack_linears
from seedstory_core.models.story_lm import StoryLM
from seedstory_core.session import SessionStore, StorySession

STORIES = (1, 2, 4, 8)
TURNS = 3


def with_larger_language(engine: StoryEngine) -> StoryEngine:
    """Return the same engine with a random language model of 130 M weights."""
    width = 768
    config = dataclasses.replace(
        engine.config,
        decoder=DecoderConfig(
            vocab_size=engine.config.decoder.vocab_size,
            hidden_size=width,
            intermediate_size=2048,
            num_hidden_layers=18,
            num_attention_heads=12,
            num_key_value_heads=12,
        ),
        input_resampler=dataclasses.replace(
            engine.config.input_resampler, embed_dim=width, num_heads=12
        ),
        output_resampler=dataclasses.replace(engine.config.output_resampler, kv_dim=width),
        generation=dataclasses.replace(engine.config.generation, max_new_tokens=CAPTION_TOKENS),
    )
    torch.manual_seed(0)
    model = StoryLM(config.decoder, config.input_resampler, config.output_resampler)
    model.to(engine.story_lm.device, engine.story_lm.dtype)
    if model.device.type == "cpu":
        pack_linears(model)
    return StoryEngine(
        config, engine.tokenizer, engine.vision, model, engine.detokenizer, engine.preview
    )


def measure(store: SessionStore, rounds: int, size: str = "tiny") -> Report:
    """Measure 1, 2, 4 and 8 stories at once, in batches of up to `runtime.max_turns`."""
    at_once = store.engine.config.runtime.turns_at_once
    report = Report(
        size,
        machine(store.engine.story_lm.device),
        f"{size} language model, the tiny painter, at most {at_once} in one batch",
    )
    speed = Series("Panels per minute, words and images", "1/min", "stories")
    report.series["speed"] = speed
    sessions = [begin(store, 5, 10) for _ in range(max(STORIES))]
    found: dict[int, list[float]] = {count: [] for count in STORIES}
    for number in range(rounds):
        for count in STORIES:
            found[count].append(panels_per_minute(sessions[:count], TURNS, 100 * number))
    for count, values in found.items():
        speed.add("together", count, values)
    alone = speed.median("together", 1)
    report.lines = [
        f"{count} stories at once: {speed.median('together', count) / alone:.2f} times the panels "
        "per minute of one"
        for count in STORIES[1:]
    ]
    return report


def begin(store: SessionStore, num_panels: int, seed: int) -> StorySession:
    """Return the session of a new story of `num_panels` panels."""
    session = store.create()
    parent = None
    for number in range(num_panels):
        request = TurnRequest(
            reader_text="" if parent else OPENING,
            sampling=Sampling(seed=seed + number),
            image_seed=seed + number,
            num_inference_steps=1,
        )
        for _ in session.turn(parent, request):
            pass
        newest = session.tree.newest
        assert newest is not None
        parent = newest.id
    return session


def panels_per_minute(sessions: list[StorySession], turns: int, seed: int) -> float:
    """Add `turns` branches after panel 5 of every story, all stories at once; return the speed."""

    def read(session: StorySession, first: int) -> None:
        for number in range(turns):
            wish = TurnRequest(sampling=Sampling(seed=first + number), image_seed=first + number)
            for _ in session.turn("p5", wish):
                pass

    threads = [
        # The same seeds for all, so that any number of stories has panels of the same length.
        threading.Thread(target=read, args=(session, seed))
        for session in sessions
    ]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return 60 * turns * len(sessions) / (time.perf_counter() - started)
