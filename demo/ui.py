"""Layout and wiring: which parts the page has, and which handler answers which event."""

from __future__ import annotations

from typing import Any

import gradio as gr

from demo import render
from demo.api import add_api
from demo.handlers import Handlers, nowhere
from demo.openings import load_openings
from demo.routes import routes
from demo.theme import make_theme
from seedstory_core import KNOBS, POLICIES, JobQueue, Knob, SessionStore, project_path

TITLE = "SEED-Story Studio"
# Gradio puts the head into the page while the parts are already being made, so they wait for it.
READY = """
const ready = async () => {
  while (!window.seedstory) await new Promise((resolve) => setTimeout(resolve, 10));
  return window.seedstory;
};
"""
LISTEN = READY + "ready().then((studio) => studio.listen(element, trigger));"
EDIT_TITLE = LISTEN.replace("studio.listen", "studio.title")
KEEP_PLACE = READY + "ready().then((studio) => studio.place(element, trigger, props, watch));"
ARRIVE = "async () => {" + READY + "return [(await ready()).arrive()]; }"
MAX_UPLOAD = "40mb"
"""Above our own limit, whose sentence a reader should see rather than Gradio's."""
KEPT_SECONDS = (3600, 86400)
"""How often Gradio's copies of uploads are looked through, and how old they may become."""


def build_page(store: SessionStore) -> gr.Blocks:
    """Put the page together over a store of stories."""
    queue = JobQueue(store)
    openings = load_openings(store.engine.config.runtime.openings_folder)
    on = Handlers(store, queue, openings)

    with gr.Blocks(
        title=TITLE, analytics_enabled=False, fill_width=True, delete_cache=KEPT_SECONDS
    ) as page:
        # First, so that the endpoints get their plain names and the page's own events the others.
        add_api(store, queue, openings)
        place = _value({**nowhere(), "view": ""}, "place", KEEP_PLACE)
        draft = _value({"opening": ""}, "draft", None)
        masthead = _html(render.fill("masthead"), "masthead")
        notice = _html("", "notice")

        with gr.Column(elem_id="start"):
            with gr.Row(elem_id="start-desk"):
                with gr.Column(elem_id="shelf-side"):
                    gr.HTML(render.fill("welcome"), apply_default_css=False)
                    shelf = _html(render.shelf(openings), "shelf")
                with gr.Column(elem_id="first-page"):
                    gr.HTML(render.fill("page_one"), apply_default_css=False)
                    slot = _html(render.first_picture(has_shelf=bool(openings)), "slot")
                    own_picture = gr.File(
                        label="Your own picture",
                        show_label=False,
                        elem_id="own-picture",
                        height=60,
                    )
                    sentence = gr.Textbox(
                        label="First sentence",
                        placeholder=openings[0].sentence
                        if openings
                        else "Once upon a time there was…",
                        lines=3,
                        max_lines=7,
                        elem_id="sentence",
                    )
                    keep_first = gr.Checkbox(
                        label="Keep my words exactly as they are", elem_id="keep-first"
                    )
                    begin = gr.Button("Begin the story", variant="primary", elem_id="begin")
            stories = _html("", "stories")

        with gr.Row(elem_id="story"):
            with gr.Column(elem_id="book-side"):
                title = _html("", "title", EDIT_TITLE)
                book = _html("", "book")
                live = _html("", "live")
                with gr.Row(elem_id="tools"):
                    redraw = gr.Button("Paint it again", size="sm", elem_id="redraw")
                    again = gr.Button("Tell it again", size="sm", elem_id="again")
                    reword = gr.Button("Change its words", size="sm", elem_id="reword")
                    # The same checks as for every picture say what is wrong with a file.
                    repaint = gr.UploadButton("Change its picture", size="sm", elem_id="repaint")
                    pin = gr.Button("Keep in mind", size="sm", elem_id="pin")
                    ask = gr.Button("Remove", size="sm", elem_id="ask-remove")
                with gr.Row(elem_id="asks"):
                    question = _html("", "question")
                    remove = gr.Button("Remove", variant="primary", size="sm", elem_id="remove")
                    keep_page = gr.Button("Keep", size="sm", elem_id="keep-page")
                with gr.Column(elem_id="rewording"):
                    words = gr.Textbox(
                        label="The page's new words", lines=3, max_lines=7, elem_id="new-words"
                    )
                    with gr.Row(elem_id="rewording-acts"):
                        put_words = gr.Button(
                            "Tell it with these words", variant="primary", elem_id="put-words"
                        )
                        keep_old = gr.Button("Leave it as it is", elem_id="keep-old-words")
                tail = _html("", "tail")
                with gr.Column(elem_id="composer"):
                    with gr.Row(elem_id="acts"):
                        go_on = gr.Button("Continue the story", variant="primary", elem_id="go-on")
                        write_own = gr.Button("Write the next line myself", elem_id="write-own")
                        ways = gr.Button("Show me three ways", elem_id="three-ways")
                        stop = gr.Button("Stop", elem_id="stop")
                        show_outline = gr.Button("Pages", elem_id="show-outline")
                    with gr.Column(elem_id="own-line"):
                        line = gr.Textbox(
                            label="Your words",
                            placeholder="A whole line, or only the beginning of one: "
                            "then it starts to rain",
                            lines=2,
                            max_lines=5,
                            elem_id="line",
                        )
                        with gr.Row(elem_id="own-line-acts"):
                            keep_words = gr.Checkbox(
                                label="Keep my words exactly as they are", elem_id="keep-words"
                            )
                            write = gr.Button(
                                "Put it in the book", variant="primary", elem_id="write"
                            )
            with gr.Column(elem_id="outline-side"):
                outline = _html("", "outline")

        with gr.Accordion("The storyteller's knobs", open=False, elem_id="knobs-drawer"):
            knobs = _knobs(store)
            policy = gr.Dropdown(
                [(policy.label, name) for name, policy in POLICIES.items()],
                label="What the storyteller remembers of this story",
                info="From the next page on; pages that are told already stay as they are.",
                elem_id="policy",
            )
        gr.HTML(render.fill("foot"), apply_default_css=False)

        # The fields of handlers.Screen, in their order.
        screen = [
            place,
            title,
            book,
            tail,
            live,
            outline,
            go_on,
            question,
            notice,
            draft,
            shelf,
            slot,
            own_picture,
            sentence,
            line,
            stories,
            words,
            pin,
            policy,
        ]
        quietly: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
        often: dict[str, Any] = {**quietly, "trigger_mode": "multiple"}

        def watched(event: Any) -> Any:
            """After an event that may have begun a turn: follow it, and show what came of it."""
            following = event.then(on.follow, [place], [live], **often)
            return following.then(on.finish, [place, sentence, line], screen, **often)

        watched(page.load(on.arrive, [place], screen, js=ARRIVE, **quietly))
        clicked = [
            part.click for part in (place, masthead, notice, title, book, tail, outline, stories)
        ]
        watched(
            gr.on(clicked, on.click, [place], screen, js="(p) => [seedstory.withMine(p)]", **often)
        )

        gr.on([shelf.click, slot.click], on.choose, [sentence], screen, **often)
        gr.on(
            [own_picture.upload, own_picture.clear],
            on.bring,
            [own_picture, sentence],
            screen,
            **often,
        )
        begun = begin.click(
            on.begin, [place, draft, own_picture, sentence, keep_first, *knobs], screen, **quietly
        )
        watched(watched(begun).then(on.go_on_by_itself, [place, *knobs], screen, **often))

        watched(go_on.click(on.go_on, [place, *knobs], screen, **quietly))
        watched(
            gr.on(
                [write.click, line.submit],
                on.write,
                [place, line, keep_words, *knobs],
                screen,
                **quietly,
            )
        )
        watched(ways.click(on.ways, [place, *knobs], screen, **quietly))
        watched(again.click(on.again, [place, *knobs], screen, **quietly))
        watched(redraw.click(on.redraw, [place, *knobs], screen, **quietly))
        reword.click(on.ask_for_words, [place], screen, **often)
        watched(
            gr.on([put_words.click, words.submit], on.reword, [place, words], screen, **quietly)
        )
        watched(repaint.upload(on.change_picture, [place, repaint], screen, **quietly))
        pin.click(on.pin, [place], screen, **often)
        policy.input(on.set_policy, [place, policy], screen, **often)
        stop.click(on.stop, [place], screen, **often)
        ask.click(on.ask_to_remove, [place], screen, **often)
        gr.on([keep_page.click, keep_old.click], on.keep, [place], screen, **often)
        remove.click(on.remove, [place], screen, **often)
        write_own.click(None, js="() => seedstory.writeOwn()", api_visibility="private")
        show_outline.click(None, js="() => seedstory.toggleOutline()", api_visibility="private")
    # Turns wait at the queue; Gradio's queue carries only those who watch.
    page.queue(default_concurrency_limit=None, max_size=None)
    return page


def launch_options(store: SessionStore) -> dict[str, Any]:
    """What `launch` needs besides host and port."""
    script = project_path("assets/studio.js").read_text("utf-8")
    return {
        "theme": make_theme(),
        "head": render.fill("head", script=script),
        "favicon_path": project_path("assets/logo.svg"),
        "app_kwargs": {"routes": routes(store)},
        "max_file_size": MAX_UPLOAD,
        "footer_links": ["api"],
        # Server-side rendering needs Node beside Python and would route past our own addresses.
        "ssr_mode": False,
        "show_error": False,
    }


def _html(value: Any, elem_id: str, js: str = LISTEN) -> gr.HTML:
    return gr.HTML(value, elem_id=elem_id, js_on_load=js, apply_default_css=False, padding=False)


def _value(value: dict[str, Any], elem_id: str, js: str | None) -> gr.HTML:
    """Something the page remembers and does not show."""
    return gr.HTML(value, elem_id=elem_id, html_template="<span></span>", js_on_load=js)


def _knobs(store: SessionStore) -> list[gr.components.Component]:
    """The storyteller's knobs in the order of `KNOBS`, two beside each other."""
    config, knobs = store.engine.config, list(KNOBS.values())
    fields: list[gr.components.Component] = []
    for first in range(0, len(knobs), 2):
        with gr.Row():
            fields += [_field(knob, knob.default(config)) for knob in knobs[first : first + 2]]
    return fields


def _field(knob: Knob, value: Any) -> gr.components.Component:
    """A slider, or a box to type in for the seed, which has no value of its own."""
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
