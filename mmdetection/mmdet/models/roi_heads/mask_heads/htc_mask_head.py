"""The mask head of a hybrid task cascade (Chen et al., 2019, arXiv:1901.07518)."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from mmcv.cnn import ConvModule
from mmdet.models.numerics import to_weight_dtype
from mmdet.models.roi_heads.mask_heads.fcn_mask_head import FCNMaskHead
from mmdet.registry import MODELS


@MODELS.register_module()
class HTCMaskHead(FCNMaskHead):
    """A mask head that takes the features of the stage before and hands on its own.

    Args:
        with_conv_res: take features of the stage before, through ``conv_res``; not in the first.
        args: arguments of :class:`FCNMaskHead`.
        kwargs: the same by name.
    """

    def __init__(self, with_conv_res: bool = True, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.with_conv_res = with_conv_res
        if with_conv_res:
            width = self.conv_out_channels
            options: dict[str, Any] = dict(conv_cfg=self.conv_cfg, norm_cfg=self.norm_cfg)
            self.conv_res = ConvModule(width, width, 1, **options)

    def forward(  # type: ignore[override]
        self,
        x: Tensor,
        res_feat: Tensor | None = None,
        return_logits: bool = True,
        return_feat: bool = True,
    ) -> Any:
        """Returns logits (N, C, 2h, 2w), features (N, conv_out_channels, h, w), or both.

        Args:
            x: (N, in_channels, h, w).
            res_feat: features of the stage before.
            return_logits: predict.
            return_feat: hand on features.
        """
        x = to_weight_dtype(x, self)
        if res_feat is not None:
            assert self.with_conv_res
            x = x + self.conv_res(res_feat)
        for conv in self.convs:
            x = conv(x)
        outs = [self._predict(x)] if return_logits else []
        if return_feat:
            outs.append(x)
        return outs if len(outs) > 1 else outs[0]
