"""Writes `docs/configuration.md`: every setting with its meaning, default and range.

`python -m seedstory_core.config.reference > docs/configuration.md`; a test compares the file.
"""

from __future__ import annotations

import ast
import dataclasses
import inspect
import textwrap
import typing
from collections.abc import Iterator
from typing import Any

from seedstory_core.config.fields import settings_of
from seedstory_core.config.load import StudioConfig

HEAD = """\
# Configuration

Every setting, its default (that of the tiny model) and its meaning. Settings come from a YAML file
(`--config`), the environment (`SEEDSTORY_DEVICE` is `runtime.device`) and the command line
(`--set sampling.temperature=0.7`); the last one wins. This page is written by
`python -m seedstory_core.config.reference`.
"""
TABLE = ("| setting | default | meaning |", "|---|---|---|")


def reference() -> str:
    """Return the whole page."""
    sections = (
        "\n".join([f"\n## {name}\n\n{about}\n", *TABLE, *rows, ""])
        for name, about, rows in _sections(StudioConfig, StudioConfig(), "")
    )
    return HEAD + "".join(sections)


def _sections(kind: type, values: Any, prefix: str) -> Iterator[tuple[str, str, list[str]]]:
    """Yield name, description and table rows of a config class and of the sections in it."""
    meanings, types = field_meanings(kind), typing.get_type_hints(kind)
    rows: list[str] = []
    nested: dict[str, tuple[type, Any, str]] = {}
    for field in dataclasses.fields(kind):
        value, name = getattr(values, field.name), f"{prefix}{field.name}"
        if not dataclasses.is_dataclass(value):
            rows.append(f"| `{name}` | {_shown(value)} | {_meaning(field, kind, meanings)} |")
        elif repr(value) in nested:
            # Sections with equal values are shown once.
            nested[repr(value)] = types[field.name], value, f"{prefix}<part>."
        else:
            nested[repr(value)] = types[field.name], value, f"{name}."
    if rows:
        about = inspect.getdoc(kind) or ""
        yield prefix.rstrip("."), _one_line(about.split("\n\n")[0]), rows
    for section in nested.values():
        yield from _sections(*section)


def field_meanings(kind: type) -> dict[str, str]:
    """Return the docstring under each field of a class, by field name."""
    (node,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    assert isinstance(node, ast.ClassDef)
    meanings = {}
    for field, below in zip(node.body, node.body[1:], strict=False):
        is_text = isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant)
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and is_text:
            meanings[field.target.id] = _one_line(str(ast.literal_eval(below.value)))  # type: ignore[attr-defined]
    return meanings


def _meaning(field: dataclasses.Field[Any], kind: type, meanings: dict[str, str]) -> str:
    one = settings_of(kind).get(field.name)
    said = [meanings.get(field.name, "") or (one.meaning if one else "")]
    if one:
        said.append(f"From {one.lowest:g} to {one.highest:g}.")
    return " ".join(said).replace("|", "\\|").strip()


def _shown(value: Any) -> str:
    shown = repr(value) if isinstance(value, str) else str(value)
    return f"`{shown}`"


def _one_line(text: str) -> str:
    return " ".join(text.split())


if __name__ == "__main__":
    print(reference(), end="")  # noqa: T201
