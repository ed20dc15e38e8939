"""The measurements behind the model card, one function each."""

from __future__ import annotations

import dataclasses
import functools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from seedstory_core.data.draw import render_image
from seedstory_core.data.stories import reader_cases, tell
from seedstory_core.data.teller import sentences
from seedstory_core.data.world import CHARACTERS, Scene
from seedstory_core.engine import Past, StoryEngine, TurnRequest
from seedstory_core.evaluation.classifier import AttributeClassifier
from seedstory_core.evaluation.looks import colours_kept, names_kept
from seedstory_core.evaluation.newcomers import describe, expected_newcomers
from seedstory_core.evaluation.openings import OPENINGS, in_full, strangers
from seedstory_core.evaluation.scores import (
    METRICS,
    Case,
    Share,
    cases_of,
    class_hits,
    majority,
    shuffled,
    summarize,
)
from seedstory_core.evaluation.telling import (
    ToldPanel,
    opening,
    paint,
    read_context,
    sampling_of,
    take_turn,
    tell_story,
)
from seedstory_core.models.transforms import sd_pixels, to_images

MOST_PANELS = 30
LONG_PANELS = 25


@dataclass(frozen=True)
class Result:
    """The result of a measurement.

    Attributes:
        columns: Shares per metric; one column per model or condition compared.
        classes: Shares per expected answer, likewise.
        lines: Further findings, a sentence each.
        stories: Full texts of told stories.
        sheets: Images to look at.
    """

    columns: dict[str, dict[str, Share]] = field(default_factory=dict)
    classes: dict[str, dict[str, Share]] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    stories: str = ""
    sheets: list[Image.Image] = field(default_factory=list)


@torch.no_grad()
def ladder(engine: StoryEngine, classifier: AttributeClassifier, count: int) -> Result:
    """Measure where quality is lost: real image, codec, true features, regressed features."""
    rungs: dict[str, list[Image.Image]] = {
        name: [] for name in ("real", "codec", "true features", "true captions")
    }
    true: list[Tensor] = []
    regressed: list[Tensor] = []
    seeds: list[int] = []
    names: list[str] = []
    scenes: list[Scene] = []
    size = engine.config.detokenizer.image_size
    for number in range(count):
        story = tell(number, "test", reader_share=0.0)
        panels = story.panels[: engine.config.memory.window_panels]
        real = [render_image(panel.scene, size) for panel in panels]
        names += [story.id] * len(panels)
        scenes += [panel.scene for panel in panels]
        rungs["real"] += real
        pixel_values = torch.stack([sd_pixels(image, size) for image in real])
        rungs["codec"] += engine.run(functools.partial(_round_trip, engine, pixel_values))
        true += [engine.encode_image(image) for image in real]
        seeds += [number * 1000 + index for index in range(len(panels))]
        past = read_context(engine, panels, real)
        for index, panel in enumerate(panels):
            request = TurnRequest(reader_text=panel.text, complete_text=False)
            result = take_turn(engine, Past(past.segments[:index]), request)
            regressed.append(result.record.visual_features)
    rungs["true features"] = paint(engine, true, seeds)
    rungs["true captions"] = paint(engine, regressed, seeds)
    cases = {
        name: engine.run(functools.partial(cases_of, classifier, names, scenes, images))
        for name, images in rungs.items()
    }
    shown = [image for index in range(6) for image in (images[index] for images in rungs.values())]
    return Result(
        {name: summarize(found) for name, found in cases.items()},
        {name: summarize(found, class_hits) for name, found in cases.items()},
        [
            f"{len(scenes)} panels of {count} stories",
            *(
                _colours(f"{name}: ", colours_kept(scenes, images))
                for name, images in rungs.items()
                if name != "real"
            ),
            *(
                _distance(f"{name}: ", scenes, rungs[name], rungs["codec"])
                for name in ("true features", "true captions")
            ),
        ],
        sheets=[grid(shown, 4)],
    )


def stories(engine: StoryEngine, classifier: AttributeClassifier, count: int) -> Result:
    """Measure the model's own stories: images against captions, and the captions themselves."""
    told = [tell_story(engine, opening(number), MOST_PANELS, number) for number in range(count)]
    cases, unread = engine.run(functools.partial(_own_cases, classifier, told))
    columns = {
        "own caption": summarize(cases),
        "majority": summarize(majority(cases)),
        "shuffled": summarize(shuffled(cases)),
    }
    understood = [panel for story in told for panel in story[1:] if panel.scene is not None]
    colours = colours_kept(
        [panel.scene for panel in understood if panel.scene],
        [panel.image for panel in understood],
    )
    captions = sum(len(story) - 1 for story in told)
    named, said = names_kept(panel.text for story in told for panel in story[1:])
    lengths = [len(story) for story in told]
    lines = [
        f"{sum(story[-1].is_end for story in told)} of {count} stories came to their end within "
        f"{MOST_PANELS} panels; {np.mean(lengths):.1f} panels on average, from {min(lengths)} to "
        f"{max(lengths)}",
        f"{sum(map(_repeats, told))} of {count} stories repeat a sentence",
        f"{unread} of {captions} captions ({100 * unread / captions:.1f} %) were not understood by "
        "the grammar",
        f"{named} of {said} mentions of somebody's kind or clothes fit the name",
        _colours("", colours),
    ]
    return Result(
        columns,
        {"own caption": summarize(cases, class_hits)},
        lines,
        stories="\n".join(_in_full(number, story) for number, story in enumerate(told)),
        sheets=[story_sheet(story) for story in told[:6]],
    )


def steer(engine: StoryEngine, classifier: AttributeClassifier, count: int) -> Result:
    """Measure images of readers' sentences, in the middle of stories with drawn images."""
    size = engine.config.detokenizer.image_size
    regressed: dict[bool, list[Tensor]] = {True: [], False: []}
    seeds: dict[bool, list[int]] = {True: [], False: []}
    scenes: dict[bool, list[Scene]] = {True: [], False: []}
    asked: dict[bool, list[set[str]]] = {True: [], False: []}
    names: dict[bool, list[str]] = {True: [], False: []}
    for number, case in enumerate(reader_cases(5, count * 10)):
        context = case.context[-engine.config.memory.window_panels :]
        drawn = [render_image(panel.scene, size) for panel in context]
        past = read_context(engine, context, drawn)
        request = TurnRequest(reader_text=case.reader_text, sampling=sampling_of(engine, number))
        result = take_turn(engine, past, request)
        kind = case.panel.held_out
        regressed[kind].append(result.record.visual_features)
        seeds[kind].append(number)
        scenes[kind].append(case.scene)
        asked[kind].append(_metrics_of(case.said | case.carried, case.scene))
        names[kind].append(str(number))
    columns = {}
    for kind, title in ((False, "known wording"), (True, "new wording")):
        images = paint(engine, regressed[kind], seeds[kind])
        found = engine.run(
            functools.partial(cases_of, classifier, names[kind], scenes[kind], images, asked[kind])
        )
        columns[title] = summarize(found)
    lines = [f"{len(seeds[False])} known and {len(seeds[True])} new sentences"]
    return Result(columns, lines=lines)


def openings(engine: StoryEngine, classifier: AttributeClassifier, count: int) -> Result:
    """Measure stories that begin with a first sentence typed by hand, three panels of each.

    All of `OPENINGS` are told, whatever `count` is.
    """
    told: list[list[str]] = []
    features: list[Tensor] = []
    for number, typed in enumerate(OPENINGS):
        past = Past()
        texts = []
        for panel in range(3):
            request = TurnRequest(
                reader_text="" if panel else typed.text,
                sampling=sampling_of(engine, 1000 * number + panel),
            )
            result = take_turn(engine, past, request)
            past = result.past
            texts.append(result.text)
            if panel == 0:
                features.append(result.record.visual_features)
        told.append(texts)
    images = paint(engine, features, range(len(OPENINGS)))
    found = engine.run(
        functools.partial(
            cases_of,
            classifier,
            [str(number) for number in range(len(OPENINGS))],
            [typed.scene() for typed in OPENINGS],
            images,
            [typed.asked() for typed in OPENINGS],
        )
    )
    named = [typed for typed in OPENINGS if typed.cast and not typed.others_may_come]
    unasked = sum(
        bool(strangers(typed, texts[0])) for typed, texts in zip(OPENINGS, told, strict=True)
    )
    lines = [
        f"{len(OPENINGS)} first sentences typed by hand",
        f"{unasked} of {len(named)} first panels bring in somebody whom the reader did not name",
    ]
    return Result(
        {"typed by hand": summarize(found)},
        lines=lines,
        stories=in_full(OPENINGS, told),
        sheets=[grid(images, 7)],
    )


def long(engine: StoryEngine, classifier: AttributeClassifier, count: int) -> Result:
    """Measure 25 panels: does quality hold far beyond the ten panels of training?

    The multimodal attention sink, with and without its cap, is measured on `count` / 2 stories,
    the other policies on `count` / 5.
    """
    columns = {}
    lines = []
    policies: dict[str, int] = {
        "multimodal_attention_sink": max(1, count // 2),
        "capped_multimodal_attention_sink": max(1, count // 2),
        "window": max(1, count // 5),
        "dense": max(1, count // 5),
    }
    for policy, num_stories in policies.items():
        changed = dataclasses.replace(engine.policy, policy=policy)
        told = [
            tell_story(
                engine, opening(1000 + number), LONG_PANELS, number, past_end=True, policy=changed
            )
            for number in range(num_stories)
        ]
        repeats = sum(map(_repeats, told))
        lines.append(f"{policy}: {repeats} of {num_stories} stories repeat a sentence")
        for first, last in ((1, 10), (16, 25)):
            panels = range(first - 1, last)
            cases, unread = engine.run(functools.partial(_own_cases, classifier, told, panels))
            columns[f"{policy.replace('_', ' ')} {first}–{last}"] = summarize(cases)
    return Result(columns, lines=lines)


def newcomers(engine: StoryEngine, classifier: AttributeClassifier, count: int) -> Result:
    """Measure whether the model expects strangers where a story introduces somebody."""
    return Result(lines=describe(expected_newcomers(engine, count)))


@torch.no_grad()
def _round_trip(engine: StoryEngine, pixel_values: Tensor) -> list[Image.Image]:
    """Return the codec's round trips of images."""
    return to_images(engine.detokenizer.decode(engine.detokenizer.encode(pixel_values)))


def grid(images: Sequence[Image.Image], columns: int, side: int = 256) -> Image.Image:
    """Return images in rows, left to right."""
    rows = -(-len(images) // columns)
    sheet = Image.new("RGB", (columns * side, rows * side), "white")
    for index, image in enumerate(images):
        place = (index % columns * side, index // columns * side)
        sheet.paste(image.resize((side, side)), place)
    return sheet


def story_sheet(story: Sequence[ToldPanel], columns: int = 4) -> Image.Image:
    """Return the images of a story in rows."""
    return grid([panel.image for panel in story], columns)


def _repeats(story: Sequence[ToldPanel]) -> bool:
    """Return whether a story repeats a sentence, `The end.` aside."""
    counts = Counter(sentence for panel in story for sentence in sentences(panel.text))
    counts.pop("The end.", None)
    return any(number > 1 for number in counts.values())


def _in_full(number: int, story: Sequence[ToldPanel]) -> str:
    """Return a story's text; `?` marks captions that the grammar does not understand."""
    panels = (
        f"{index:2d}.{'? ' if panel.scene is None else '  '}{panel.text}"
        for index, panel in enumerate(story, 1)
    )
    return "\n".join([f"# {number}", *panels, ""])


def _own_cases(
    classifier: AttributeClassifier,
    told: Sequence[Sequence[ToldPanel]],
    panels: range | None = None,
) -> tuple[list[Case], int]:
    """Return cases of the captions after the opening, and the number of those not understood."""
    names, scenes, images = [], [], []
    unread = 0
    for number, story in enumerate(told):
        for index, panel in enumerate(story):
            if (panels is not None and index not in panels) or index == 0:
                continue
            if panel.scene is None:
                unread += 1
                continue
            names.append(str(number))
            scenes.append(panel.scene)
            images.append(panel.image)
    return cases_of(classifier, names, scenes, images), unread


def _colours(of: str, kept: Mapping[str, tuple[int, int]]) -> str:
    """Return a finding about the colours of faces and clothes."""
    right, count = (sum(values) for values in zip(*kept.values(), strict=True))
    each = ", ".join(
        f"{CHARACTERS[species].name} {100 * good / asked:.0f}"
        for species, (good, asked) in kept.items()
        if asked
    )
    return (
        f"{of}{100 * right / max(1, count):.1f} % of {count} appearances keep the colours of face "
        f"and clothes ({each})"
    )


def _distance(
    of: str,
    scenes: Sequence[Scene],
    images: Sequence[Image.Image],
    codec: Sequence[Image.Image],
) -> str:
    """Return a finding: how far painted pixels are from the codec's image of the same scene.

    Images of one actor are split by where the actor looks: few look left, and the attribute
    classifier does not notice when such an image looks torn.
    """
    pairs = zip(images, codec, strict=True)
    far = np.array(
        [np.abs(np.asarray(a, float) - np.asarray(b, float)).mean() / 2.55 for a, b in pairs]
    )
    alone = np.array([len(s.actors) == 1 for s in scenes])
    left = alone & np.array([s.facing(0) == "left" for s in scenes])
    right = alone & ~left
    found = f"{of}a pixel is {far.mean():.2f} % of its range from the codec's"
    if left.any() and right.any():
        found += (
            f"; of somebody alone {far[right].mean():.2f} % in {right.sum()} who look right and "
            f"{far[left].mean():.2f} % in {left.sum()} who look left"
        )
    return found


def _metrics_of(facts: frozenset[str], scene: Scene) -> set[str]:
    """Return the metrics that given facts decide."""
    metrics = set()
    simple = {
        "place": "place",
        "time": "time of day",
        "weather": "weather",
        "prop": "prop",
        "holder": "holder",
    }
    metrics |= {metric for fact, metric in simple.items() if fact in facts}
    if "cast" in facts:
        metrics |= {"main character", "all characters"}
    for kind in ("pose", "expression"):
        # Facts per actor count if they are known of all actors, who are scored together.
        if all(f"{kind}:{actor.species}" in facts for actor in scene.actors):
            metrics.add(kind)
    return metrics & set(METRICS)
