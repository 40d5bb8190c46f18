"""Torch's private base classes under the names by which 1.x code imports them."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd, _ConvTransposeNd
from torch.nn.modules.instancenorm import _InstanceNorm
from torch.nn.modules.pooling import (
    _AdaptiveAvgPoolNd,
    _AdaptiveMaxPoolNd,
    _AvgPoolNd,
    _MaxPoolNd,
)
from torch.utils.data import DataLoader

TORCH_VERSION: str = torch.__version__

PoolDataLoader = DataLoader
# Torch kept the old name for a class that no layer inherits from any more.
_ConvTransposeMixin = _ConvTransposeNd

# Imported when asked for: the first would import all of mmcv.cnn, the others look for compilers.
_LATER = {
    "SyncBatchNorm": "mmcv.cnn.sync_batch_norm",
    "BuildExtension": "torch.utils.cpp_extension",
    "CppExtension": "torch.utils.cpp_extension",
    "CUDAExtension": "torch.utils.cpp_extension",
    "CUDA_HOME": "torch.utils.cpp_extension",
}

__all__ = [
    "TORCH_VERSION",
    "DataLoader",
    "PoolDataLoader",
    "_AdaptiveAvgPoolNd",
    "_AdaptiveMaxPoolNd",
    "_AvgPoolNd",
    "_BatchNorm",
    "_ConvNd",
    "_ConvTransposeMixin",
    "_InstanceNorm",
    "_MaxPoolNd",
    "get_build_config",
    "is_rocm_pytorch",
]


def is_rocm_pytorch() -> bool:
    """Whether torch was built for AMD GPUs."""
    return torch.version.hip is not None


def get_build_config() -> str:
    """Returns how torch was built."""
    return torch.__config__.show()


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_LATER[name]), name)
