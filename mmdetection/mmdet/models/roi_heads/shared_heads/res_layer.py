"""A stage of ResNet on the features of regions (the C4 models of arXiv:1506.01497)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor
from torch.nn.modules.batchnorm import _BatchNorm

from mmcv.backbones.resnet_blocks import ResLayer as Stage
from mmcv.model import BaseModule
from mmdet.models.backbones.resnet import ResNet
from mmdet.models.numerics import to_weight_dtype
from mmdet.registry import MODELS, ModelConfigError


@MODELS.register_module()
class ResLayer(BaseModule):
    """One stage of a ResNet; key ``layer4`` (for ``stage=3``).

    Args:
        depth: of the ResNet.
        stage: which, counted from 0.
        stride: of its first block.
        dilation: of its blocks.
        style: see ``ResNet``.
        norm_cfg: norms.
        norm_eval: keep running statistics fixed while training.
        with_cp: recompute blocks in the backward pass.
        dcn: see ``ResNet``.
        pretrained: checkpoint; the older way to give an ``init_cfg``.
        init_cfg: initialisation.
    """

    def __init__(
        self,
        depth: int,
        stage: int = 3,
        stride: int = 2,
        dilation: int = 1,
        style: str = "pytorch",
        norm_cfg: Mapping[str, Any] = dict(type="BN", requires_grad=True),
        norm_eval: bool = True,
        with_cp: bool = False,
        dcn: Mapping[str, Any] | None = None,
        pretrained: str | None = None,
        init_cfg: Any = None,
    ) -> None:
        if init_cfg and pretrained:
            raise ModelConfigError("init_cfg and pretrained cannot be specified at the same time")
        if pretrained:
            init_cfg = dict(type="Pretrained", checkpoint=pretrained)
        elif init_cfg is None:
            init_cfg = [
                dict(type="Kaiming", layer="Conv2d"),
                dict(type="Constant", val=1, layer=["_BatchNorm", "GroupNorm"]),
            ]
        super().__init__(init_cfg)
        self.norm_eval = norm_eval
        self.norm_cfg = norm_cfg
        self.stage = stage
        self.fp16_enabled = False  # read and set by 1.x code; without effect here
        block, num_blocks = ResNet.arch_settings[depth]
        layer = Stage(
            block,
            64 * 2 ** (stage - 1) * block.expansion,
            64 * 2**stage,
            num_blocks[stage],
            stride=stride,
            dilation=dilation,
            style=style,
            with_cp=with_cp,
            norm_cfg=norm_cfg,
            dcn=dcn,
        )
        self.add_module(f"layer{stage + 1}", layer)

    def forward(self, x: Tensor) -> Tensor:
        """Maps features (N, C, h, w) to (N, C', h / stride, w / stride)."""
        return getattr(self, f"layer{self.stage + 1}")(to_weight_dtype(x, self))

    def train(self, mode: bool = True) -> ResLayer:
        """Sets training mode, but for norms whose statistics are fixed."""
        super().train(mode)
        if self.norm_eval:
            for module in self.modules():
                if isinstance(module, _BatchNorm):
                    module.eval()
        return self
