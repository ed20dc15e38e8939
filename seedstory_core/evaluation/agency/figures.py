"""The figures of the agency table, each over inputs that training never saw.

Words and recognised events decide what counts as kept, reacted to or different. Each figure holds
its texts (`Figure.texts`), and samples of them should be graded by hand as well.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from seedstory_core.engine import Past, StoryEngine, TurnRequest, TurnResult
from seedstory_core.evaluation.agency import inputs
from seedstory_core.evaluation.agency.figure import Figure, few, share
from seedstory_core.evaluation.agency.images import painted
from seedstory_core.evaluation.agency.inputs import content_words, names
from seedstory_core.evaluation.agency.telling import Turn, WrittenPanel, events_of, go_on
from seedstory_core.evaluation.scores import wilson
from seedstory_core.evaluation.telling import sampling_of
from seedstory_core.generation.kindness import is_unkind
from storyworld.drawing.compose import random_scene, render_image
from storyworld.parsing import form, sentences
from storyworld.world import PLACES

SHORTEST = 5
"""Words in the shortest sentence that counts when sentences are compared."""


def _written(title: str, panels: Sequence[WrittenPanel], remark: str = "") -> str:
    lines = [f"# {title}" + (f"  [{remark}]" if remark else "")]
    lines += [
        f"{n:2d}. <{p.given}> {p.own}" if p.given else f"{n:2d}. {p.text}"
        for n, p in enumerate(panels, 1)
    ]
    return "\n".join(lines)


# --- openings -----------------------------------------------------------------------------------


def about_its_first_sentence(engine: StoryEngine, count: int) -> list[Figure]:
    """Measure whether hero, thing, place and wish of the first sentence are the story's."""
    hits: dict[str, list[bool]] = {key: [] for key in ("hero", "thing", "place", "wish", "all")}
    texts = []
    for number, opening in enumerate(inputs.openings()[:count]):
        panels, _ = go_on(engine, [Turn(opening.text)] + [Turn()] * 6, number)
        own = [panel.own for panel in panels[:5]]
        together = " ".join(own)
        found: dict[str, bool] = {}
        if opening.heroes:
            needed = max(1, len(own) // 2)
            found["hero"] = all(
                sum(names(text, hero) for text in own[1:] or own) >= min(needed, 2)
                for hero in opening.heroes[:1]
            ) and all(names(together, hero) for hero in opening.heroes)
        if opening.thing:
            found["thing"] = names(together, opening.thing)
        if opening.place:
            others = [p for p in PLACES if p != opening.place and PLACES[p].at in own[0]]
            found["place"] = not others
        if opening.wish:
            wanted = content_words(opening.wish, [*opening.heroes, opening.thing])
            told = content_words(together, [*opening.heroes, opening.thing])
            found["wish"] = not wanted or bool(wanted & told)
        early = set().union(*(events_of(panel.own) for panel in panels[:2]))
        begins = not any(name.startswith(("met ", "up ", "end")) for name in early)
        found["all"] = begins and all(found.values())
        for key, hit in found.items():
            hits[key].append(hit)
        missed = [key for key, hit in found.items() if not hit and key != "all"]
        texts.append(_written(opening.text, panels, ", ".join(missed)))
    goals = {"all": 0.9, "hero": 0.95, "thing": 0.9, "place": 0.95, "wish": 0.9}
    labels = {"all": "tale is about its first sentence"}
    return [
        share(labels.get(key, f"… {key} kept"), hits[key], goal, texts if key == "all" else [])
        for key, goal in goals.items()
        if hits[key]
    ]


def image_alone(engine: StoryEngine, count: int) -> list[Figure]:
    """Measure whether the story of an image without words has its characters, thing and place."""
    import random

    hits: dict[str, list[bool]] = {"hero": [], "thing": [], "place": []}
    texts = []
    for number in range(count):
        rng = random.Random(f"agency/{number}")
        scene = random_scene(rng, num_actors=1)
        while not scene.things or scene.dark:
            scene = random_scene(rng, num_actors=1)
        image = render_image(scene, engine.config.detokenizer.image_size)
        panels, _ = go_on(engine, [Turn(image=image, complete=False)] + [Turn()] * 3, number)
        together = " ".join(panel.text for panel in panels)
        hits["hero"].append(names(together, scene.actors[0].species))
        hits["thing"].append(names(together, scene.things[0].kind))
        others = [p for p in PLACES if p != scene.place and PLACES[p].at in panels[1].text]
        hits["place"].append(not others)
        shown = f"{scene.actors[0].species}, {scene.things[0].kind}, {scene.place}"
        texts.append(_written(shown, panels))
    goals = {"hero": 0.95, "thing": 0.85, "place": 0.95}
    return [
        share(f"image alone: {key}", hits[key], goal, texts if key == "hero" else [])
        for key, goal in goals.items()
    ]


# --- what a reader's line does --------------------------------------------------------------------


def consequences(engine: StoryEngine, count: int) -> list[Figure]:
    """Measure whether a line in the middle is reacted to and never contradicted."""
    reacted, contradicted, texts = [], [], []
    for number, line in enumerate(inputs.lines()[:count]):
        before = " ".join(line.before)
        turns = [Turn(before, complete=False), Turn(line.text), *[Turn()] * 6]
        panels, _ = go_on(engine, turns, number, past_end=True)
        near = " ".join(panel.own for panel in panels[1:3])
        who = [word for word in line.reaction.replace(",", " ").split()[:3] if word[:1].isupper()]
        meant = content_words(f"{line.consequence} {line.text}") - content_words(before)
        somebody = not who or any(names(near, inputs.known(name)) for name in who)
        reacted.append(somebody and bool(meant & content_words(near)))
        wrong = content_words(line.contradicted_by)
        later = [s for panel in panels[2:] for s in sentences(panel.own)]
        against = max((len(wrong & content_words(s)) for s in later), default=0)
        contradicted.append(bool(wrong) and against >= 0.7 * len(wrong))
        texts.append(_written(line.text, panels, f"must follow: {line.consequence}"))
    return [
        share("reader's line: reacted to within two panels", reacted, 0.9, texts),
        few("… contradicted in the next six", contradicted, 0.03, []),
    ]


def ends_differ(engine: StoryEngine, count: int) -> list[Figure]:
    """Measure whether two branches that differ in one line end differently."""
    hits, texts = [], []
    for number, pair in enumerate(inputs.pairs()[:count]):
        _, pasts = go_on(engine, [Turn(pair.opening)], number)
        ends = []
        for line in (pair.line_a, pair.line_b):
            panels, _ = go_on(engine, [Turn(line)] + [Turn()] * 10, number, past=pasts[0])
            ends.append(panels)
            texts.append(_written(pair.opening + " / " + line, panels))
        hits.append(are_different(*(" ".join(p.own for p in panels[-3:]) for panels in ends)))
    return [share("the end differs when the line differs", hits, 0.85, texts)]


def are_different(one: str, other: str) -> bool:
    """Return whether two texts tell different things: other events, or few words in common."""
    a, b = events_of(one), events_of(other)
    if a and b:
        return not a & b or len(a & b) < len(a | b) / 3
    first, second = content_words(one), content_words(other)
    return len(first & second) < 0.35 * min(len(first), len(second) or 1)


def three_ways(engine: StoryEngine, count: int) -> list[Figure]:
    """Measure whether three alternatives tell three different things."""
    hits, texts = [], []
    for number, opening in enumerate(inputs.openings()[:count]):
        _, pasts = go_on(engine, [Turn(opening.text)], number)
        sampling = sampling_of(engine, number)
        requests = [
            TurnRequest(sampling=sampling, image_seed=way, any_seed=True, num_inference_steps=1)
            for way in range(3)
        ]
        results = {
            index: event
            for index, event in engine.alternatives(pasts[0], requests)
            if isinstance(event, TurnResult)
        }
        ways = [results[index].text for index in range(3)]
        hits.append(all(are_different(ways[a], ways[b]) for a, b in ((0, 1), (0, 2), (1, 2))))
        texts.append("\n".join([f"# {opening.text}", *ways]))
    return [share("three ways: three different events", hits, 0.9, texts)]


def ten_seeds(engine: StoryEngine, count: int) -> list[Figure]:
    """Measure how many different second panels ten seeds give."""
    numbers, texts = [], []
    for opening in inputs.openings()[:count]:
        _, pasts = go_on(engine, [Turn(opening.text, complete=False)], 0)
        seen: list[str] = []
        for seed in range(10):
            panels, _ = go_on(engine, [Turn()], seed + 1, past=pasts[0])
            if all(are_different(panels[0].text, other) for other in seen):
                seen.append(panels[0].text)
        numbers.append(len(seen))
        texts.append("\n".join([f"# {opening.text}", *seen]))
    mean = sum(numbers) / len(numbers)
    name = "ten seeds of one opening: different second panels"
    return [Figure(name, "≥ 6", mean >= 6, number=mean, texts=texts)]


# --- variety --------------------------------------------------------------------------------------


def variety(engine: StoryEngine, count: int) -> list[Figure]:
    """Measure how many sentences stories share, apart from names."""
    forms: Counter[str] = Counter()
    texts = []
    for number, opening in enumerate(inputs.openings()[:count]):
        panels, _ = go_on(engine, [Turn(opening.text)] + [Turn()] * 13, number)
        told = {form(s) for panel in panels for s in sentences(panel.own)}
        forms.update(f for f in told if len(f.split()) >= SHORTEST)
        texts.append(_written(opening.text, panels))
    total = sum(forms.values())
    shared = sum(n for n in forms.values() if n > 1) / max(1, total)
    stock = max(forms.values(), default=0) / count
    return [
        Figure(
            "sentence forms in two or more stories, %",
            "≤ 25",
            shared <= 0.25,
            number=100 * shared,
            texts=texts,
        ),
        Figure("stories with the commonest form, %", "≤ 8", stock <= 0.08, number=100 * stock),
    ]


def plots(engine: StoryEngine, count: int) -> list[Figure]:
    """Measure how many different plots `a story about Mira and a ball` gets, told many times."""
    found, texts = set(), []
    for number in range(count):
        turns = [Turn("a story about Mira and a ball")] + [Turn()] * 12
        panels, _ = go_on(engine, turns, number)
        told = [events_of(panel.own) for panel in panels]
        wish = next((e for events in told for e in sorted(events) if e.startswith("wish ")), "")
        deeds = [e for events in told for e in sorted(events) if " " not in e and e != "end"]
        found.add((wish, *deeds[:1], *deeds[-1:]))
        texts.append(_written(str(number), panels))
    return [
        Figure(
            f"one request, {count} times: different plots",
            f"≥ {0.75 * count:.0f}",
            len(found) >= 0.75 * count,
            number=float(len(found)),
            texts=texts,
        )
    ]


def sixty_panels(engine: StoryEngine, count: int) -> list[Figure]:
    """Measure the sentences that come twice in sixty panels."""
    shares, texts = [], []
    for number, opening in enumerate(inputs.openings()[:count]):
        turns = [Turn(opening.text)] + [Turn()] * 59
        panels, _ = go_on(engine, turns, number, past_end=True)
        told = [s for panel in panels for s in sentences(panel.own) if len(s.split()) >= SHORTEST]
        shares.append(1 - len(set(told)) / max(1, len(told)))
        texts.append(_written(opening.text, panels))
    mean = 100 * sum(shares) / len(shares)
    name = "60 panels: sentences repeated, %"
    return [Figure(name, "≤ 3", mean <= 3, number=mean, texts=texts)]


def to_be_read(name: str) -> Callable[[StoryEngine, int], list[Figure]]:
    """Return a measurement without a figure: the texts after each `wishes` or `hostile` line."""

    def tell(engine: StoryEngine, count: int) -> list[Figure]:
        texts = []
        for number, text in enumerate(inputs.texts(name)[:count]):
            panels, _ = go_on(engine, [Turn(text), Turn(), Turn()], number)
            texts.append(_written(text, panels))
        return [
            Figure(f"{name}: {len(texts)} to be read", "–", True, number=len(texts), texts=texts)
        ]

    return tell


def turned_away(engine: StoryEngine, count: int) -> list[Figure]:
    """Measure which lines become hints because a rule finds them unkind or unreadable."""
    hostile = inputs.texts("hostile")[:count]
    kind = [opening.text for opening in inputs.openings()]
    kind += [line.text for line in inputs.lines()] + inputs.texts("wishes")

    def found(lines: Sequence[str]) -> list[str]:
        lexicon = engine.lexicon
        return [text for text in lines if is_unkind(text) or not lexicon.is_readable(text)]

    rightly, wrongly = found(hostile), found(kind[:count])
    caught = wilson([text in rightly for text in hostile])
    return [
        Figure("hostile lines that a rule turns away", "–", True, caught, texts=rightly),
        few("kind lines turned away", [text in wrongly for text in kind[:count]], 0.01, wrongly),
    ]


FIGURES: dict[str, tuple[Callable[[StoryEngine, int], list[Figure]], int]] = {
    "openings": (about_its_first_sentence, 200),
    "images": (image_alone, 60),
    "lines": (consequences, 200),
    "pairs": (ends_differ, 60),
    "ways": (three_ways, 40),
    "seeds": (ten_seeds, 12),
    "variety": (variety, 24),
    "plots": (plots, 24),
    "long": (sixty_panels, 4),
    "painted": (painted, 30),
    "wishes": (to_be_read("wishes"), 40),
    "hostile": (to_be_read("hostile"), 300),
    "turned-away": (turned_away, 1000),
}
"""Every measurement and its number of inputs."""
__all__ = ["FIGURES", "Figure", "Past", "are_different"]
