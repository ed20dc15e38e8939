"""Plans of the recipe's steps: the fields of `configs/train/*.yaml`."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch


@dataclass(frozen=True)
class SchedulePhase:
    """An earlier phase of a training.

    Attributes:
        steps: Its last step, counted from the start of the training.
        learning_rate: Its highest learning rate.
        planned_steps: The step at which its cosine would have reached the floor; 0 is `steps`.
        final_learning_rate: The floor of its cosine, as a fraction; 0 takes the plan's.
    """

    steps: int
    learning_rate: float
    planned_steps: int = 0
    final_learning_rate: float = 0.0


@dataclass(frozen=True)
class Plan:
    """How long and how fast a stage trains.

    Attributes:
        steps: All optimizer steps; the learning rate reaches its floor at the last one.
        first_step: Where a training resumes that only has its weights left (`import_weights`).
        batch_size: Samples per process and step.
        phases: Earlier phases of the same training, in order; each follows a cosine of its own.
        learning_rate: The highest learning rate, reached after `warmup_steps`.
        final_learning_rate: The floor of the cosine, as a fraction of `learning_rate`.
        optimizer: `muon` (matrices and convolutions by Muon, the rest by AdamW) or `adamw`.
        ema_decay: Decay of the averaged weights, which are the ones saved for use.
        num_workers: Processes that make batches; 0 makes them in the training process.
        save_minutes: Minutes between checkpoints.
        mixed_precision: `bf16`, `no`, or `auto`: bf16 where the hardware computes it fast.
        num_threads: CPU threads of this process. Several processes of one thread are faster than
            one process of several.
    """

    steps: int
    batch_size: int
    learning_rate: float
    warmup_steps: int = 200
    final_learning_rate: float = 0.02
    weight_decay: float = 0.01
    beta2: float = 0.99
    max_grad_norm: float = 1.0
    optimizer: str = "muon"
    ema_decay: float = 0.999
    seed: int = 0
    num_workers: int = 0
    save_minutes: float = 10.0
    log_every: int = 50
    sheet_every: int = 2000
    mixed_precision: str = "auto"
    num_threads: int = 1
    phases: list[SchedulePhase] = field(default_factory=list)
    first_step: int = 0

    def rate(self, step: int) -> float:
        """Return the learning rate at a step: linear warm-up, then half a cosine."""
        last = SchedulePhase(self.steps, self.learning_rate)
        floor = self.final_learning_rate
        phase = next((one for one in self.phases if step < one.steps), last)
        if step < self.warmup_steps:
            return phase.learning_rate * (step + 1) / self.warmup_steps
        end = phase.planned_steps or phase.steps
        done = (step - self.warmup_steps) / max(1, end - self.warmup_steps)
        fall = 0.5 * (1 + torch.cos(torch.tensor(min(1.0, done) * torch.pi)).item())
        low = phase.final_learning_rate or floor
        return phase.learning_rate * (low + (1 - low) * fall)


@dataclass(frozen=True)
class DataPlan:
    """The amount of training data: the plan of the steps that do not train.

    Attributes:
        stories: Stories of the training split.
        told_stories: Further training stories without images; only their words are learned.
        validation_stories: Stories that training never sees.
        scenes: Loose scenes, drawn for the image models.
        drawn_pictures: Number of the stories' images that stages 1 and 3 learn to draw.
        begins_with_base: Whether stage 2 begins with the base language model or with nothing.
        english_words: Number of the most frequent English words that keep their tokens.
    """

    stories: int
    told_stories: int
    validation_stories: int
    scenes: int
    drawn_pictures: int
    begins_with_base: bool = True
    english_words: int = 8000
