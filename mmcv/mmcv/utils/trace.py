"""The 1.x import path of ``is_jit_tracing``."""

from mmcv.utils.torch_ops import is_jit_tracing

__all__ = ["is_jit_tracing"]
