"""A long story under every memory policy: rows in view, time per turn, bytes in memory."""

from __future__ import annotations

import time

from benchmarks.report import Report, Series, machine
from benchmarks.studio import OPENING
from seedstory_core.engine import TurnRequest
from seedstory_core.generation.kv import kept_pieces
from seedstory_core.generation.policies import POLICIES
from seedstory_core.generation.sampling import Sampling
from seedstory_core.session import SessionStore

NUM_PANELS = 100
EVERY = 5


def measure(store: SessionStore, num_panels: int = NUM_PANELS) -> Report:
    """Make one story of `num_panels` panels per policy, with images of one denoising step."""
    engine = store.engine
    report = Report("tiny", machine(engine.story_lm.device), f"a story of {num_panels} panels")
    rows = Series("Rows in view of the language model", "rows", "panel")
    seconds = Series("Time per turn without painting", "s", "panel")
    kept = Series("Memory of the story", "MiB", "panel")
    report.series = {"rows": rows, "seconds": seconds, "kept": kept}
    for policy in POLICIES:
        session = store.create()
        session.set_policy(policy)
        name = policy.replace("_", " ")
        took: list[float] = []
        for number in range(1, num_panels + 1):
            newest = session.tree.newest
            request = TurnRequest(
                reader_text="" if newest else OPENING,
                sampling=Sampling(seed=number),
                image_seed=number,
                num_inference_steps=1,
            )
            started = time.perf_counter()
            for _ in session.turn(newest.id if newest else None, request):
                pass
            took.append(time.perf_counter() - started)
            if number == 1 or number % EVERY == 0:
                path = [panel.id for panel in session.tree]
                segments = [s for s in session.memory.find(path) if s is not None]
                pieces = kept_pieces(segments, session.policy)
                rows.add(name, number, [float(sum(len(piece) for _, piece in pieces))])
                seconds.add(name, number, took[-EVERY:])
                kept.add(name, number, [session.memory.num_bytes / 2**20])
        report.lines.append(
            f"{name}: {num_panels} panels told, at most "
            f"{max(values[0] for values in rows.values[name].values()):.0f} rows in view, "
            f"{max(values[0] for values in kept.values[name].values()):.0f} MiB kept"
        )
    return report
