"""The parts of the page, by name.

`wiring.py` connects their events, `render.py` makes the HTML they show.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr

from demo import render
from demo.openings import Opening
from demo.state import PageState
from seedstory_core import KNOBS, POLICIES, POLICY_CHOICE, Knob, StudioConfig

# Gradio may create the parts before the script in the page's head has run, so they wait for it.
READY = """
const ready = async () => {
  while (!window.seedstory) await new Promise((resolve) => setTimeout(resolve, 10));
  return window.seedstory;
};
"""
LISTEN = READY + "ready().then((studio) => studio.listen(element, trigger));"
EDIT_TITLE = LISTEN.replace("studio.listen", "studio.title")
KEEP_STATE = READY + "ready().then((studio) => studio.state(element, trigger, props, watch));"
ARRIVE = "async () => {" + READY + "return [await (await ready()).arrive()]; }"
KEEP_WORDS = "Keep my words exactly as they are"


class PageParts:
    """Every part of the page that an event starts from, reads or changes.

    The fields of `state.PageUpdate` have the names of the parts that they change.
    """

    def __init__(self, config: StudioConfig, openings: Sequence[Opening]) -> None:
        """Lay out the page; call it inside `gr.Blocks`."""
        self.state = _value(PageState(view="").to_json(), "state", KEEP_STATE)
        self.draft = _value({"opening": ""}, "draft", None)
        self.masthead = _html(render.fill("masthead"), "masthead")
        self.notice = _html("", "notice")
        self.waking = _html("", "waking")
        with gr.Column(elem_id="start"):
            self._start(openings)
        with gr.Row(elem_id="story"):
            with gr.Column(elem_id="book-side"):
                self._book()
                self._tools()
                self.tail = _html("", "tail")
                with gr.Column(elem_id="composer"):
                    self._composer()
            with gr.Column(elem_id="outline-side"):
                self.outline = _html("", "outline")
        with gr.Accordion("The storyteller's knobs", open=False, elem_id="knobs-drawer"):
            self.knobs = _knobs(config)
            self.policy = gr.Dropdown(
                [(policy.label, name) for name, policy in POLICIES.items()],
                label=POLICY_CHOICE,
                info="Counts from the next page on; pages already told stay as they are.",
                elem_id="policy",
            )
        gr.HTML(render.fill("foot"), apply_default_css=False)

    def _start(self, openings: Sequence[Opening]) -> None:
        with gr.Row(elem_id="start-desk"):
            with gr.Column(elem_id="shelf-side"):
                gr.HTML(render.fill("welcome"), apply_default_css=False)
                self.shelf = _html(render.shelf(openings), "shelf")
            with gr.Column(elem_id="first-page"):
                gr.HTML(render.fill("page_one"), apply_default_css=False)
                self.slot = _html(render.first_image(has_shelf=bool(openings)), "slot")
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

    def _book(self) -> None:
        self.title = _html("", "title", EDIT_TITLE)
        self.book = _html("", "book")
        self.live = _html("", "live")

    def _tools(self) -> None:
        """Lay out the buttons for the current panel."""
        with gr.Row(elem_id="tools"):
            self.redraw = gr.Button("Paint it again", size="sm", elem_id="redraw")
            self.again = gr.Button("Tell it again", size="sm", elem_id="again")
            self.reword = gr.Button("Change its words", size="sm", elem_id="reword")
            # No `file_types`: our own check says what is wrong with a file.
            self.repaint = gr.UploadButton("Change its picture", size="sm", elem_id="repaint")
            self.pin = gr.Button(render.pin_label(False), size="sm", elem_id="pin")
            self.remove = gr.Button("Remove", size="sm", elem_id="remove")
        with gr.Column(elem_id="rewording"):
            self.words = gr.Textbox(
                label="The page's new words", lines=3, max_lines=7, elem_id="new-words"
            )
            with gr.Row(elem_id="rewording-acts"):
                self.put_words = gr.Button(
                    "Tell it with these words", variant="primary", elem_id="put-words"
                )
                self.keep_old = gr.Button("Leave it as it is", elem_id="keep-old-words")

    def _composer(self) -> None:
        """Lay out the buttons and fields for the next panel."""
        with gr.Row(elem_id="acts"):
            self.turn_page = gr.Button("Turn the page →", variant="primary", elem_id="turn-page")
            self.go_on = gr.Button(render.CONTINUE, variant="primary", elem_id="go-on")
            self.write_own = gr.Button("Write the next line myself", elem_id="write-own")
            self.alternatives = gr.Button("Show me three ways", elem_id="three-ways")
            self.stop = gr.Button("Stop", elem_id="stop")
            self.show_outline = gr.Button("Pages", elem_id="show-outline")
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


def _html(value: Any, elem_id: str, js: str = LISTEN) -> gr.HTML:
    return gr.HTML(value, elem_id=elem_id, js_on_load=js, apply_default_css=False, padding=False)


def _value(value: dict[str, Any], elem_id: str, js: str | None) -> gr.HTML:
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
