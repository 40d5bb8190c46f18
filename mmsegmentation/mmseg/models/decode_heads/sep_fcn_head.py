"""FCN head of depthwise separable convolutions (Fast-SCNN, arXiv:1902.04502)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmcv.cnn import DepthwiseSeparableConvModule
from mmseg.models.decode_heads.fcn_head import FCNHead
from mmseg.registry import MODELS


@MODELS.register_module()
class DepthwiseSeparableFCNHead(FCNHead):
    """``FCNHead`` with separable convolutions.

    Args:
        dw_act_cfg: activation of the depthwise part; by default none.
        kwargs: of :class:`FCNHead`.
    """

    def __init__(self, dw_act_cfg: Mapping[str, Any] | None = None, **kwargs: Any) -> None:
        self.dw_act_cfg = dw_act_cfg
        super().__init__(**kwargs)

    def _conv(self, in_channels: int, dilation: int) -> Any:
        return DepthwiseSeparableConvModule(
            in_channels,
            self.channels,
            kernel_size=self.kernel_size,
            padding=self.kernel_size // 2,
            norm_cfg=self.norm_cfg,
            dw_act_cfg=self.dw_act_cfg,
        )
