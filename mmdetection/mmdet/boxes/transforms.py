"""Box arithmetic: other coordinates, flips and scales, lists of boxes and back.

Boxes are (..., 4) x1 y1 x2 y2 in pixels unless said otherwise. Every function maps no boxes to no
boxes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

FLIPS = ("horizontal", "vertical", "diagonal")


def clip_boxes(boxes: Tensor, max_shape: Any) -> Tensor:
    """Moves what lies outside of the image to its border.

    Args:
        boxes: (N, 4), or (B, N, 4k) with one or B shapes.
        max_shape: (height, width, ...) of the image, as numbers or a tensor; or (B, 2) of them.
    """
    shape = boxes.new_tensor(max_shape) if not isinstance(max_shape, Tensor) else max_shape
    shape = shape[..., :2].to(boxes)
    if shape.dim() == 2:
        assert boxes.dim() == 3, "one max_shape per image needs boxes (B, N, 4)"
        assert len(shape) == len(boxes), f"{len(shape)} max_shapes for {len(boxes)} images"
        shape = shape[:, None]
    limit = shape.flip(-1).repeat(*[1] * (shape.dim() - 1), boxes.size(-1) // 2)
    return torch.minimum(boxes.clamp(min=0), limit)


def find_inside_bboxes(bboxes: Tensor, img_h: float, img_w: float) -> Tensor:
    """Returns (N,) whether any part of a box lies inside the image."""
    return (bboxes[:, 0] < img_w) & (bboxes[:, 2] > 0) & (bboxes[:, 1] < img_h) & (bboxes[:, 3] > 0)


def bbox_flip(bboxes: Tensor, img_shape: Sequence[float], direction: str = "horizontal") -> Tensor:
    """Mirrors boxes (..., 4k) as their image of (height, width) is."""
    assert bboxes.shape[-1] % 4 == 0
    assert direction in FLIPS, f"direction must be one of {FLIPS}, but got {direction!r}"
    flipped = bboxes.clone()
    if direction != "vertical":
        flipped[..., 0::4] = img_shape[1] - bboxes[..., 2::4]
        flipped[..., 2::4] = img_shape[1] - bboxes[..., 0::4]
    if direction != "horizontal":
        flipped[..., 1::4] = img_shape[0] - bboxes[..., 3::4]
        flipped[..., 3::4] = img_shape[0] - bboxes[..., 1::4]
    return flipped


def bbox_mapping(
    bboxes: Tensor,
    img_shape: Sequence[float],
    scale_factor: Any,
    flip: bool,
    flip_direction: str = "horizontal",
) -> Tensor:
    """Maps boxes of the original image to the one that was scaled and then flipped."""
    scaled = bboxes * bboxes.new_tensor(scale_factor)
    return bbox_flip(scaled, img_shape, flip_direction) if flip else scaled


def bbox_mapping_back(
    bboxes: Tensor,
    img_shape: Sequence[float],
    scale_factor: Any,
    flip: bool,
    flip_direction: str = "horizontal",
) -> Tensor:
    """Maps boxes of an image that was scaled and then flipped to the original one."""
    upright = bbox_flip(bboxes, img_shape, flip_direction) if flip else bboxes
    return (upright.view(-1, 4) / upright.new_tensor(scale_factor)).view(bboxes.shape)


def bbox2roi(bbox_list: Sequence[Tensor]) -> Tensor:
    """Joins the boxes (n, 4+) of several images to regions (N, 5): image index, x1, y1, x2, y2."""
    rois = [
        torch.cat([boxes.new_full((len(boxes), 1), index), boxes[:, :4]], dim=-1)
        if len(boxes)
        else boxes.new_zeros(0, 5)
        for index, boxes in enumerate(bbox_list)
    ]
    return torch.cat(rois) if rois else torch.zeros(0, 5)


def roi2bbox(rois: Tensor) -> list[Tensor]:
    """Splits regions (N, 5) into the boxes (n, 4) of each image that has any."""
    images = torch.unique(rois[:, 0].cpu(), sorted=True).tolist()
    return [rois[rois[:, 0] == image, 1:] for image in images]


def bbox2result(bboxes: Any, labels: Any, num_classes: int) -> list[np.ndarray]:
    """Sorts detections into one array (k, 5) per class.

    Args:
        bboxes: (N, 5) boxes with scores; tensor or array.
        labels: (N,) classes.
        num_classes: without background.
    """
    if len(bboxes) == 0:
        return [np.zeros((0, 5), dtype=np.float32) for _ in range(num_classes)]
    if isinstance(bboxes, Tensor):
        # numpy has no bfloat16.
        bboxes = bboxes.detach().to(torch.promote_types(bboxes.dtype, torch.float32)).cpu().numpy()
    if isinstance(labels, Tensor):
        labels = labels.detach().cpu().numpy()
    return [bboxes[labels == number] for number in range(num_classes)]


def distance2bbox(points: Tensor, distance: Tensor, max_shape: Any = None) -> Tensor:
    """Turns distances to the sides into boxes.

    Args:
        points: (B, N, 2) or (N, 2).
        distance: (B, N, 4) or (N, 4) to left, top, right, bottom.
        max_shape: see :func:`clip_boxes`; None: not clipped.
    """
    boxes = torch.cat(
        [points[..., :2] - distance[..., :2], points[..., :2] + distance[..., 2:4]], dim=-1
    )
    return boxes if max_shape is None else clip_boxes(boxes, max_shape)


def bbox2distance(
    points: Tensor, bbox: Tensor, max_dis: float | None = None, eps: float = 0.1
) -> Tensor:
    """Returns the distances (N, 4) of points (N, 2) to left, top, right and bottom of their boxes.

    Args:
        points: (N, 2).
        bbox: (N, 4).
        max_dis: distances are kept between 0 and this ...
        eps: ... less this.
    """
    distance = torch.cat([points[..., :2] - bbox[..., :2], bbox[..., 2:4] - points[..., :2]], -1)
    return distance if max_dis is None else distance.clamp(min=0, max=max_dis - eps)


def bbox_rescale(bboxes: Tensor, scale_factor: float = 1.0) -> Tensor:
    """Scales boxes (N, 4), or regions (N, 5), about their centres."""
    index, boxes = bboxes[:, :-4], bboxes[:, -4:]
    centers = (boxes[:, :2] + boxes[:, 2:]) * 0.5
    half = (boxes[:, 2:] - boxes[:, :2]) * scale_factor * 0.5
    return torch.cat([index, centers - half, centers + half], dim=-1)


def bbox_cxcywh_to_xyxy(bbox: Tensor) -> Tensor:
    """Turns (..., 4) centre and size into corners."""
    center, half = bbox[..., :2], 0.5 * bbox[..., 2:]
    return torch.cat([center - half, center + half], dim=-1)


def bbox_xyxy_to_cxcywh(bbox: Tensor) -> Tensor:
    """Turns (..., 4) corners into centre and size."""
    low, high = bbox[..., :2], bbox[..., 2:]
    return torch.cat([(low + high) / 2, high - low], dim=-1)
