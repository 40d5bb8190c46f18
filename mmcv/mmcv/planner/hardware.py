"""Figures of GPUs as their data sheets state them; sparsity is not counted."""

from __future__ import annotations

from typing import NamedTuple

from mmcv.registry import ConfigError, did_you_mean

GIB = 2**30


class Gpu(NamedTuple):
    """One kind of GPU.

    Attributes:
        name: as ``--gpu`` takes it.
        memory: bytes that a program sees.
        flops: per second, dense, in bf16 (fp16 where there is no bf16).
        bandwidth: bytes per second of its memory.
        link: bytes per second to other GPUs of the machine, one direction, as reached in practice.
    """

    name: str
    memory: float
    flops: float
    bandwidth: float
    link: float


GPUS = {
    gpu.name: gpu
    for gpu in (
        Gpu("b200", 178 * GIB, 2250e12, 7.7e12, 500e9),
        Gpu("h200", 139.8 * GIB, 989e12, 4.8e12, 300e9),
        Gpu("h100", 79.1 * GIB, 989e12, 3.35e12, 300e9),
        Gpu("a100", 79.2 * GIB, 312e12, 2.0e12, 200e9),
        Gpu("a100-40g", 39.4 * GIB, 312e12, 1.55e12, 200e9),
        Gpu("a6000", 47.4 * GIB, 155e12, 0.77e12, 20e9),
        Gpu("l40s", 44.4 * GIB, 362e12, 0.86e12, 20e9),
        Gpu("v100-32g", 31.7 * GIB, 125e12, 0.9e12, 100e9),
        Gpu("rtx5090", 31.3 * GIB, 210e12, 1.79e12, 25e9),
        Gpu("rtx4090", 23.5 * GIB, 165e12, 1.0e12, 15e9),
        Gpu("rtx3090", 23.5 * GIB, 71e12, 0.94e12, 15e9),
        Gpu("t4", 14.6 * GIB, 65e12, 0.32e12, 10e9),
    )
}


def find_gpu(name: str, memory_gb: float | None = None) -> Gpu:
    """Returns the figures of a GPU.

    Args:
        name: one of ``GPUS``.
        memory_gb: GiB to reckon with instead of the whole memory.
    """
    key = name.lower()
    if key not in GPUS:
        raise ConfigError(
            f"--gpu {name}: unknown{did_you_mean(key, GPUS)} (known: {', '.join(GPUS)});"
            " for another one give the most similar and its --gpu-mem"
        )
    gpu = GPUS[key]
    return gpu if memory_gb is None else gpu._replace(memory=memory_gb * GIB)
