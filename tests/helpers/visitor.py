"""A visitor who asks the studio's endpoints over HTTP, as a program does."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

import httpx
from PIL import Image

API = "gradio_api"
PATIENCE_SECONDS = 600.0


class RefusedError(Exception):
    """The studio answered with a sentence instead of a result."""


class Visitor:
    """One visitor with connections of its own.

    Args:
        url: Address of the studio.
        address: The visitor's own address; every 127.x.y.z is this machine.
    """

    def __init__(self, url: str, address: str = "127.0.0.1") -> None:
        self.http = httpx.Client(
            base_url=url,
            timeout=PATIENCE_SECONDS,
            transport=httpx.HTTPTransport(local_address=address),
        )

    def ask(self, endpoint: str, **values: Any) -> Any:
        """Return an endpoint's last answer; of several results the first.

        Raises:
            RefusedError: The answer is a sentence.
            httpx.TransportError: The studio was lost before it answered.
        """
        asked = self.http.post(f"{API}/call/v2/{endpoint}", json=values)
        if asked.status_code != 200:
            raise RefusedError(asked.text)
        number = asked.json()["event_id"]
        for event, data in self._events(f"{API}/call/{endpoint}/{number}"):
            if event == "complete":
                return data[0]
            if event == "error":
                raise RefusedError(str(data))
        raise httpx.RemoteProtocolError("The stream of events ended without an answer.")

    def picture(self, address: str) -> bytes:
        """Return the file of a panel's image."""
        found = self.http.get(address)
        assert found.status_code == 200, found.text
        return found.content

    def upload(self, data: bytes, name: str = "mine.png") -> dict[str, Any]:
        """Upload a file and return it as endpoints take it."""
        answer = self.http.post(f"{API}/upload", files={"files": (name, data)})
        answer.raise_for_status()
        path = answer.json()[0]
        return {"path": path, "orig_name": name, "meta": {"_type": "gradio.FileData"}}

    def pages(self, story_id: str) -> dict[str, dict[str, Any]]:
        """Return all panels of a story by id, as the studio shows them."""
        leaves = self.ask("outline", story_id=story_id)["leaves"]
        found: dict[str, dict[str, Any]] = {}
        for leaf in leaves:
            story = self.ask("open_story", story_id=story_id, panel_id=leaf)
            found |= {page["panel_id"]: page for page in story["pages"]}
        return found

    def close(self) -> None:
        self.http.close()

    def _events(self, address: str) -> Iterator[tuple[str, Any]]:
        with self.http.stream("GET", address) as answer:
            event = ""
            for line in answer.iter_lines():
                name, _, value = line.partition(": ")
                if name == "event":
                    event = value
                elif name == "data":
                    yield event, json.loads(value)


def plain_png(colour: tuple[int, int, int], size: int = 64) -> bytes:
    """Return a picture of one colour."""
    buffer = io.BytesIO()
    Image.new("RGB", (size, size), colour).save(buffer, "PNG")
    return buffer.getvalue()
