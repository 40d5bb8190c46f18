"""The share of samples whose class is among the k likeliest."""

from __future__ import annotations

from torch import Tensor, nn


def accuracy(
    pred: Tensor, target: Tensor, topk: int | tuple[int, ...] = 1, thresh: float | None = None
) -> Tensor | list[Tensor]:
    """Returns the accuracy in percent, shape (1,), for each k; 0 without samples.

    Args:
        pred: (N, C) scores.
        target: (N,) classes.
        topk: a prediction counts if the class is among this many; a tuple gives a list of results.
        thresh: predictions with a score up to this are wrong.
    """
    assert isinstance(topk, (int, tuple))
    ks = topk if isinstance(topk, tuple) else (topk,)
    if len(pred) == 0:
        results = [pred.new_tensor(0.0) for _ in ks]
    else:
        assert pred.ndim == 2 and target.ndim == 1
        assert len(pred) == len(target)
        assert max(ks) <= pred.size(1), f"maxk {max(ks)} exceeds pred dimension {pred.size(1)}"
        value, label = pred.topk(max(ks), dim=1)
        correct = label == target[:, None]
        if thresh is not None:
            correct &= value > thresh
        hits = [correct[:, :k].float().sum().reshape(1) for k in ks]
        results = [number * (100.0 / len(pred)) for number in hits]
    return results if isinstance(topk, tuple) else results[0]


class Accuracy(nn.Module):
    """:func:`accuracy` as a module."""

    def __init__(self, topk: int | tuple[int, ...] = (1,), thresh: float | None = None) -> None:
        super().__init__()
        self.topk, self.thresh = topk, thresh

    def forward(self, pred: Tensor, target: Tensor) -> Tensor | list[Tensor]:
        """Returns the accuracy of scores (N, C) for classes (N,)."""
        return accuracy(pred, target, self.topk, self.thresh)
