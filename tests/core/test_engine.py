"""The engine's handling of words; turns themselves are tested with the session."""

from __future__ import annotations

import functools
import itertools
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from seedstory_core.config import PROJECT_ROOT, StudioConfig
from seedstory_core.engine import Past, StoryEngine, TextDelta, TurnRequest, TurnResult
from seedstory_core.engine.engine import _join
from seedstory_core.generation import decode
from seedstory_core.generation.sampler import Sampler
from seedstory_core.generation.sampling import Sampling
from tests.helpers.engines import engine_with


@pytest.mark.parametrize(
    ("reader_text", "written", "text"),
    [
        ("", "Mira waits.", "Mira waits."),
        ("then it rains", ". Mira laughs.", "then it rains. Mira laughs."),
        ("Then it rains.", " Mira laughs.", "Then it rains. Mira laughs."),
        ("Mira and a drag", "on dance", "Mira and a dragon dance"),
        ("I typed <b>", " and it <s>stays", "I typed <b> and it stays"),
        ("Only mine.", "", "Only mine."),
    ],
)
def test_the_models_words_follow_the_readers_as_it_spaced_them(
    reader_text: str, written: str, text: str
) -> None:
    assert _join(reader_text, written) == text


def in_a_process(script: str, config: StudioConfig) -> subprocess.CompletedProcess[str]:
    """Run a script with the configuration's weights as its arguments."""
    settings = [
        f"runtime.weights_folder={config.runtime.weights_folder}",
        f"tokenizer.folder={config.tokenizer.folder}",
    ]
    return subprocess.run(
        [sys.executable, "-c", script, *settings],
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.mark.skipif(
    not Path("/proc/self/task").exists(), reason="counts threads as Linux lists them"
)
def test_only_the_scheduler_keeps_helpers_for_computing(tiny_config: StudioConfig) -> None:
    # A second set of helpers would make every operation slower than one thread alone.
    script = """
import os, sys, time
import torch
from seedstory_core.engine.build import build_engine
from seedstory_core.config import load_config
from seedstory_core.engine import Past, TurnRequest
torch.set_num_threads(2)
def native():
    return len(os.listdir("/proc/self/task"))
before = native()
engine = build_engine(load_config(None, sys.argv[1:]))
for _ in engine.turn(Past(), TurnRequest(reader_text="Mira the fox waves.", complete_text=False)):
    pass
deadline = time.monotonic() + 20
while native() > before and time.monotonic() < deadline:
    time.sleep(0.1)
print(native() - before)
"""
    done = in_a_process(script, tiny_config)
    assert done.stdout.split()[-1] == "0", done.stderr


def test_leaving_in_the_middle_of_a_turn_ends_the_process_cleanly(
    tiny_config: StudioConfig,
) -> None:
    script = """
import sys, threading
from seedstory_core.engine.build import build_engine
from seedstory_core.config import load_config
from seedstory_core.engine import Past, TurnRequest
engine = build_engine(load_config(None, sys.argv[1:]))
begun = threading.Event()
def tell():
    for _ in engine.turn(Past(), TurnRequest(reader_text="Mira waves.", num_inference_steps=500)):
        begun.set()
threading.Thread(target=tell, daemon=True).start()
begun.wait(60)
"""
    done = in_a_process(script, tiny_config)
    assert done.returncode == 0, done.stderr


class _Doubtful(Sampler):
    """Takes back, once, the last four of its first six tokens."""

    def take_back(self) -> int | None:
        place = self._num_given + 2
        if len(self._caption) < place + 4 or self._taken_back:
            return None
        self._taken_back[tuple(self._caption[:place])] = {self._caption[place]}
        del self._caption[place:]
        return place


@pytest.mark.parametrize(
    ("caption", "words", "asked", "used"),
    [
        ("Mira waved. The end.", "", 0.3, 0.9),
        ("Mira waved. The end.", "", 1.2, 1.2),
        ("Mira waved. The end.", "", 0.0, 0.0),
        ("Mira waved. The end.", "Otto sat down.", 0.3, 0.3),
        ("Mira waved.", "", 0.3, 0.3),
    ],
)
def test_after_a_tale_the_next_one_is_chosen_more_freely(
    tiny_engine: StoryEngine,
    monkeypatch: pytest.MonkeyPatch,
    caption: str,
    words: str,
    asked: float,
    used: float,
) -> None:
    seen: list[float] = []

    def sampler(sampling: Sampling, **given: Any) -> Sampler:
        seen.append(sampling.temperature)
        return Sampler(sampling, **given)

    monkeypatch.setattr("seedstory_core.engine.engine.Sampler", sampler)
    engine = engine_with(tiny_engine, "generation.next_tale_temperature", 0.9)
    told = TurnRequest(reader_text=caption, complete_text=False)
    end = None
    for event in engine.turn(Past(), told):
        end = event.past if isinstance(event, TurnResult) else end
    assert end is not None
    request = TurnRequest(reader_text=words, sampling=Sampling(temperature=asked))
    for _ in engine.turn(end, request):
        pass
    assert seen[-1] == used


def test_what_was_taken_back_leaves_no_trace_in_the_memory(
    tiny_engine: StoryEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("seedstory_core.engine.engine.Sampler", _Doubtful)
    words = "Mira the fox sat in the garden with a kite."
    texts, result = [], None
    request = TurnRequest(reader_text=words, sampling=Sampling(temperature=0.0))
    for event in tiny_engine.turn(Past(), request):
        if isinstance(event, TextDelta):
            texts.append(event.text)
        elif isinstance(event, TurnResult):
            result = event
    assert result is not None and texts[-1] == result.text
    assert any(len(after) < len(before) for before, after in itertools.pairwise(texts))
    caption = result.record.token_ids
    begin = tiny_engine._before_caption(Past())
    given = len(tiny_engine.encode_text(words))
    assert len(caption) > given + 4

    def best_after(ids: tuple[int, ...]) -> list[int]:
        context = tiny_engine._context(Past(), room=128)
        scores = decode.read_text(tiny_engine.story_lm, context, [*begin, *ids])
        scores[tiny_engine._forbidden_ids] = -torch.inf
        return scores.topk(2).indices.tolist()

    for index in range(given, len(caption)):
        best = tiny_engine.run(functools.partial(best_after, caption[:index]))
        assert caption[index] == best[int(index == given + 2)]
