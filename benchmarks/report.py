"""Results of a benchmark as numbers, tables and plots."""

from __future__ import annotations

import json
import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch


@dataclass
class Series:
    """One measure at several places of an axis.

    Attributes:
        title: Name of the measure.
        unit: Unit of the values.
        along: Name of the axis, such as "panel".
        values: Single values by name of the line, then by place.
    """

    title: str
    unit: str
    along: str
    values: dict[str, dict[int, list[float]]] = field(default_factory=dict)

    def add(self, line: str, place: int, values: Sequence[float]) -> None:
        """Add the values of a line at a place."""
        self.values.setdefault(line, {})[place] = list(values)

    def median(self, line: str, place: int) -> float:
        """Return the median of a line at a place."""
        return statistics.median(self.values[line][place])

    def markdown(self) -> str:
        """Return a Markdown table of medians with ranges: a row per line, a column per place."""
        places = sorted({place for line in self.values.values() for place in line})
        head = " | ".join(f"{self.along} {place}" for place in places)
        rows = [f"| {self.title}, {self.unit} | {head} |", "|---" * (len(places) + 1) + "|"]
        for name, line in self.values.items():
            cells = [spread(line[place]) if place in line else "–" for place in places]
            rows.append(f"| {name} | {' | '.join(cells)} |")
        return "\n".join(rows)


def spread(values: Sequence[float]) -> str:
    """Return the median, and the range if there are several values."""
    middle = short(statistics.median(values))
    if len(values) < 2:
        return middle
    return f"{middle} ({short(min(values))}–{short(max(values))})"


def short(value: float) -> str:
    """Return a number with three significant digits, or as an integer from 100 on."""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


@dataclass
class Report:
    """Results of one part on one model."""

    key: str
    """Short name, for file names."""
    machine: str
    model: str
    series: dict[str, Series] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)

    def markdown(self) -> str:
        """Return model and machine, tables and lines as Markdown."""
        tables = [series.markdown() for series in self.series.values()]
        lines = "\n".join(f"- {line}" for line in self.lines)
        return "\n\n".join([f"**{self.model}**, on {self.machine}", *tables, lines])

    def save(self, folder: Path, name: str) -> None:
        """Write `NAME.json`, and a plot of every series with a line of more than three points."""
        folder.mkdir(parents=True, exist_ok=True)
        content: dict[str, Any] = asdict(self)
        (folder / f"{name}.json").write_text(json.dumps(content, indent=1) + "\n")
        for key, series in self.series.items():
            if any(len(line) > 3 for line in series.values.values()):
                plot(series, folder / f"{name}-{key}.svg", f"{self.model}")


def plot(series: Series, path: Path, subtitle: str) -> None:
    """Plot medians as lines."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "seedstory"  # the same plot gives the same file
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7.2, 3.8), layout="constrained")
    for name, line in series.values.items():
        places = sorted(line)
        axes.plot(places, [series.median(name, place) for place in places], marker="o", label=name)
    axes.set(title=f"{series.title}\n{subtitle}", xlabel=series.along, ylabel=series.unit)
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)


def machine(device: torch.device) -> str:
    """Return the machine's description: device, threads and version of torch."""
    if device.type == "cuda":
        return f"{torch.cuda.get_device_name(device)}, torch {torch.__version__}"
    name = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        name = lines[0].split(":", 1)[1].strip() if lines else name
    capability = torch.backends.cpu.get_cpu_capability()
    return (
        f"{name} ({capability}), {os.cpu_count()} cores, {torch.get_num_threads()} threads, "
        f"torch {torch.__version__}"
    )
