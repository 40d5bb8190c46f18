"""What a mask head should predict for each positive box."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.modules.utils import _pair

from mmdet.masks.base_masks import BaseInstanceMasks


def mask_target(
    pos_proposals_list: Sequence[Tensor],
    pos_assigned_gt_inds_list: Sequence[Tensor],
    gt_masks_list: Sequence[BaseInstanceMasks],
    cfg: Any,
) -> Tensor:
    """Cuts the object's mask out of each positive box.

    Args:
        pos_proposals_list: (P, 4) positive boxes of each image.
        pos_assigned_gt_inds_list: (P,) indices of their objects.
        gt_masks_list: masks of the objects of each image.
        cfg: ``mask_size`` of the targets; ``soft_mask_target`` (False): shares instead of 0 and 1.

    Returns:
        (sum of P, *mask_size) float.
    """
    targets = [
        mask_target_single(boxes, inds, masks, cfg)
        for boxes, inds, masks in zip(
            pos_proposals_list, pos_assigned_gt_inds_list, gt_masks_list, strict=True
        )
    ]
    return torch.cat(targets) if targets else torch.zeros(0, *_pair(cfg["mask_size"]))


def mask_target_single(
    pos_proposals: Tensor, pos_assigned_gt_inds: Tensor, gt_masks: BaseInstanceMasks, cfg: Any
) -> Tensor:
    """Does what :func:`mask_target` does for one image."""
    size = _pair(cfg["mask_size"])
    device = pos_proposals.device
    if len(pos_proposals) == 0:
        return torch.zeros(0, *size, device=device)
    # A copy: the boxes themselves stay as they are.
    boxes = np.array(pos_proposals.detach().float().cpu().numpy())
    boxes[:, 0::2] = np.clip(boxes[:, 0::2], 0, gt_masks.width)
    boxes[:, 1::2] = np.clip(boxes[:, 1::2], 0, gt_masks.height)
    cut = gt_masks.crop_and_resize(
        boxes,
        size,
        device=device,
        inds=pos_assigned_gt_inds.cpu().numpy(),
        binarize=not cfg.get("soft_mask_target", False),
    )
    return torch.from_numpy(cut.to_ndarray()).float().to(device)
