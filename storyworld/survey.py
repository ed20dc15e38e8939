"""Measure variety and readability of the stories: `python -m storyworld.survey --stories 24`.

Prints the size of the text files and, for stories told without readers, the share of sentence forms
(`parsing.form`) that occur in two or more stories and the share of panels that are read back as the
event they tell.
"""

from __future__ import annotations

import argparse
from collections import Counter

from storyworld.event import events
from storyworld.parsing import form, read_caption, sentences
from storyworld.stories import tell
from storyworld.texts import wish_kinds


def inventory() -> str:
    """Return the size of the text files."""
    found = events().values()
    lines = sum(len(e.do) + len(e.tell) + len(e.after) + len(e.say) + len(e.why) for e in found)
    readings = sum(pattern.num_readings for e in found for pattern in (*e.do, *e.tell))
    return (
        f"{len(events())} events, {len(wish_kinds())} kinds of wish, {lines} lines, "
        f"{readings} readings of deeds"
    )


def survey(first: int, count: int, split: str = "test") -> str:
    """Return figures over stories without readers, seeds `first` to `first + count - 1`."""
    stories: Counter[str] = Counter()
    panels = read = 0
    kinds: Counter[str] = Counter()
    for seed in range(first, first + count):
        story = tell(seed, split, reader_share=0.0)[0]
        forms = set()
        for panel in story.panels:
            panels += 1
            read += panel.event in {match.name for match in read_caption(panel.text)}
            forms |= {form(sentence) for sentence in sentences(panel.text)}
        stories.update(forms)
        kinds.update(kind for kind, _, _ in story.wishes)
    shared = sum(number for number in stories.values() if number > 1) / sum(stories.values())
    return (
        f"{count} stories, {panels} panels, {len(kinds)} kinds of wish: {100 * shared:.1f} % of "
        f"the sentence forms in two or more stories, {100 * read / panels:.1f} % of the panels "
        "read back"
    )


def main() -> None:
    """Print both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stories", type=int, default=24)
    parser.add_argument("--first", type=int, default=0)
    given = parser.parse_args()
    print(inventory())
    print(survey(given.first, given.stories))


if __name__ == "__main__":
    main()
