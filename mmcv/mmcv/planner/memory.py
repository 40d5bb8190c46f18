"""Bytes on each GPU and in host memory, for a way to lay out the training state.

Rajbhandari et al., 2020 (arXiv:1910.02054): stage 1 shards the optimizer's state over the GPUs,
stage 2 the gradients as well, stage 3 the parameters too.
"""

from __future__ import annotations

from typing import NamedTuple

from mmcv.planner.hardware import GIB
from mmcv.planner.measure import Measured, Parameters

# CUDA context, libraries' workspaces, NCCL; and what the caching allocator cannot reuse.
FIXED = 1.5 * GIB
FRAGMENTATION = 0.04
# DeepSpeed's buckets, in elements: mmcv.runner.zero.presets.
BUCKET = 5e8
BUCKET_STAGE_3 = 1e8
LIVE_STAGE_3 = 1e9


class Layout(NamedTuple):
    """How state and work are laid out.

    Attributes:
        stage: of ZeRO; None is plain data parallelism, without DeepSpeed.
        offload: optimizer state in host memory (stage 3: parameters too).
        gpus: how many.
        images: per GPU and pass.
        recompute: what the backbone computes again: "off", "selective" or "full".
    """

    stage: int | None
    offload: bool
    gpus: int
    images: int
    recompute: str


class Memory(NamedTuple):
    """Bytes per GPU by what they hold, and bytes of host memory for all GPUs together."""

    weights: float
    gradients: float
    optimizer: float
    activations: float
    buffers: float
    fixed: float
    host: float

    @property
    def total(self) -> float:
        """Returns the bytes per GPU."""
        return sum(self[:-1])


def estimate_memory(measured: Measured, layout: Layout) -> Memory:
    """Returns the memory of a training step at its peak."""
    params, stage = measured.parameters, layout.stage or 0
    shard = max(layout.gpus, 1)
    state = optimizer_bytes(params, layout)
    weights = params.bytes / (shard if stage == 3 else 1) + params.buffer_bytes
    gradients = params.trainable_bytes / (shard if stage >= 2 else 1)
    host = 0.0
    if layout.offload:
        host, state_here = state, 0.0
        if stage == 3:
            host += params.bytes
            weights = params.buffer_bytes
    else:
        state_here = state / (shard if stage >= 1 else 1)
    kept = measured.saved[layout.recompute] + (measured.block if layout.recompute != "off" else 0)
    activations = layout.images * kept
    buffers = _communication_buffers(params, layout)
    used = weights + gradients + state_here + activations + buffers
    return Memory(
        weights, gradients, state_here, activations, buffers, FIXED + FRAGMENTATION * used, host
    )


def optimizer_bytes(params: Parameters, layout: Layout) -> float:
    """Returns the bytes of AdamW's state in all GPUs together; DeepSpeed keeps fp32 masters."""
    if layout.stage is None:
        return 2.0 * params.trainable_bytes  # two moments in the dtype of the parameters
    masters = 4 * params.trainable_half
    return 8.0 * params.trainable + masters


def _communication_buffers(params: Parameters, layout: Layout) -> float:
    if layout.stage in (None, 0):
        return 0.0
    element = params.trainable_bytes / max(params.trainable, 1)
    if layout.stage == 3:
        live = min(LIVE_STAGE_3, params.total) * params.bytes / max(params.total, 1)
        return live + 2 * min(BUCKET_STAGE_3, params.trainable) * element
    copies = 2 if layout.gpus > 1 else 1  # the one being filled, the one being sent
    return copies * min(BUCKET, params.trainable) * element
