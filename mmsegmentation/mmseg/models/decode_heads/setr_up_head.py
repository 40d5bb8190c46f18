"""Naive and progressive upsampling heads of SETR (Zheng et al., 2020, arXiv:2012.15840)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from mmcv.cnn import ConvModule, build_norm_layer
from mmseg.models.decode_heads.decode_head import SMALL_CLASSIFIER, BaseDecodeHead
from mmseg.ops import Upsample
from mmseg.registry import MODELS, ModelConfigError

LAYER_NORM = {"type": "LN", "eps": 1e-6, "requires_grad": True}
INIT = [{"type": "Constant", "val": 1.0, "bias": 0, "layer": "LayerNorm"}, SMALL_CLASSIFIER]


@MODELS.register_module()
class SETRUPHead(BaseDecodeHead):
    """Layer norm over a transformer's map, then convolutions with upsampling.

    Args:
        norm_layer: of the tokens.
        num_convs: number of convolutions, each followed by upsampling.
        up_scale: factor of each.
        kernel_size: 1 or 3.
        init_cfg: initialisation.
        kwargs: of :class:`BaseDecodeHead`.
    """

    def __init__(
        self,
        norm_layer: Mapping[str, Any] = LAYER_NORM,
        num_convs: int = 1,
        up_scale: float = 4,
        kernel_size: int = 3,
        init_cfg: Any = INIT,
        **kwargs: Any,
    ) -> None:
        if kernel_size not in (1, 3):
            raise ModelConfigError(f"kernel_size must be 1 or 3, but is {kernel_size}")
        super().__init__(init_cfg=init_cfg, **kwargs)
        if not isinstance(self.in_channels, int):
            raise ModelConfigError(f"in_channels must be one int, but is {self.in_channels}")
        self.norm = build_norm_layer(norm_layer, self.in_channels)[1]
        self.up_convs = nn.ModuleList()
        for i in range(num_convs):
            conv = ConvModule(
                self.channels if i else self.in_channels,
                self.channels,
                kernel_size,
                padding=kernel_size // 2,
                norm_cfg=self.norm_cfg,
                act_cfg=self.act_cfg,
            )
            up = Upsample(scale_factor=up_scale, mode="bilinear", align_corners=self.align_corners)
            self.up_convs.append(nn.Sequential(conv, up))

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        """Returns the logits (B, out_channels, H, W) of the map at ``in_index``, enlarged."""
        x = self._transform_inputs(inputs)
        tokens = self.norm(x.flatten(2).transpose(1, 2))
        x = tokens.transpose(1, 2).reshape(x.shape)
        for up_conv in self.up_convs:
            x = up_conv(x)
        return self.cls_seg(x)
