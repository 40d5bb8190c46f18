"""1.x's testing functions; :func:`mmcv.runner.testing.run_inference` does the work."""

from __future__ import annotations

from typing import Any

import torch.distributed as dist
from torch import nn
from torch.utils.data import DataLoader

from mmcv.runner.dist_utils import get_dist_info
from mmcv.runner.testing import run_inference


def single_gpu_test(model: nn.Module, data_loader: DataLoader) -> list[Any] | None:
    """Returns the model's predictions, one per sample."""
    return run_inference(model, data_loader)


def multi_gpu_test(
    model: nn.Module, data_loader: DataLoader, tmpdir: str | None = None, gpu_collect: bool = False
) -> list[Any] | None:
    """Returns the predictions of all ranks in the order of the data set, on rank 0.

    Args:
        model: called with ``return_loss=False``.
        data_loader: yields this rank's share of the samples.
        tmpdir: accepted; results travel through the process group, not through files.
        gpu_collect: accepted.
    """
    return run_inference(model, data_loader)


def collect_results_cpu(
    result_part: list[Any], size: int, tmpdir: str | None = None
) -> list[Any] | None:
    """Returns on rank 0 the ranks' results in turn, as strided samplers dealt them out.

    Args:
        result_part: of this rank.
        size: how many there are; samplers may have repeated some at the end.
        tmpdir: accepted; nothing is written.
    """
    rank, world_size = get_dist_info()
    if world_size == 1:
        return result_part[:size]
    parts: list[Any] | None = [None] * world_size if rank == 0 else None
    dist.gather_object(result_part, parts)
    if parts is None:
        return None
    longest = max(len(part) for part in parts)
    in_turn = [part[i] for i in range(longest) for part in parts if i < len(part)]
    return in_turn[:size]


def collect_results_gpu(result_part: list[Any], size: int) -> list[Any] | None:
    """Returns the same as :func:`collect_results_cpu`."""
    return collect_results_cpu(result_part, size)
