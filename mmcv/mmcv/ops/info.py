"""What 1.x told about its compiled operators; nothing is compiled here."""

from __future__ import annotations

import torch


def get_compiler_version() -> str:
    """Returns 1.x's word for a build without compiled operators."""
    return "n/a"


def get_compiling_cuda_version() -> str:
    """Returns the CUDA version that torch was built with."""
    return torch.version.cuda or "not available"


def get_onnxruntime_op_path() -> str:
    """Returns the path of operators for ONNX Runtime: none."""
    return ""
