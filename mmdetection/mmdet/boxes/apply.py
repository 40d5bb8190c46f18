"""What heads do with lists of levels and images: map, scatter back, choose, average."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch import distributed as dist


def multi_apply(func: Callable[..., Any], *args: Any, **kwargs: Any) -> tuple[list[Any], ...]:
    """Calls ``func`` on the i-th of every argument; returns one list per item of its results."""
    called = partial(func, **kwargs) if kwargs else func
    return tuple(map(list, zip(*map(called, *args), strict=True)))


def unmap(data: Tensor, count: int, inds: Tensor, fill: float = 0) -> Tensor:
    """Puts rows back among those that were left out.

    Args:
        data: (n, ...).
        count: number of all rows.
        inds: (count,) n of them true: where the rows belong.
        fill: value of the others.
    """
    everything = data.new_full((count, *data.shape[1:]), fill)
    everything[inds.type(torch.bool)] = data
    return everything


def images_to_levels(target: Sequence[Tensor], num_levels: Sequence[int]) -> list[Tensor]:
    """Turns one tensor (sum of num_levels, ...) per image into one (B, n, ...) per level.

    Args:
        target: per image.
        num_levels: number of anchors of each level.
    """
    return list(torch.stack(list(target), 0)[:, : sum(num_levels)].split(list(num_levels), dim=1))


def select_single_mlvl(
    mlvl_tensors: Sequence[Tensor], batch_id: int, detach: bool = True
) -> list[Tensor]:
    """Takes one image out of the (B, ...) tensors of all levels."""
    chosen = [tensor[batch_id] for tensor in mlvl_tensors]
    return [tensor.detach() for tensor in chosen] if detach else chosen


def filter_scores_and_topk(
    scores: Tensor, score_thr: float, topk: int, results: Any = None
) -> tuple[Tensor, Tensor, Tensor, Any]:
    """Keeps the best (box, class) pairs.

    Args:
        scores: (N, num_classes).
        score_thr: scores must exceed it.
        topk: so many are kept at most.
        results: what belongs to the N boxes: a tensor, or a dict or list of them.

    Returns:
        (K,) scores in descending order, (K,) classes, (K,) box indices, and ``results`` of those.
    """
    mask = scores > score_thr
    kept, order = scores[mask].sort(descending=True)
    chosen = mask.nonzero()[order[:topk]]
    boxes, labels = chosen.unbind(dim=1)
    if results is None:
        filtered = None
    elif isinstance(results, dict):
        filtered = {key: value[boxes] for key, value in results.items()}
    elif isinstance(results, list):
        filtered = [value[boxes] for value in results]
    elif isinstance(results, Tensor):
        filtered = results[boxes]
    else:
        raise NotImplementedError(f"Only supports dict or list or Tensor, but get {type(results)}.")
    return kept[:topk], labels, boxes, filtered


def flip_tensor(src_tensor: Tensor, flip_direction: str) -> Tensor:
    """Mirrors maps (B, C, H, W) "horizontal", "vertical" or "diagonal" (both)."""
    assert src_tensor.ndim == 4
    axes = {"horizontal": [3], "vertical": [2], "diagonal": [2, 3]}
    assert flip_direction in axes, f"flip_direction must be one of {', '.join(axes)}"
    return torch.flip(src_tensor, axes[flip_direction])


def mask2ndarray(mask: Any) -> Any:
    """Returns bitmap or polygon masks, a tensor or an array as an array."""
    import numpy as np

    if hasattr(mask, "to_ndarray"):
        return mask.to_ndarray()
    if isinstance(mask, Tensor):
        return mask.detach().cpu().numpy()
    if isinstance(mask, np.ndarray):
        return mask
    raise TypeError(f"Unsupported {type(mask)} data type")


def center_of_mass(mask: Tensor, esp: float = 1e-6) -> tuple[Tensor, Tensor]:
    """Returns the row and the column of the centre of a mask (H, W); 0, 0 if it is empty."""
    height, width = mask.shape
    rows = torch.arange(height, device=mask.device)[:, None]
    columns = torch.arange(width, device=mask.device)
    total = mask.sum().float().clamp(min=esp)
    return (mask * rows).sum() / total, (mask * columns).sum() / total


def generate_coordinate(featmap_sizes: Sequence[int], device: Any = None) -> Tensor:
    """Returns (B, 2, H, W) the x and y of every place of maps (B, C, H, W), from -1 to 1."""
    batch, *_, height, width = featmap_sizes
    columns = torch.linspace(-1, 1, width, device=device)
    rows = torch.linspace(-1, 1, height, device=device)
    y, x = torch.meshgrid(rows, columns, indexing="ij")
    return torch.stack([x, y]).expand(batch, 2, height, width).clone()


def reduce_mean(tensor: Tensor) -> Tensor:
    """Averages over all processes; the tensor itself outside of a distributed run."""
    if not (dist.is_available() and dist.is_initialized()):
        return tensor
    tensor = tensor / dist.get_world_size()
    dist.all_reduce(tensor, op=dist.ReduceOp.SUM)
    return tensor
