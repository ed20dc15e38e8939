"""When memory runs out, caches make room, and what was asked for is tried once more."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from seedstory_core.config import PROJECT_ROOT, load_config
from seedstory_core.engine import StoryEngine, TurnRequest
from seedstory_core.errors import DeviceFullError
from seedstory_core.generation.kv import KVSegment
from seedstory_core.generation.sampling import Sampling
from seedstory_core.session import PanelAdded, SessionStore, StorySession
from seedstory_core.session.room import is_out_of_memory
from seedstory_core.story.archive import StoryArchive
from seedstory_core.story.tree import Panel
from seedstory_core.weights.memory_estimate import advise
from tests.helpers.engines import engine_with

ERRORS: tuple[Exception, ...] = (
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
    MemoryError(),
    RuntimeError("[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate memory"),
)


def request(seed: int, text: str = "", **options: Any) -> TurnRequest:
    return TurnRequest(
        text, sampling=Sampling(seed=seed), image_seed=seed, num_inference_steps=2, **options
    )


def three(session: StorySession) -> Iterator[Any]:
    asked = [request(seed, any_seed=True) for seed in (4, 5, 6)]
    return (event for _, event in session.alternatives("p2", asked))


CHANGES: dict[str, Callable[[StorySession], Iterator[Any]]] = {
    "turn": lambda session: session.turn("p2", request(3)),
    "alternatives": three,
    "rewrite": lambda session: session.rewrite("p2", "Then it rained."),
    "redraw": lambda session: session.redraw("p2", request(9)),
    "replace_image": lambda s: s.replace_image("p2", Image.new("RGB", (64, 64), "teal")),
}


class Scarce:
    """Memory that runs out in the next `left` passes of the models."""

    def __init__(self, engine: StoryEngine) -> None:
        self.left = 0
        self.error: Exception = ERRORS[0]
        models = (engine.story_lm.decoder, engine.detokenizer.unet)
        self.handles = [model.register_forward_pre_hook(self.run_out) for model in models]

    def run_out(self, *_: Any) -> None:
        if self.left:
            self.left -= 1
            raise self.error


@pytest.fixture
def scarce(small_engine: StoryEngine) -> Iterator[Scarce]:
    scarce = Scarce(small_engine)
    yield scarce
    for handle in scarce.handles:
        handle.remove()


@pytest.fixture
def emptied(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    times: list[int] = []
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: times.append(1))
    return times


@pytest.fixture
def small_store(small_engine: StoryEngine, tmp_path: Path) -> SessionStore:
    return SessionStore(small_engine, StoryArchive(str(tmp_path / "stories")))


def begin(store: SessionStore) -> StorySession:
    session = store.create()
    list(session.turn(None, request(1, "Mira the fox waves.")))
    list(session.turn("p1", request(2)))
    return session


def panels_of(events: Iterator[Any]) -> list[Any]:
    added = [event for event in events if isinstance(event, PanelAdded)]
    return [(one.panel.text, one.panel.token_ids, one.image.tobytes()) for one in added]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("change", CHANGES)
def test_what_was_asked_for_is_tried_once_more(
    small_store: SessionStore, scarce: Scarce, emptied: list[int], change: str, error: Exception
) -> None:
    session, twin, other = begin(small_store), begin(small_store), begin(small_store)
    expected = panels_of(CHANGES[change](twin))
    assert len(other.memory) == 2
    # A batch that fails is tried one by one, before the whole turn is.
    scarce.left, scarce.error = (2 if change == "alternatives" else 1), error
    assert panels_of(CHANGES[change](session)) == expected
    assert (scarce.left, len(emptied)) == (0, 1)
    # All stories made room, and each goes on.
    assert len(other.memory) == 0 and other.memory.context is None
    assert session.archive.load(session.story_id).tree.panels == session.tree.panels
    assert len(panels_of(other.turn("p2", request(3)))) == 1


@pytest.mark.parametrize("change", CHANGES)
def test_if_that_fails_too_switches_are_named_and_the_next_turn_works(
    small_engine: StoryEngine, tmp_path: Path, scarce: Scarce, emptied: list[int], change: str
) -> None:
    engine = engine_with(small_engine, "runtime.memory_pool_bytes", 8 * 2**30)
    session = begin(SessionStore(engine, StoryArchive(str(tmp_path / "stories"))))
    before = session.tree.panels
    scarce.left = 1000
    with pytest.raises(DeviceFullError, match=r"as it was\. Start the studio with runtime\."):
        list(CHANGES[change](session))
    assert session.tree.panels == before
    assert session.archive.load(session.story_id).tree.panels == before
    assert len(emptied) == 2 and len(session.memory) == 0
    scarce.left = 0
    assert panels_of(CHANGES[change](session))


def test_a_saved_panel_is_not_told_twice(
    small_store: SessionStore, emptied: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    session = begin(small_store)

    def keep(panel_id: str, segment: KVSegment) -> None:
        raise ERRORS[0]

    with monkeypatch.context() as patch:
        patch.setattr(session.memory, "keep", keep)
        assert len(panels_of(session.turn("p2", request(3)))) == 1
    assert [panel.id for panel in session.tree.panels] == ["p1", "p2", "p3"]
    assert len(panels_of(session.turn("p3", request(4)))) == 1


def test_alternatives_that_memory_interrupts_while_they_are_saved_are_saved_once(
    small_store: SessionStore, emptied: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    session = begin(small_store)
    append, left = session.archive.append, [1]

    def full(story_id: str, panel: Panel, image: Image.Image) -> Panel:
        if left and panel.id == "p4":
            left.pop()
            raise MemoryError
        return append(story_id, panel, image)

    monkeypatch.setattr(session.archive, "append", full)
    assert len(panels_of(three(session))) == 3
    assert len(session.tree) == len(session.archive.load(session.story_id).tree) == 5


@pytest.mark.parametrize("is_forgotten", [False, True])
def test_a_prefetch_gives_up_quietly(
    small_store: SessionStore,
    scarce: Scarce,
    caplog: pytest.LogCaptureFixture,
    is_forgotten: bool,
) -> None:
    session, asked = begin(small_store), request(3, any_seed=True)
    if is_forgotten:
        session.memory.drop()  # so that the panels have to be read again before
    scarce.left = 1000
    with caplog.at_level(logging.INFO):
        if is_forgotten:
            with pytest.raises(DeviceFullError, match="no page is written ahead"):
                session.prefetch("p2", asked)
        else:
            session.prefetch("p2", asked).join(60)
            assert "No panel is prefetched, as memory ran out." in caplog.messages
    assert all(record.levelno < logging.WARNING for record in caplog.records)
    scarce.left = 0
    assert len(panels_of(session.turn("p2", asked))) == 1


def test_other_failures_are_not_tried_again(
    small_store: SessionStore, scarce: Scarce, emptied: list[int]
) -> None:
    session = begin(small_store)
    scarce.left, scarce.error = 1, RuntimeError("shapes do not match")
    with pytest.raises(RuntimeError, match="shapes"):
        list(session.turn("p2", request(3)))
    assert not emptied and len(session.memory) == 2


def test_what_torch_really_raises_is_known() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(1 << 60)
    assert is_out_of_memory(caught.value)
    assert not is_out_of_memory(ValueError("DefaultCPUAllocator"))


def test_the_advice_is_the_first_that_helps() -> None:
    config = load_config(PROJECT_ROOT / "configs" / "seed_story_7b.yaml")
    tiles, pool = "detokenizer.vae.tile_size=512", "runtime.memory_pool_bytes=1610612736"
    sentence = "it then needs about 28.6 GB instead of 38.5."
    gpu = torch.device("cuda")
    assert advise(config, gpu) == f"Start the studio with {tiles} {pool}: {sentence}"
    least = dataclasses.replace(
        config, runtime=dataclasses.replace(config.runtime, offload=["vision", "detokenizer"])
    )
    assert "offload" not in advise(least, torch.device("cpu"))
