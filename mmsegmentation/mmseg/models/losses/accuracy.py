"""The share of pixels whose class is among the k likeliest."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def accuracy(
    pred: Tensor,
    target: Tensor,
    topk: int | tuple[int, ...] = 1,
    thresh: float | None = None,
    ignore_index: int | None = None,
) -> Tensor | list[Tensor]:
    """Returns the accuracy in percent, shape (1,), for each k.

    Args:
        pred: (N, C, ...) scores.
        target: (N, ...) classes.
        topk: a prediction counts if the class is among this many; a tuple gives a list of results.
        thresh: predictions with a score up to this are wrong.
        ignore_index: class of elements that are not counted.
    """
    assert isinstance(topk, (int, tuple))
    ks = (topk,) if isinstance(topk, int) else topk
    if pred.size(0) == 0:
        empty = [pred.new_tensor(0.0) for _ in ks]
        return empty[0] if isinstance(topk, int) else empty
    assert pred.ndim == target.ndim + 1
    assert pred.size(0) == target.size(0)
    assert max(ks) <= pred.size(1), f"maxk {max(ks)} exceeds pred dimension {pred.size(1)}"

    # max() is many times faster than topk() over a dimension that is not the last.
    value, label = pred.max(1, keepdim=True) if max(ks) == 1 else pred.topk(max(ks), dim=1)
    correct = label.eq(target.unsqueeze(1))
    if thresh is not None:
        correct = correct & (value > thresh)
    counted = torch.ones_like(target, dtype=torch.bool)
    if ignore_index is not None:
        counted = target != ignore_index
    # Both terms get eps, so that an image without a counted pixel scores 100 instead of NaN.
    eps = torch.finfo(torch.float32).eps
    total = counted.sum() + eps
    results = []
    for k in ks:
        hits = (correct[:, :k].any(dim=1) & counted).sum().float().reshape(1)
        results.append((hits + eps) * (100.0 / total))
    return results[0] if isinstance(topk, int) else results


class Accuracy(nn.Module):
    """:func:`accuracy` as a module.

    Args:
        topk: see the function.
        thresh: likewise.
        ignore_index: likewise.
    """

    def __init__(
        self,
        topk: int | tuple[int, ...] = (1,),
        thresh: float | None = None,
        ignore_index: int | None = None,
    ) -> None:
        super().__init__()
        self.topk = topk
        self.thresh = thresh
        self.ignore_index = ignore_index

    def forward(self, pred: Tensor, target: Tensor) -> Tensor | list[Tensor]:
        """Returns the accuracy of ``pred`` (N, C, ...) against ``target`` (N, ...)."""
        return accuracy(pred, target, self.topk, self.thresh, self.ignore_index)
