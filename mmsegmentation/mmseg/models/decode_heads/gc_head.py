"""Global context head, GCNet (Cao et al., 2019, arXiv:1904.11492)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from mmcv.cnn import ContextBlock
from mmseg.models.decode_heads.fcn_head import FCNHead
from mmseg.registry import MODELS


@MODELS.register_module()
class GCHead(FCNHead):
    """A global context block between two convolutions.

    Args:
        ratio: of the channels within the block.
        pooling_type: of the context: "att" or "avg".
        fusion_types: how the context enters: "channel_add", "channel_mul" or both.
        kwargs: of :class:`FCNHead`.
    """

    def __init__(
        self,
        ratio: float = 1 / 4.0,
        pooling_type: str = "att",
        fusion_types: Sequence[str] = ("channel_add",),
        **kwargs: Any,
    ) -> None:
        super().__init__(num_convs=2, **kwargs)
        self.ratio = ratio
        self.pooling_type = pooling_type
        self.fusion_types = fusion_types
        self.gc_block = ContextBlock(
            in_channels=self.channels,
            ratio=ratio,
            pooling_type=pooling_type,
            fusion_types=tuple(fusion_types),
        )

    def _forward_feature(self, inputs: Sequence[Tensor]) -> Tensor:
        """Returns the features (B, channels, H, W) before norm and classifier."""
        x = self._transform_inputs(inputs)
        first, second = self.convs  # type: ignore[misc]  # a Sequential of two
        feats = second(self.gc_block(first(x)))
        return self.conv_cat(torch.cat([x, feats], dim=1)) if self.concat_input else feats
