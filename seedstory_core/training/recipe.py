"""The recipe: its steps by name and in order, and the code of each.

`classifier`, `vae`, `preview` and `vision` learn from drawn images; `data` writes the stories,
`base` cuts the base language model to size, `language` trains it on the stories' words; `features`
and `latents` run the frozen image models over their images; then come the three stages of the
paper: `detokenizer` (1), `story_lm` (2), `regress` and `detokenizer_stage3` (3). `export` packs the
weights, and `import_weights` does the opposite: it copies the shipped weights into a run folder, so
that single later stages can be trained on their own or further.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from seedstory_core.training.plan import DataPlan, Plan
from seedstory_core.training.prepare import base_model, caches, data, export, regress
from seedstory_core.training.runs import Runs
from seedstory_core.training.stage import Stage
from seedstory_core.training.stages import (
    classifier,
    detokenizer,
    language,
    preview,
    story_lm,
    vae,
    vision,
)


@dataclass(frozen=True)
class Trained:
    """A step that trains.

    Attributes:
        build: Builds its stage.
        plan: The class of its plan.
    """

    build: Callable[[Runs, Plan], Stage]
    plan: type[Plan] = Plan


Prepared = Callable[[Runs, DataPlan], None]
"""A step that does not train."""

STEPS: dict[str, Trained | Prepared] = {
    "classifier": Trained(classifier.build),
    "vae": Trained(vae.build),
    "preview": Trained(preview.build),
    "vision": Trained(vision.build),
    "data": data.write,
    "base": base_model.make,
    "language": Trained(language.build, language.StoryPlan),
    "features": caches.features,
    "latents": caches.latents,
    "detokenizer": Trained(detokenizer.build),
    "story_lm": Trained(story_lm.build, language.StoryPlan),
    "regress": regress.regress,
    "detokenizer_stage3": Trained(detokenizer.build_stage_3),
    "export": export.export,
}
"""In the order in which `all` does them."""
ON_REQUEST: dict[str, Prepared] = {"import_weights": export.import_weights}
"""Steps that `all` leaves out."""


def build(name: str, runs: Runs, plan: Plan) -> Stage:
    """Build the stage of a step that trains.

    If the run folder holds weights but no training state (`import_weights`), training starts from
    those weights.
    """
    step = STEPS[name]
    assert isinstance(step, Trained)
    stage = step.build(runs, plan)
    if runs.weights(name).exists() and not (runs.folder / name / "state").exists():
        runs.start(name, stage.trained)
    return stage
