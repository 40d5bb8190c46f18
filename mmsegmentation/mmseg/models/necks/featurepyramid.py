"""Turns a transformer's maps of one size into a pyramid (as BEiT does, arXiv:2106.08254)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from mmcv.cnn import build_norm_layer
from mmcv.model import BaseModule
from mmseg.registry import MODELS, ModelConfigError

SYNC_BN = {"type": "SyncBN", "requires_grad": True}
FINE, COARSE = [4, 2, 1, 0.5], [2, 1, 0.5, 0.25]


@MODELS.register_module()
class Feature2Pyramid(BaseModule):
    """Up- and downsamples one map for each level.

    Args:
        embed_dim: C.
        rescales: factor of each level: [4, 2, 1, 0.5] or [2, 1, 0.5, 0.25].
        norm_cfg: norm between the two steps of factor 4.
    """

    def __init__(
        self,
        embed_dim: int,
        rescales: Sequence[float] = (4, 2, 1, 0.5),
        norm_cfg: Mapping[str, Any] = SYNC_BN,
    ) -> None:
        super().__init__()
        if list(rescales) not in (FINE, COARSE):
            raise ModelConfigError(f"rescales must be {FINE} or {COARSE}, but is {rescales}")
        self.rescales = rescales
        self.upsample_4x: nn.Module | None = None
        self.downsample_4x: nn.Module | None = None
        if 4 in rescales:
            self.upsample_4x = nn.Sequential(
                nn.ConvTranspose2d(embed_dim, embed_dim, kernel_size=2, stride=2),
                build_norm_layer(norm_cfg, embed_dim)[1],
                nn.GELU(),
                nn.ConvTranspose2d(embed_dim, embed_dim, kernel_size=2, stride=2),
            )
        else:
            self.downsample_4x = nn.MaxPool2d(kernel_size=4, stride=4)
        self.upsample_2x = nn.Sequential(
            nn.ConvTranspose2d(embed_dim, embed_dim, kernel_size=2, stride=2)
        )
        self.identity = nn.Identity()
        self.downsample_2x = nn.MaxPool2d(kernel_size=2, stride=2)

    def forward(self, inputs: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Returns as many maps as ``inputs`` (B, C, H, W), each resized by its factor."""
        assert len(inputs) == len(self.rescales)
        middle = [self.upsample_2x, self.identity, self.downsample_2x]
        first, last = self.upsample_4x, self.downsample_4x
        ops = [op for op in (first, *middle, last) if op is not None]
        dtype = next(self.parameters()).dtype
        return tuple(op(x.to(dtype)) for op, x in zip(ops, inputs, strict=True))
