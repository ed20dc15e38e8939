"""How the released code steers image tokens while it generates token by token.

Our engine places image tokens itself, all in one pass, and never samples them; this rule exists to
reproduce released outputs.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def released_image_scores(scores: Tensor, last_ids: Tensor, image_ids: Sequence[int]) -> Tensor:
    """Adjust next-token scores as the released image-token processor does.

    Inside a picture the next token of the sequence gets the maximum plus 10. Elsewhere every image
    token and the end mark (but not the begin mark) gets a score of 0.0, not minus infinity: when
    all other scores are negative, such a token wins. The released outputs contain that.

    Args:
        scores: `[B, vocab]`.
        last_ids: `[B]`, the token before the one to choose.
        image_ids: Begin mark, all image tokens in order, end mark.

    Returns:
        New scores, `[B, vocab]`.
    """
    adjusted = scores.clone()
    successor = dict(zip(image_ids[:-1], image_ids[1:], strict=True))
    silenced = torch.tensor(list(image_ids[1:]), device=scores.device)
    for row, last_id in enumerate(last_ids.tolist()):
        if last_id in successor:
            adjusted[row, successor[last_id]] = scores[row].max() + 10
        else:
            adjusted[row, silenced] = 0.0
    return adjusted
