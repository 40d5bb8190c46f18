"""Online hard example mining: the loss of the hardest pixels only."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmseg.models.samplers.base_pixel_sampler import BasePixelSampler
from mmseg.registry import MODELS, ModelConfigError


@MODELS.register_module()
class OHEMPixelSampler(BasePixelSampler):
    """Gives weight 1 to hard pixels and 0 to the others and the ignored ones.

    Args:
        context: the decode head, for its ``ignore_index`` and ``loss_decode``.
        thresh: pixels whose own class has less probability are hard; at least ``min_kept`` pixels
            per image are kept on average. Without it the ``min_kept`` highest losses are.
        min_kept: see ``thresh``.
    """

    def __init__(self, context: Any, thresh: float | None = None, min_kept: int = 100000) -> None:
        super().__init__()
        if min_kept <= 1:
            raise ModelConfigError(f"sampler.min_kept must be greater than 1, but is {min_kept}")
        self.context = context
        self.thresh = thresh
        self.min_kept = min_kept

    @torch.no_grad()
    def sample(self, seg_logit: Tensor, seg_label: Tensor) -> Tensor:
        """Returns the weights (B, H, W), 0 or 1.

        Args:
            seg_logit: (B, C, H, W).
            seg_label: (B, 1, H, W) classes.
        """
        assert seg_logit.shape[2:] == seg_label.shape[2:]
        assert seg_label.shape[1] == 1
        label = seg_label.squeeze(1).long()
        valid = label != self.context.ignore_index
        num_kept = self.min_kept * label.size(0)
        if self.thresh is None:
            kept = self._highest_losses(seg_logit, label, valid, num_kept)
        else:
            kept = self._low_probabilities(seg_logit, label, valid, num_kept)
        weight = seg_logit.new_zeros(label.shape)
        weight[valid] = kept.to(weight.dtype)
        return weight

    def _low_probabilities(
        self, logit: Tensor, label: Tensor, valid: Tensor, num_kept: int
    ) -> Tensor:
        """Returns a mask of the hard ones among the valid pixels."""
        own_class = label.where(valid, label.new_zeros(())).unsqueeze(1)
        probs = F.softmax(logit, dim=1).gather(1, own_class).squeeze(1)[valid]
        if probs.numel() == 0:
            return torch.zeros_like(probs, dtype=torch.bool)
        lowest = probs.sort().values
        floor = lowest[min(num_kept, probs.numel() - 1)]
        return probs < floor.clamp(min=self.thresh)

    def _highest_losses(self, logit: Tensor, label: Tensor, valid: Tensor, num_kept: int) -> Tensor:
        losses_decode = self.context.loss_decode
        if not isinstance(losses_decode, nn.ModuleList):
            losses_decode = [losses_decode]
        losses = torch.zeros_like(logit[:, 0])
        for loss_decode in losses_decode:
            losses = losses + loss_decode(
                logit,
                label,
                weight=None,
                ignore_index=self.context.ignore_index,
                reduction_override="none",
            )
        hardest = losses[valid].sort(descending=True).indices[:num_kept]
        kept = torch.zeros_like(valid[valid])
        kept[hardest] = True
        return kept
