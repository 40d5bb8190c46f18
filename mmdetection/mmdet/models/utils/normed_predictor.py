"""Classifiers by cosine similarity: both features and weights are normalised first."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from mmcv.cnn import normal_init
from mmcv.registry import MODELS as ROOT_MODELS
from mmdet.registry import MODELS


@MODELS.register_module(name="NormedLinear")
class NormedLinear(nn.Linear):
    """``tempearture * cos(x, w) + b``, for long-tailed data (arXiv:2008.10032).

    Args:
        args: of ``nn.Linear``.
        tempearture: factor of the cosine (spelled as in 1.x).
        power: of the norms; 1 makes vectors of length one.
        eps: added to the norms.
        kwargs: of ``nn.Linear``.
    """

    def __init__(
        self,
        *args: Any,
        tempearture: float = 20,
        power: float = 1.0,
        eps: float = 1e-6,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.tempearture = tempearture
        self.power = power
        self.eps = eps
        self.init_weights()

    def init_weights(self) -> None:
        """Draws small normal weights; the bias is zero."""
        normal_init(self, std=0.01)

    def forward(self, x: Tensor) -> Tensor:
        """Maps (N, in_features) to (N, out_features)."""
        weight = self.weight / (self.weight.norm(dim=1, keepdim=True).pow(self.power) + self.eps)
        x = x / (x.norm(dim=1, keepdim=True).pow(self.power) + self.eps)
        return nn.functional.linear(x * self.tempearture, weight, self.bias)


@ROOT_MODELS.register_module(name="NormedConv2d")  # mmcv builds convolutions from there
class NormedConv2d(nn.Conv2d):
    """A convolution of features and kernels that are normalised first.

    Args:
        args: of ``nn.Conv2d``.
        tempearture: factor of the cosine (spelled as in 1.x).
        power: of the norms.
        eps: added to the norms.
        norm_over_kernel: the length of a kernel is that of all its values, not of each pixel's.
        kwargs: of ``nn.Conv2d``.
    """

    def __init__(
        self,
        *args: Any,
        tempearture: float = 20,
        power: float = 1.0,
        eps: float = 1e-6,
        norm_over_kernel: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.tempearture = tempearture
        self.power = power
        self.eps = eps
        self.norm_over_kernel = norm_over_kernel

    def forward(self, x: Tensor) -> Tensor:
        """Maps (B, in_channels, H, W) to (B, out_channels, H', W')."""
        kernel = self.weight.flatten(1) if self.norm_over_kernel else self.weight
        length = kernel.norm(dim=1, keepdim=True).pow(self.power) + self.eps
        kernel = (kernel / length).view_as(self.weight)
        x = x / (x.norm(dim=1, keepdim=True).pow(self.power) + self.eps) * self.tempearture
        return self._conv_forward(x, kernel, self.bias)
