"""Adaptive pooling, which torch does for empty batches too by now; 1.x's names for it."""

from torch.nn import AdaptiveAvgPool2d
from torch.nn.functional import adaptive_avg_pool2d

__all__ = ["AdaptiveAvgPool2d", "adaptive_avg_pool2d"]
