"""What `tests/web/test_recipes.py` adds to a copy of the studio works there.

It runs in that copy, so it names what was added in texts only: here there is no such thing.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import httpx
import pytest
import torch
from gradio_client import Client

from demo import reference as api_reference
from demo.build import build_page
from seedstory_core import POLICIES, Sampling
from seedstory_core.config import PROJECT_ROOT, StudioConfig, load_config
from seedstory_core.config import reference as config_reference
from seedstory_core.engine import StoryEngine
from seedstory_core.generation.policies import PanelSpan, select_rows
from seedstory_core.generation.sampler import Sampler
from seedstory_core.jobs import JobQueue
from seedstory_core.session import SessionStore
from seedstory_core.story.archive import StoryArchive
from tests.helpers.studio import served

TEXTS = ["Mira found a kite.", "It began to rain.", "She ran home."]


@pytest.fixture(scope="module")
def store(small_engine: StoryEngine, tmp_path_factory: pytest.TempPathFactory) -> SessionStore:
    assert Path.cwd() == PROJECT_ROOT, "this is not the copy"
    return SessionStore(small_engine, StoryArchive(str(tmp_path_factory.mktemp("stories"))))


@pytest.fixture(scope="module")
def page(store: SessionStore) -> gr.Blocks:
    return build_page(store, JobQueue(store))


@pytest.fixture(scope="module")
def url(store: SessionStore) -> Iterator[str]:
    with served(store) as address:
        yield address


@pytest.fixture(scope="module")
def client(url: str) -> Iterator[Client]:
    client = Client(url, verbose=False)
    yield client
    client.close()


@pytest.fixture(scope="module")
def story_id(client: Client) -> str:
    """A story of three panels, told by the endpoints with the added setting."""
    first, *more = TEXTS
    told = {"keep_words": True, "steps": 1, "min_p": 0.5}
    page, _ = client.predict(sentence=first, **told, api_name="/begin")
    for text in more:
        client.predict(story_id=page["story_id"], text=text, **told, api_name="/continue_story")
    return str(page["story_id"])


def part(page: gr.Blocks, **traits: object) -> Any:
    """The one part of the page with these attributes."""
    (found,) = (
        block
        for block in page.blocks.values()
        if all(getattr(block, name, None) == value for name, value in traits.items())
    )
    return found


def answer(
    page: gr.Blocks, trigger: Any, event: str, data: Any = None, **values: Any
) -> dict[str, Any]:
    """Call the handler of a part's event; values and answers are by `elem_id`."""
    (listener,) = (fn for fn in page.fns.values() if (trigger._id, event) in fn.targets)
    given = {one: values.get(str(one.elem_id)) for one in listener.inputs}
    assert listener.fn is not None
    answered = listener.fn(given, gr.EventData(None, data))
    return {one.elem_id: value for one, value in answered.items()}


def state(story_id: str, panel_id: str) -> dict[str, str]:
    return {"view": "story", "story": story_id, "panel": panel_id}


def test_the_setting_is_a_knob_of_the_page(page: gr.Blocks) -> None:
    slider = part(page, label="Min-p")
    assert isinstance(slider, gr.Slider)
    assert (slider.minimum, slider.maximum, slider.value) == (0, 1, 0)
    assert "compared with the likeliest" in str(slider.info)


def test_the_setting_is_a_parameter_of_the_endpoints(client: Client) -> None:
    named = client.view_api(return_format="dict", print_info=False)["named_endpoints"]
    for endpoint in ("/begin", "/continue_story", "/alternatives"):
        assert "min_p" in [one["parameter_name"] for one in named[endpoint]["parameters"]]
    assert "min_p" not in str(named["/redraw"])


def test_the_setting_is_in_the_generated_pages_and_needs_no_config_file(
    store: SessionStore,
) -> None:
    assert "| `sampling.min_p` | `0.0` |" in config_reference.reference()
    assert api_reference.reference(store).count("| `min_p` | `None` |") == 3
    assert load_config(PROJECT_ROOT / "configs" / "tiny.yaml") == StudioConfig()


def test_the_setting_reaches_the_sampler(store: SessionStore, story_id: str) -> None:
    for panel in store.open(story_id).tree:
        assert panel.settings["min_p"] == 0.5

    def first_token(seed: int, **asked: float) -> int:
        sampling = Sampling.of(StudioConfig().sampling, seed, temperature=1.0, **asked)
        return Sampler(sampling, forbidden_ids=[]).choose(torch.tensor([1.0, 0.9, 0.8]))

    assert {first_token(seed) for seed in range(40)} == {0, 1, 2}
    assert {first_token(seed, min_p=1.0) for seed in range(40)} == {0}


def test_the_policy_is_chosen_on_the_page(
    store: SessionStore, page: gr.Blocks, story_id: str
) -> None:
    choice = part(page, elem_id="policy")
    assert ("The first page and the last pages", "first_page") in choice.choices
    here = {"state": state(story_id, "p3"), "policy": "first_page"}
    assert answer(page, choice, "input", **here)["policy"] == "first_page"
    assert store.open(story_id).policy.policy == "first_page"


def test_the_policy_is_chosen_by_a_program(client: Client, story_id: str) -> None:
    chosen = client.predict(story_id=story_id, policy="first_page", api_name="/memory")
    assert chosen["policy"] == "first_page" and "first_page" in chosen["policies"]


def test_the_policy_decides_what_the_model_sees(store: SessionStore, story_id: str) -> None:
    session = store.open(story_id)
    rows = {}
    for name in POLICIES:
        session.set_policy(name, window_panels=1)
        session.warm("p3")
        assert session.memory.context is not None
        rows[name] = session.memory.context.num_rows
    assert rows["window"] < rows["first_page"] < rows["dense"]
    policy = dataclasses.replace(session.policy, policy="first_page")
    spans = [PanelSpan(start, start + 4, start + 8, start + 10) for start in (0, 10, 20)]
    assert select_rows(spans, policy) == [range(10), range(19, 30)]


def test_the_button_is_on_the_page_and_does_its_work(page: gr.Blocks, story_id: str) -> None:
    acts = part(page, elem_id="page-acts").value
    assert 'data-do="to-first"' in acts and "To the first page" in acts
    here = state(story_id, "p3")
    answered = answer(page, part(page, elem_id="state"), "click", {"do": "to-first"}, state=here)
    assert answered["state"]["panel"] == "p1"


def test_the_export_format_is_offered_and_gives_a_file(
    page: gr.Blocks, url: str, story_id: str
) -> None:
    offered = part(page, elem_id="dialogs").value
    assert 'data-kind="txt"' in offered and ">Words only</a>" in offered
    address = f"take/{story_id}/p3.txt"
    taken = httpx.get(url + address)
    assert taken.headers["content-type"].startswith("text/plain")
    assert taken.headers["content-disposition"].endswith('.txt"')
    assert taken.text == "\n\n".join(TEXTS) + "\n"
