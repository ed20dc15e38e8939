"""Checks the JSON that programs and pages send to Gradio's own endpoints.

Gradio answers a wrong value with a traceback in the log, and fetches a file that is named by its
address. Here such a request ends in a sentence before Gradio sees it.
"""

from __future__ import annotations

import inspect
import json
import math
import re
from pathlib import Path
from typing import Any, NoReturn

import gradio as gr
from gradio.utils import get_upload_folder

MAX_DEPTH = 24
FILES = (gr.File, gr.UploadButton, gr.Image)
ASKS = re.compile(r"(call/v2|call)/([^/]*)")
HASH = re.compile(r"[\w-]{1,128}")


class BadRequestError(Exception):
    """A request cannot be used; its text says why."""

    def __init__(self, sentence: str, status: int = 422) -> None:
        """Keep the HTTP status beside the sentence."""
        super().__init__(sentence)
        self.status = status


class Bodies:
    """The functions of a page, and the values that they take."""

    def __init__(self, page: gr.Blocks) -> None:
        """Take the functions of a page that is complete, without those that run in the browser."""
        self._functions = {number: fn for number, fn in page.fns.items() if fn.fn is not None}
        self._by_name = {str(fn.api_name): fn for fn in self._functions.values() if fn.api_name}

    def check(self, path: str, data: bytes) -> Any:
        """Return the content of a request's body, in which nothing is left that would be fetched.

        Args:
            path: The endpoint, without Gradio's prefix.
            data: The body.

        Raises:
            BadRequestError: The body is no JSON, the function is unknown, or a value is impossible.
        """
        content = _parse(data) if data else {}
        asked = ASKS.fullmatch(path)
        if path not in ("queue/join", "cancel", "reset") and not asked:
            return content
        if not isinstance(content, dict):
            raise BadRequestError("The request must be a JSON object.", 400)
        for name in ("session_hash", "event_id"):
            value = content.get(name)
            if value is not None and not (isinstance(value, str) and HASH.fullmatch(value)):
                raise BadRequestError(f"{name} must be a short text of letters and digits.")
        if path in ("cancel", "reset"):
            return content
        function = self._function(asked[2] if asked else None, content)
        if asked and asked[1] == "call/v2":
            return _named(function, content)
        values = content.get("data")
        if not isinstance(values, list):
            raise BadRequestError("`data` must be a list with a value for each parameter.")
        inputs = [part for part in function.inputs if isinstance(part, gr.blocks.Block)]
        if len(values) != len(inputs):
            raise BadRequestError(
                f"The function takes {len(inputs)} values, and {len(values)} were sent."
            )
        content["data"] = [
            _checked(part, value) for part, value in zip(inputs, values, strict=True)
        ]
        event = content.get("event_data")
        if event is not None and not isinstance(event, dict):
            raise BadRequestError("`event_data` must be an object.")
        _check_plain(event)
        content["batched"] = content["simple_format"] = False
        return content

    def _function(self, name: str | None, content: dict[str, Any]) -> Any:
        """Return the function that is asked for, by its name or its number."""
        number, trigger = content.get("fn_index"), content.get("trigger_id")
        if trigger is not None and not _is_whole(trigger):
            raise BadRequestError("`trigger_id` must be a whole number.")
        if name is not None and number is None:
            if name not in self._by_name:
                raise BadRequestError(
                    f"There is no endpoint {name[:60]!r}. docs/api.md lists them.", 404
                )
            return self._by_name[name]
        if not _is_whole(number) or number not in self._functions:
            raise BadRequestError("`fn_index` names no function of this studio.", 404)
        return self._functions[number]


def _parse(data: bytes) -> Any:
    def refuse(constant: str) -> NoReturn:
        raise ValueError(f"{constant} is no number of JSON")

    try:
        content = json.loads(data, parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        raise BadRequestError("The request is not valid JSON.", 400) from error
    _check_depth(content)
    return content


def _check_depth(content: Any) -> None:
    """Refuse nesting that would exhaust a stack later, half characters, and infinite numbers."""
    level = [content]
    for _ in range(MAX_DEPTH):
        inside: list[Any] = []
        for one in level:
            if isinstance(one, dict):
                inside += one.values()
            elif isinstance(one, list):
                inside += one
            elif isinstance(one, float) and not math.isfinite(one):
                raise BadRequestError("A number is too large.", 400)
        if not inside:
            return
        level = inside
    raise BadRequestError(f"The request is nested more than {MAX_DEPTH} times.", 400)


def _named(function: Any, content: dict[str, Any]) -> dict[str, Any]:
    """Return named values that a function can take."""
    parameters = inspect.signature(function.fn).parameters
    parts = dict(zip(parameters, function.inputs, strict=False))
    for name in content:
        if name not in parts:
            raise BadRequestError(f"There is no parameter {name[:60]!r}.")
    for name, parameter in parameters.items():
        if parameter.default is inspect.Parameter.empty and name not in content:
            raise BadRequestError(f"The parameter {name} is missing.")
    return {name: _checked(parts[name], value) for name, value in content.items()}


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _checked(part: Any, value: Any) -> Any:
    """Return a value that a part can take."""
    label = getattr(part, "label", None) or type(part).__name__
    if isinstance(part, FILES):
        return None if value is None else _file(label, value)
    _check_plain(value)
    if isinstance(part, gr.Slider):
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not (is_number and part.minimum <= value <= part.maximum):
            raise BadRequestError(
                f"{label} must be a number from {part.minimum:g} to {part.maximum:g}."
            )
    elif isinstance(part, gr.Checkbox):
        if value is not None and not isinstance(value, bool):
            raise BadRequestError(f"{label} must be true or false.")
    elif isinstance(part, gr.Dropdown):
        known = [one for _, one in part.choices]
        if value is not None and value not in known:
            raise BadRequestError(f"{label} must be one of {', '.join(map(str, known))}.")
    elif isinstance(part, gr.Textbox) and isinstance(value, dict | list | bool):
        raise BadRequestError(f"{label} must be a text.")
    elif isinstance(part, gr.Number) and isinstance(value, dict | list):
        raise BadRequestError(f"{label} must be a number.")
    return value


def _file(label: str, value: Any) -> dict[str, Any]:
    """Return a file that was uploaded here, without the address under which it would be fetched."""
    path = value.get("path") if isinstance(value, dict) else None
    if not isinstance(path, str):
        raise BadRequestError(f"{label} must be a file that was uploaded first.")
    try:
        place, room = Path(path).resolve(), Path(get_upload_folder()).resolve()
        is_here = place.is_relative_to(room) and place.is_file()
    except (ValueError, OSError):  # a zero byte, or a name of any length
        is_here = False
    if not is_here:
        raise BadRequestError(
            f"{label} must be a file that was uploaded here; addresses are not fetched."
        )
    name = value.get("orig_name")
    return {
        "path": path,
        "orig_name": name[:255] if isinstance(name, str) else None,
        "meta": {"_type": "gradio.FileData"},
    }


def _check_plain(value: Any) -> None:
    """Refuse a file in a place where none belongs: Gradio would look for it, or fetch it."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            if "meta" in one or isinstance(one.get("path"), str):
                raise BadRequestError("A file was sent where none belongs.")
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one
