"""Do one step of a recipe: `python -m seedstory_core.training vae --runs train-runs/tiny`.

A stage that trains resumes at its last checkpoint and writes `<runs>/<stage>/weights.safetensors`
(float32, averaged) when its plan is done. `recipe.py` lists the steps in order. Stages that do not
need each other may train at the same time, one process each. `all` does every step in turn.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar, cast

import torch
from omegaconf import DictConfig, OmegaConf

from seedstory_core.config import load_config
from seedstory_core.training.loop import train
from seedstory_core.training.plan import DataPlan, Plan
from seedstory_core.training.recipe import ON_REQUEST, STEPS, Trained, build
from seedstory_core.training.runs import Runs

PlanType = TypeVar("PlanType", Plan, DataPlan)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0 when the stage's plan is done, 3 when there are steps left."""
    parser = argparse.ArgumentParser(prog="python -m seedstory_core.training", description=__doc__)
    parser.add_argument("step", choices=(*STEPS, *ON_REQUEST, "all"))
    parser.add_argument("--runs", type=Path, default=Path("train-runs/tiny"), help="run folder")
    parser.add_argument("--recipe", type=Path, default=Path("configs/train/next.yaml"))
    parser.add_argument("--config", default="configs/next.yaml", help="model configuration")
    parser.add_argument("--minutes", type=float, default=None, help="save and stop after this long")
    parser.add_argument(
        "--set", dest="overrides", nargs="*", default=[], metavar="FIELD=VALUE", help="plan fields"
    )
    arguments = parser.parse_args(argv)
    if arguments.step == "all" and arguments.overrides:
        parser.error("--set changes the plan of one step: name it instead of all.")

    names = tuple(STEPS) if arguments.step == "all" else (arguments.step,)
    for name in names:
        if not _do(name, arguments):
            print(f"{name} stopped early; the same command goes on.")
            return 3
    return 0


def _do(name: str, arguments: argparse.Namespace) -> bool:
    """Do one step, and return whether it is done."""
    runs = Runs(arguments.runs, load_config(arguments.config))
    recipe = cast(DictConfig, OmegaConf.load(arguments.recipe))

    def read_plan(kind: type[PlanType], name: str) -> PlanType:
        changes = OmegaConf.from_dotlist(arguments.overrides)
        values = OmegaConf.merge(OmegaConf.structured(kind), recipe[name], changes)
        return cast(PlanType, OmegaConf.to_object(values))

    step = STEPS.get(name) or ON_REQUEST[name]
    if not isinstance(step, Trained):
        torch.set_num_threads(1)
        step(runs, read_plan(DataPlan, "data"))
        return True
    plan = read_plan(step.plan, name)
    stage = build(name, runs, plan)
    if not train(stage, plan, runs.folder / name, max_minutes=arguments.minutes):
        return False
    stage.finish(runs.folder / name)
    print(f"{name} is done: {runs.weights(name)}")
    return True


if __name__ == "__main__":
    sys.exit(main())
