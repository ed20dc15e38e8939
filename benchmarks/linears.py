"""Linear layers as trained and packed, by rows: one token, those of several stories, a panel."""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence

import torch
from torch import nn

from benchmarks.report import Report, Series, machine
from seedstory_core.models.packed import PackedLinear, can_pack

ROWS = (1, 2, 4, 8, 64, 1024)
INNER, WIDTH = 2048, 768
NUM_LAYERS = 32
"""Layers that run one after the other, so that the processor's cache cannot hold their weights."""


@torch.no_grad()
def measure(rounds: int) -> Report:
    """Measure the MLP matrix of the 130m language model, as trained and packed."""
    report = Report(
        "cpu", machine(torch.device("cpu")), f"linear layers of {WIDTH} x {INNER}, float32"
    )
    times = Series("Time per layer", "ms", "rows")
    report.series["time"] = times
    if not can_pack(torch.float32):
        report.lines.append("this build of torch packs no weights")
        return report
    layers = [nn.Linear(WIDTH, INNER, bias=False) for _ in range(NUM_LAYERS)]
    kinds: dict[str, Sequence[nn.Module]] = {
        "as trained": layers,
        "packed": [PackedLinear(layer) for layer in layers],
    }
    for rows in ROWS:
        given = torch.randn(rows, WIDTH)
        found: dict[str, list[float]] = {name: [] for name in kinds}
        for _, (name, kind) in itertools.product(range(rounds + 1), kinds.items()):
            started = time.perf_counter()
            for layer in kind:
                layer(given)
            found[name].append(1e3 * (time.perf_counter() - started) / NUM_LAYERS)
        for name, values in found.items():
            times.add(name, rows, values[1:])  # the first round warms up
    ratios = ", ".join(
        f"{times.median('as trained', rows) / times.median('packed', rows):.2f} at {rows}"
        for rows in ROWS
    )
    report.lines.append(f"packed, a layer is so many times faster: {ratios} rows")
    return report
