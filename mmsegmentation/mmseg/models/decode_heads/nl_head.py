"""Non-local head (Wang et al., 2017, arXiv:1711.07971)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from mmcv.cnn import NonLocal2d
from mmseg.models.decode_heads.fcn_head import FCNHead
from mmseg.registry import MODELS


@MODELS.register_module()
class NLHead(FCNHead):
    """A non-local block between two convolutions.

    Args:
        reduction: of the channels within the block.
        use_scale: divide the similarity by the square root of the channels.
        mode: of the similarity: "gaussian", "embedded_gaussian" or "dot_product".
        kwargs: of :class:`FCNHead`.
    """

    def __init__(
        self,
        reduction: int = 2,
        use_scale: bool = True,
        mode: str = "embedded_gaussian",
        **kwargs: Any,
    ) -> None:
        super().__init__(num_convs=2, **kwargs)
        self.reduction = reduction
        self.use_scale = use_scale
        self.mode = mode
        self.nl_block = NonLocal2d(
            in_channels=self.channels,
            reduction=reduction,
            use_scale=use_scale,
            conv_cfg=self.conv_cfg,
            norm_cfg=self.norm_cfg,
            mode=mode,
        )

    def _forward_feature(self, inputs: Sequence[Tensor]) -> Tensor:
        """Returns the features (B, channels, H, W) before norm and classifier."""
        x = self._transform_inputs(inputs)
        first, second = self.convs  # type: ignore[misc]  # a Sequential of two
        feats = second(self.nl_block(first(x)))
        return self.conv_cat(torch.cat([x, feats], dim=1)) if self.concat_input else feats
