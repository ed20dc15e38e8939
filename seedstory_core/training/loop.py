"""One training loop for every stage: resumable at any step, logged, with sample sheets.

A stage has the model, makes batch number `i`, and computes the loss. A batch depends on its number
alone and every step seeds its own noise, so a run that was stopped and resumed sees exactly what an
uninterrupted run would have seen. `accelerate` places the model, runs autocast, averages gradients
over processes and saves the state.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from accelerate import Accelerator, PartialState
from diffusers.training_utils import EMAModel
from torch.utils.data import DataLoader, Dataset

from seedstory_core.training.optimizer import build_optimizer
from seedstory_core.training.plan import Plan
from seedstory_core.training.precision import has_fast_bfloat16
from seedstory_core.training.stage import Batch, Stage

EMA_POWER = 0.75
"""The average's decay rises to the plan's: after `n` steps it is 1 - (1 + n)^-power."""
SEED_STRIDE, STEP_STRIDE = 1_000_003, 64
"""Distance between the noise seeds of two plan seeds (a prime) and two steps (at most so many
processes)."""


class _Batches(Dataset[Batch]):
    def __init__(self, stage: Stage, plan: Plan, process: int, num_processes: int) -> None:
        self.stage, self.plan = stage, plan
        self.process, self.num_processes = process, num_processes

    def __len__(self) -> int:
        return self.plan.steps

    def __getitem__(self, step: int) -> Batch:
        number = step * self.num_processes + self.process
        return self.stage.make_batch(number, self.plan.batch_size)


class _Progress:
    def __init__(self, step: int) -> None:
        self.step = step
        self.seconds = 0.0

    def state_dict(self) -> dict[str, Any]:
        return {"step": self.step, "seconds": self.seconds}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.step, self.seconds = state["step"], state["seconds"]


def train(stage: Stage, plan: Plan, run: Path, *, max_minutes: float | None = None) -> bool:
    """Train a stage in its run folder, resuming at the last checkpoint there.

    The folder gets `log.csv`, `sheets/`, `state/` (the checkpoint), `plan.json`. When the plan is
    done, the averaged weights are left in the model. SIGTERM and SIGINT save and return.

    Args:
        stage: The stage to train.
        plan: Its plan.
        run: Folder of this run, created if missing.
        max_minutes: Save and return after this many minutes.

    Returns:
        True when the plan is done, False when there are steps left.
    """
    training = _Training(stage, plan, run)
    started = saved = time.monotonic()
    with _stop_signals() as asked:
        for batch in training.batches():
            training.step(batch)
            now = time.monotonic()
            out_of_time = max_minutes is not None and now - started > max_minutes * 60
            # Looked at once: a signal that comes during the sheet stops after the next step, saved.
            stops = bool(asked) or out_of_time
            if stops or now - saved > plan.save_minutes * 60:
                training.save()
                saved = now
            if training.progress.step % plan.sheet_every == 0:
                training.draw_sheet()
            if stops:
                break
    done = training.progress.step >= plan.steps
    if done:
        training.save()
        training.use_average()
    return done


@contextmanager
def _stop_signals() -> Iterator[list[int]]:
    """Collect the signals that ask to stop; meanwhile none of them ends the process."""
    asked: list[int] = []

    def stop(number: int, frame: FrameType | None) -> None:
        asked.append(number)

    previous = {n: signal.signal(n, stop) for n in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield asked
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


class _Training:
    """A stage with its optimizer, its averaged weights and its run folder."""

    def __init__(self, stage: Stage, plan: Plan, run: Path) -> None:
        torch.set_num_threads(plan.num_threads)
        self.stage, self.plan, self.run = stage, plan, run
        self.accelerator = _accelerator(plan)
        if self.accelerator.device.type == "cpu":
            # One thread per process: a second autograd thread would only compete for the same core.
            torch.autograd.set_multithreading_enabled(False)
        optimizer = build_optimizer(
            stage.model,
            name=plan.optimizer,
            learning_rate=plan.learning_rate,
            beta2=plan.beta2,
            weight_decay=plan.weight_decay,
        )
        self.trainable = [weight for weight in stage.model.parameters() if weight.requires_grad]
        self.model, self.optimizer = self.accelerator.prepare(stage.model, optimizer)
        self.average = EMAModel(
            self.trainable, decay=plan.ema_decay, use_ema_warmup=True, power=EMA_POWER
        )
        self.average.to(self.accelerator.device)
        self.progress = _Progress(plan.first_step)
        self.accelerator.register_for_checkpointing(self.progress, self.average)
        self.log = _Log(run / "log.csv")
        run.mkdir(parents=True, exist_ok=True)
        self._load()
        if self.accelerator.is_main_process:
            (run / "plan.json").write_text(json.dumps(asdict(plan), indent=1))

    def batches(self) -> DataLoader[Batch]:
        """Return the batches of the steps that are left."""
        accelerator = self.accelerator
        self._started = time.monotonic() - self.progress.seconds
        self.model.train()
        return DataLoader(
            _Batches(self.stage, self.plan, accelerator.process_index, accelerator.num_processes),
            batch_size=None,
            sampler=range(self.progress.step, self.plan.steps),
            num_workers=self.plan.num_workers,
            persistent_workers=False,
        )

    def step(self, batch: Batch) -> None:
        """Train on one batch."""
        accelerator, step = self.accelerator, self.progress.step
        noise = self.plan.seed * SEED_STRIDE + step * STEP_STRIDE + accelerator.process_index
        torch.manual_seed(noise)
        rate = self.plan.rate(step)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        batch = {name: tensor.to(accelerator.device) for name, tensor in batch.items()}
        with accelerator.autocast():
            loss, figures = self.stage.loss(self.model, batch, step)
        accelerator.backward(loss)
        norm = accelerator.clip_grad_norm_(self.trainable, self.plan.max_grad_norm)
        if torch.isfinite(norm):
            self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.average.step(self.trainable)
        self.progress.step = step + 1
        self.progress.seconds = time.monotonic() - self._started
        self.log.add({"loss": float(loss.detach()), **figures})
        if self.progress.step % self.plan.log_every == 0 and accelerator.is_main_process:
            self.log.write(self.progress, rate)

    def draw_sheet(self) -> None:
        """Draw a sample sheet with the averaged weights."""
        if not self.accelerator.is_main_process:
            return
        self.average.store(self.trainable)
        self.average.copy_to(self.trainable)
        self._sheet(f"{self.progress.step:07d}")
        self.model.train()
        self.average.restore(self.trainable)

    def use_average(self) -> None:
        """Leave the averaged weights in the model, and draw the last sheet."""
        self.average.copy_to(self.trainable)
        if self.accelerator.is_main_process:
            self._sheet("final")

    def _sheet(self, name: str) -> None:
        folder = self.run / "sheets"
        folder.mkdir(exist_ok=True)
        self.model.eval()
        with torch.no_grad():
            model = self.accelerator.unwrap_model(self.model)
            self.stage.draw_sheet(model, folder / f"{name}.png")

    def _load(self) -> None:
        state = self.run / "state"
        if not state.exists() and (self.run / "state.old").exists():
            (self.run / "state.old").rename(state)
        if state.exists():
            self.accelerator.load_state(str(state))
            self.average.to(self.accelerator.device)  # accelerate loads it to the CPU
            self.average.decay = self.plan.ema_decay  # a new phase may average over fewer steps

    def save(self) -> None:
        """Save beside the old state, then swap: a kill at any moment leaves one whole state."""
        state, accelerator = self.run / "state", self.accelerator
        fresh, old = state.with_suffix(".new"), state.with_suffix(".old")
        if accelerator.is_main_process:
            shutil.rmtree(fresh, ignore_errors=True)
        accelerator.wait_for_everyone()
        accelerator.save_state(str(fresh))
        accelerator.wait_for_everyone()
        if accelerator.is_main_process:
            shutil.rmtree(old, ignore_errors=True)
            if state.exists():
                os.rename(state, old)
            os.rename(fresh, state)
            shutil.rmtree(old, ignore_errors=True)


def _accelerator(plan: Plan) -> Accelerator:
    precision = plan.mixed_precision
    if precision == "auto":
        precision = "bf16" if has_fast_bfloat16(PartialState().device) else "no"
    return Accelerator(mixed_precision=precision)


class _Log:
    """Means of the figures since the last line of a CSV file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._sums: dict[str, float] = {}
        self._count = 0

    def add(self, figures: dict[str, float]) -> None:
        for name, value in figures.items():
            self._sums[name] = self._sums.get(name, 0.0) + value
        self._count += 1

    def write(self, progress: _Progress, rate: float) -> None:
        row = {
            "step": progress.step,
            "seconds": round(progress.seconds, 1),
            "learning_rate": f"{rate:.3g}",
            **{name: f"{value / self._count:.5g}" for name, value in self._sums.items()},
        }
        self._sums, self._count = {}, 0
        fresh = not self.path.exists()
        with self.path.open("a", newline="") as file:
            writer = csv.DictWriter(file, fieldnames=list(row))
            if fresh:
                writer.writeheader()
            writer.writerow(row)
