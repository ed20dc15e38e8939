"""Rows of the proof, one per comparison, and the functions that compare."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor


@dataclass(frozen=True)
class Row:
    """Result of one comparison.

    Attributes:
        name: Name of the compared entry.
        difference: Largest absolute or relative difference; for documents, the number of unequal
            values.
        tolerance: Largest difference that is ok.
        remark: Reason of a failure, or the kind of difference.
    """

    name: str
    difference: float
    tolerance: float
    remark: str = ""

    @property
    def is_ok(self) -> bool:
        """Whether the difference is within the tolerance; NaN never is."""
        return self.difference <= self.tolerance

    def __str__(self) -> str:
        verdict = "ok" if self.is_ok else "NOT OK"
        remark = f"  {self.remark}" if self.remark else ""
        return f"{self.name:58s} {self.difference:9.2e} {self.tolerance:9.2e}  {verdict}{remark}"


def compare(name: str, value: Tensor, expected: Tensor, tolerance: float) -> Row:
    """Compare two tensors by their largest absolute difference; unequal shapes are never ok."""
    if value.shape != expected.shape:
        remark = f"shape {list(value.shape)} instead of {list(expected.shape)}"
        return Row(name, math.inf, tolerance, remark)
    if not value.numel():
        return Row(name, 0.0, tolerance)
    difference = (value.detach().cpu().double() - expected.double()).abs().max().item()
    return Row(name, difference, tolerance)


def compare_exactly(name: str, value: Any, expected: Any) -> Row:
    """Compare two documents by the number of unequal values; the remark names the first one."""
    unequal = list(_differences(value, expected, ""))
    remark = f"first at {unequal[0]}" if unequal else ""
    return Row(name, float(len(unequal)), 0.0, remark)


def compare_numbers(
    name: str, values: Sequence[float], expected: Sequence[float], *, relative: float
) -> Row:
    """Compare numbers by their largest relative difference."""
    if len(values) != len(expected):
        return Row(name, math.inf, relative, f"{len(values)} numbers instead of {len(expected)}")
    pairs = zip(values, expected, strict=True)
    differences = [abs(one - other) / max(abs(other), 1e-12) for one, other in pairs]
    # Python's max may miss a NaN.
    worst = math.nan if any(map(math.isnan, differences)) else max(differences, default=0.0)
    return Row(name, worst, relative, "relative")


def _differences(value: Any, expected: Any, place: str) -> Iterator[str]:
    if isinstance(value, dict) and isinstance(expected, dict):
        for key in [*expected, *(key for key in value if key not in expected)]:
            if key in value and key in expected:
                yield from _differences(value[key], expected[key], f"{place}/{key}")
            else:
                yield f"{place}/{key}"
    elif isinstance(value, list) and isinstance(expected, list):
        if len(value) != len(expected):
            yield f"{place} ({len(value)} instead of {len(expected)} items)"
        for index, pair in enumerate(zip(value, expected, strict=False)):
            yield from _differences(*pair, f"{place}/{index}")
    elif value != expected:
        yield f"{place} ({value!r} instead of {expected!r})"
