"""Measure the shipped model: `python -m seedstory_core.evaluation all`.

Prints the model card's tables from the weights the configuration names. Every number comes from
stories, sentences and images that training never saw, made from fixed seeds. Measurements:

`ladder`    real images (the classifier's own ceiling), the codec's round trip, images drawn
            from true features, and from the features regressed with true captions.
`stories`   the model's own stories: images of its captions, with majority and shuffled baselines;
            understood captions, repeated sentences, endings, names and colours.
`steer`     images of readers' sentences, over half of them in paraphrases training never saw.
`openings`  first sentences typed by hand: what their images show, and who comes in unasked.
`long`      25 panels from the ten-panel model: panels 1-10 against 16-25, per policy.
`newcomers` whom the model expects where a story introduces somebody: strangers, or those there.

With `--out` the stories are also written there in full.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch

from seedstory_core.config import StudioConfig, load_config, project_path
from seedstory_core.engine import StoryEngine
from seedstory_core.engine.build import build_engine
from seedstory_core.errors import SeedStoryError
from seedstory_core.evaluation import measure
from seedstory_core.evaluation.classifier import AttributeClassifier
from seedstory_core.evaluation.goals import verdict
from seedstory_core.evaluation.scores import Share, table
from seedstory_core.weights.checkpoint import load_weights, read_weights

MEASUREMENTS: dict[str, Callable[[StoryEngine, AttributeClassifier, int], measure.Result]] = {
    "ladder": measure.ladder,
    "stories": measure.stories,
    "steer": measure.steer,
    "openings": measure.openings,
    "long": measure.long,
    "newcomers": measure.newcomers,
}


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m seedstory_core.evaluation", description=__doc__
    )
    parser.add_argument("what", choices=(*MEASUREMENTS, "all"))
    parser.add_argument("--config", default=None)
    parser.add_argument("--set", dest="overrides", nargs="*", default=[], metavar="KEY=VALUE")
    parser.add_argument("--stories", type=int, default=50, help="stories, or cases / 10")
    parser.add_argument("--out", type=Path, default=None, help="also write JSON and stories here")
    arguments = parser.parse_args()
    try:
        config = load_config(arguments.config, arguments.overrides)
        engine = build_engine(config)
        classifier = engine.run(lambda: load_classifier(config))
    except SeedStoryError as error:
        parser.exit(1, f"Nothing was measured. {error}\n")
    names = list(MEASUREMENTS) if arguments.what == "all" else [arguments.what]
    print(
        f"{platform.machine()}, {torch.get_num_threads()} threads, weights {engine.fingerprint}\n"
    )
    columns = {}
    for name in names:
        started = time.monotonic()
        result = MEASUREMENTS[name](engine, classifier, arguments.stories)
        print(f"## {name}\n")
        if result.columns:
            print(table(result.columns) + "\n")
        if result.classes:
            print("By answer, with the number of questions:\n")
            print(table(result.classes, counts=True) + "\n")
        for line in result.lines:
            print(f"- {line}")
        print(f"\n({time.monotonic() - started:.0f} s)\n", flush=True)
        columns[name] = result.columns
        if arguments.out is not None:
            write(arguments.out, name, result)
    if arguments.what == "all":
        print(f"## goals\n\n{verdict(columns)}\n")
    return 0


def load_classifier(config: StudioConfig) -> AttributeClassifier:
    """Load the attribute classifier from beside the model's weights."""
    classifier = AttributeClassifier()
    path = project_path(config.runtime.weights_folder) / "classifier.safetensors"
    load_weights(classifier, read_weights(path), path)
    return classifier.eval()


def write(folder: Path, name: str, result: measure.Result) -> None:
    """Write a result as JSON, and its texts and sheets as files."""
    folder.mkdir(parents=True, exist_ok=True)

    def plain(share: Share) -> dict[str, float]:
        return {key: round(value, 4) for key, value in dataclasses.asdict(share).items()}

    content = {
        name: {
            column: {metric: plain(share) for metric, share in shares.items()}
            for column, shares in columns.items()
        }
        for name, columns in (("columns", result.columns), ("classes", result.classes))
    } | {"lines": result.lines}
    (folder / f"{name}.json").write_text(json.dumps(content, indent=1) + "\n")
    if result.stories:
        (folder / f"{name}.txt").write_text(result.stories)
    for number, sheet in enumerate(result.sheets):
        sheet.save(folder / f"{name}-{number + 1}.png")


if __name__ == "__main__":
    sys.exit(main())
