"""Stages 1 and 3: train the de-tokenizer to draw from visual features.

Stage 1 draws from the image encoder's features. Stage 3 adapts the de-tokenizer to the features
that the story model regresses, mixed half and half with true ones so that it does not forget them;
loose scenes, which have only true ones, keep it able to draw what stories seldom show.

Source: SEED-Story (arXiv:2407.08683), section 3.3.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from seedstory_core.config import DeTokenizerConfig
from seedstory_core.models.detokenizer import DeTokenizer
from seedstory_core.training.cache import ImageCache, take
from seedstory_core.training.features import jitter
from seedstory_core.training.plan import Plan
from seedstory_core.training.runs import Runs
from seedstory_core.training.sheets import save_rows
from seedstory_core.training.stage import Batch, Stage


class DeTokenizerStage(Stage):
    """One de-noising step per image; faces and props weigh more."""

    def __init__(
        self,
        name: str,
        config: DeTokenizerConfig,
        caches: Sequence[ImageCache],
        zero_features: Tensor,
        *,
        regressed: np.ndarray | None = None,
    ) -> None:
        """Prepare a stage.

        Args:
            name: Name of the stage.
            config: The de-tokenizer's numbers, the codec's scale included.
            caches: Images to draw.
            zero_features: `[1, V, C]`, features of an all-zero image, for condition dropout.
            regressed: `[N, V, C]`, the story model's features of the first cache's images; stage
                3 draws every other one of these from them.
        """
        torch.manual_seed(14)
        self.name = name
        self.model: nn.Module = DeTokenizer(config)
        for parameter in self.model.vae.parameters():
            parameter.requires_grad_(False)
        self.caches = list(caches)
        self.ends = np.cumsum([len(cache.latents) for cache in caches])
        self.zero_features = zero_features.float()
        self.regressed = regressed

    def make_batch(self, number: int, size: int) -> Batch:
        """Take `size` images, each once before any comes again."""
        count = int(self.ends[-1])
        epoch, place = divmod(number * size, count)
        order = np.random.default_rng(1000 + epoch).permutation(count)
        rows = np.take(order, range(place, place + size), mode="wrap")
        features = self._take("features", rows)
        if self.regressed is not None:
            # Cosine regression leaves the length open, so both kinds get the true length.
            chosen = np.flatnonzero((np.arange(size) % 2 > 0) & (rows < self.ends[0]))
            features[chosen] = take(self.regressed, rows[chosen])
        return {
            "latents": self._take("latents", rows),
            "weights": self._take("weights", rows)[:, None],
            "features": features,
        }

    def loss(self, model: nn.Module, batch: Batch, step: int) -> tuple[Tensor, dict[str, float]]:
        """Return the mean squared error of the predicted velocity."""
        features = batch["features"]
        if self.regressed is None:
            features = jitter(features)
        latents = batch["latents"]
        weights = batch["weights"] / batch["weights"].mean()
        loss = model.loss(  # type: ignore[operator]
            features,
            latents=latents,
            negative_visual_features=self.zero_features.to(features.device),
            weights=weights,
        )
        return loss, {}

    @torch.no_grad()
    def draw_sheet(self, model: nn.Module, path: Path) -> None:
        """Write codec round trips above drawings from true and, in stage 3, regressed features."""
        rows = np.linspace(0, self.ends[0] - 1, 12).astype(int)
        device = next(model.parameters()).device
        latents = self._take("latents", rows).to(device)
        shown = [model.decode(latents)]  # type: ignore[operator]
        shown.append(model.draw(self._take("features", rows).to(device)))  # type: ignore[operator]
        if self.regressed is not None:
            shown.append(model.draw(take(self.regressed, rows).to(device)))  # type: ignore[operator]
        save_rows([part * 2 - 1 for pixels in shown for part in pixels.split(6)], path)

    def _take(self, name: str, rows: np.ndarray) -> Tensor:
        """Return rows of the concatenated caches as float32."""
        parts = []
        for row in rows:
            index = int(np.searchsorted(self.ends, row, side="right"))
            cache = self.caches[index]
            start = self.ends[index] - len(cache.latents)
            parts.append(np.asarray(getattr(cache, name)[row - start], dtype=np.float32))
        return torch.from_numpy(np.stack(parts))


def build(runs: Runs, plan: Plan) -> Stage:
    """Build stage 1, with the trained codec."""
    stage = _stage("detokenizer", runs, None)
    stage.model.vae.load_state_dict(runs.vae().cpu().state_dict())  # type: ignore[union-attr]
    return stage


def build_stage_3(runs: Runs, plan: Plan) -> Stage:
    """Build stage 3, with the weights of stage 1."""
    regressed = np.load(runs.folder / "regress" / "features.npy", mmap_mode="r")
    stage = _stage("detokenizer_stage3", runs, regressed)
    runs.start("detokenizer", stage.model)
    return stage


def _stage(name: str, runs: Runs, regressed: np.ndarray | None) -> DeTokenizerStage:
    caches = [runs.cache(part, with_latents=True) for part in ("train", "scenes")]
    config = runs.config.detokenizer
    return DeTokenizerStage(name, config, caches, runs.zero_features(), regressed=regressed)
