"""The language model's part of a turn: session memory compared with the released schedule."""

from __future__ import annotations

import statistics
from functools import partial

import torch

from benchmarks import schedules
from benchmarks.report import Report, Series, machine, spread
from benchmarks.schedules import Bench
from seedstory_core.config import StudioConfig
from seedstory_core.engine import StoryEngine
from seedstory_core.generation.kv import KVSegment
from seedstory_core.generation.policies import MemoryPolicy
from seedstory_core.models.packed import num_weights, pack_linears

SIZES = ("tiny", "130m", "7b")
PANELS = (2, 5, 10, 15, 20, 25, 50, 100)
LAST_WHOLE = 25
"""Last panel at which whole stories are encoded; later ones would take minutes."""
QUERIES_TO_PANEL = 25
TRAINED_PANELS = 10
"""Panels whose number of rows is the cap's, like the tiny model's default."""


def bench_of(size: str, engine: StoryEngine, device: torch.device) -> tuple[str, Bench]:
    """Return a model by its name, ready to be measured."""
    if size == "tiny":
        vision: StudioConfig = engine.config
        bench = Bench(
            engine.story_lm,
            engine.marks,
            num_features=vision.vision.n_queries,
            width=vision.vision.output_dim,
        )
        return size, bench
    if size == "130m":
        bench = schedules.published_sizes(768, layers=12, heads=12, inner=2048)
    else:
        bench = schedules.published_sizes(4096, layers=32, heads=32, inner=11008)
        bench.model.to(torch.bfloat16)
    bench.model.to(device)
    if device.type == "cpu":
        pack_linears(bench.model)
    return size, bench


def measure(sized: tuple[str, Bench], rounds: int) -> Report:
    """Measure turns at every panel of `PANELS`; branch, queries and replay at one of them."""
    size, bench = sized
    weights = num_weights(bench.model.llm) / 1e6
    name = f"{size}: Llama of {weights:.0f} M weights, {len(bench.marks.queries)} image queries"
    report = Report(size, machine(bench.model.device), name)
    panel_rows = len(bench.marks.queries) + schedules.CAPTION_TOKENS + 2 + len(bench.separator)
    rows = TRAINED_PANELS * panel_rows
    policy = MemoryPolicy(policy="capped_multimodal_attention_sink", max_rows=rows)
    turns = Series("Language model's time per turn", "s", "panel")
    waits = Series("Wait for the first word", "s", "panel")
    passes = Series("Passes through the decoder per turn", "passes", "panel")
    tokens = Series("Rows through the decoder per turn", "rows", "panel")
    report.series = {"turn": turns, "first": waits, "passes": passes, "tokens": tokens}
    for panel in PANELS:
        segments, context = bench.segments(panel, policy)
        measures = {
            "session memory": partial(schedules.ours, bench, segments, context, policy),
            "released window": partial(schedules.released, bench, panel, policy.window_panels),
        }
        if panel <= LAST_WHOLE:
            measures["whole story"] = partial(schedules.released, bench, panel, None)
        for line, found in schedules.interleaved(rounds, measures).items():
            turns.add(line, panel, [turn.seconds for turn in found])
            waits.add(line, panel, [turn.first_seconds for turn in found])
            passes.add(line, panel, [found[0].num_forwards])
            tokens.add(line, panel, [found[0].num_tokens])
        if panel == QUERIES_TO_PANEL:
            report.lines += _at_panel(bench, segments, policy, rounds)
    mine = {panel: turns.median("session memory", panel) for panel in PANELS}
    at = QUERIES_TO_PANEL
    report.lines += [
        f"turn at panel {at}: {turns.median('whole story', at) / mine[at]:.1f} times less than "
        f"encoding the whole story anew, {turns.median('released window', at) / mine[at]:.1f} "
        "times less than the released window",
        f"turn at panel 100: {mine[100] / mine[10]:.2f} times that at panel 10",
    ]
    return report


def _at_panel(
    bench: Bench, segments: list[KVSegment], policy: MemoryPolicy, rounds: int
) -> list[str]:
    context = bench.assemble(segments, policy)
    queries = [schedules.image_queries(bench, context) for _ in range(rounds)]
    branches = [schedules.branch(bench, segments, policy) for _ in range(rounds)]
    replays = [schedules.replay(bench, segments, policy) for _ in range(rounds)]
    once, singly = (statistics.median(times) for times in zip(*queries, strict=True))
    ready, anew = (statistics.median(times) for times in zip(*branches, strict=True))
    panel, story = segments[-1].num_bytes, sum(segment.num_bytes for segment in segments)
    return [
        f"image queries at panel {len(segments)}: {singly / once:.1f} times faster in one pass "
        f"({once:.3g} s, one by one {singly:.3g} s)",
        f"a new branch at panel {len(segments)}: ready in {1e3 * ready:.3g} ms, "
        f"{anew / ready:.0f} times faster than encoding its story anew ({anew:.3g} s)",
        f"memory of a branch: its own panels, {panel / 2**20:.2f} MiB each; a copy of the story "
        f"would be {story / 2**20:.0f} MiB, {story / panel:.0f} times a panel",
        f"stories of {len(segments)} panels per GiB: {2**30 / story:.1f}",
        f"reading a story of {len(segments)} panels again: {spread(replays)} s",
    ]
