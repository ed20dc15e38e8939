"""The parts of the page, by name.

`wiring.py` connects their events, `render.py` makes the HTML they show.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr

from demo import render
from demo.books import ShelfBook
from demo.openings import Opening
from demo.state import PageState
from seedstory_core import FORMATS, KNOBS, MAX_RUN, POLICIES, POLICY_CHOICE, Knob, StudioConfig

# Gradio may create the parts before the script in the page's head has run, so they wait for it.
READY = """
const ready = async () => {
  while (!window.seedstory) await new Promise((resolve) => setTimeout(resolve, 10));
  return window.seedstory;
};
"""
LISTEN = READY + "ready().then((studio) => studio.listen(element, trigger));"
KEEP_STATE = READY + "ready().then((studio) => studio.keepState(trigger, props, watch));"
KEEP_STORY = READY + "ready().then((studio) => studio.keepStory(props, watch));"
ARRIVE = "async () => {" + READY + "return [await (await ready()).arrive()]; }"
KEEP_WORDS = "Keep my words exactly as they are"


class PageParts:
    """Every part of the page that an event starts from, reads or changes.

    The fields of `state.PageUpdate` have the names of the parts that they change.
    """

    def __init__(
        self, config: StudioConfig, openings: Sequence[Opening], books: Sequence[ShelfBook] = ()
    ) -> None:
        """Lay out the page; call it inside `gr.Blocks`."""
        self.state = _value(PageState(view="").to_json(), "state", KEEP_STATE)
        self.manuscript = _value(None, "manuscript", KEEP_STORY)
        self.draft = _value({"opening": ""}, "draft", None)
        _fixed("masthead")
        self.notice = _html("", "notice")
        with gr.Column(elem_id="start"):
            self._start(openings, books)
        with gr.Column(elem_id="story"):
            _fixed("story_head")
            _fixed("book")
            self.live = _html("", "live")
            _fixed("page_acts")
            with gr.Column(elem_id="composer"):
                self._composer(can_wish=config.generation.answers_wishes)
            # No `file_types`: our own check says what is wrong with a file.
            self.repaint = gr.UploadButton("Another picture", elem_id="repaint")
        with gr.Accordion("The storyteller's knobs", open=False, elem_id="knobs-drawer"):
            self.knobs = _knobs(config)
            self.policy = gr.Dropdown(
                [(policy.label, name) for name, policy in POLICIES.items()],
                label=POLICY_CHOICE,
                info="Counts from the next page on; pages already told stay as they are.",
                elem_id="policy",
            )
        _fixed("foot")
        _fixed("dialogs", formats=FORMATS)

    def _start(self, openings: Sequence[Opening], books: Sequence[ShelfBook]) -> None:
        with gr.Row(elem_id="start-desk"):
            with gr.Column(elem_id="shelf-side"):
                _fixed("welcome", has_shelf=bool(openings))
                self.waking = _html("", "waking")
                _fixed("books", books=books)
                self.shelf = _html(render.shelf(openings), "shelf", LISTEN)
            with gr.Column(elem_id="first-page"):
                _fixed("page_one")
                self.slot = _html(render.first_image(has_shelf=bool(openings)), "slot", LISTEN)
                self.own_image = gr.File(
                    label="Your own picture", show_label=False, elem_id="own-image", height=60
                )
                self.sentence = gr.Textbox(
                    label="First sentence",
                    placeholder=openings[0].sentence if openings else "Once upon a time there was…",
                    lines=3,
                    max_lines=7,
                    elem_id="sentence",
                )
                self.keep_first = gr.Checkbox(label=KEEP_WORDS, elem_id="keep-first")
                self.begin = gr.Button("Begin the story", variant="primary", elem_id="begin")
        self.stories = _html("", "stories")
        self.bring_story = gr.UploadButton("Bring a story back", elem_id="bring-story")

    def _composer(self, *, can_wish: bool) -> None:
        """Lay out the buttons and fields for the next panel."""
        _fixed("composer", can_wish=can_wish, max_run=MAX_RUN)
        with gr.Column(elem_id="own-line"):
            self.line = gr.Textbox(
                label="Your words",
                placeholder="A whole line, or only the beginning of one: then it starts to rain",
                lines=2,
                max_lines=5,
                elem_id="line",
            )
            with gr.Row(elem_id="own-line-acts"):
                self.keep_words = gr.Checkbox(label=KEEP_WORDS, elem_id="keep-words")
                self.write = gr.Button("Put it in the book", variant="primary", elem_id="write")


def _fixed(template: str, **values: Any) -> None:
    """Lay out a part that only the page's scripts change."""
    gr.HTML(
        render.fill(template, **values),
        elem_id=template.replace("_", "-"),
        apply_default_css=False,
        padding=False,
        js_on_load=None,
    )


def _html(value: Any, elem_id: str, js: str | None = None) -> gr.HTML:
    return gr.HTML(value, elem_id=elem_id, js_on_load=js, apply_default_css=False, padding=False)


def _value(value: dict[str, Any] | None, elem_id: str, js: str | None) -> gr.HTML:
    """Return a component that holds a value and shows nothing."""
    return gr.HTML(value, elem_id=elem_id, html_template="<span></span>", js_on_load=js)


def _knobs(config: StudioConfig) -> dict[str, gr.components.Component]:
    """Lay out a field for each of `KNOBS`, two in a row, and return the fields by key."""
    knobs = list(KNOBS.values())
    fields: dict[str, gr.components.Component] = {}
    for first in range(0, len(knobs), 2):
        with gr.Row():
            for knob in knobs[first : first + 2]:
                fields[knob.key] = _field(knob, knob.default(config))
    return fields


def _field(knob: Knob, value: Any) -> gr.components.Component:
    """Return a slider, or a text box for the seed, which has no default."""
    setting = knob.setting
    if value is None:
        return gr.Textbox(
            label=setting.label,
            placeholder="a new one each time",
            info=setting.meaning,
            max_lines=1,
        )
    lowest, highest = setting.shown or (setting.lowest, setting.highest)
    return gr.Slider(
        *(lowest, max(highest, value)),
        value=value,
        step=setting.step,
        label=setting.label,
        info=setting.meaning,
    )
