"""Linear layers for classes, convolutions for boxes (Wu et al., 2019, arXiv:1904.06493)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from mmcv.backbones.resnet_blocks import Bottleneck
from mmcv.cnn import ConvModule
from mmcv.model import BaseModule, ModuleList
from mmdet.models.numerics import to_weight_dtype
from mmdet.models.roi_heads.bbox_heads.bbox_head import BBoxHead
from mmdet.registry import MODELS, ModelConfigError

BN = dict(type="BN")
INIT = dict(
    type="Normal",
    override=[
        dict(type="Normal", name="fc_cls", std=0.01),
        dict(type="Normal", name="fc_reg", std=0.001),
        dict(type="Xavier", name="fc_branch", distribution="uniform"),
    ],
)


class BasicResBlock(BaseModule):
    """Two convolutions beside a 1x1 convolution; keys ``conv1``, ``conv2``, ``conv_identity``."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        conv_cfg: Mapping[str, Any] | None = None,
        norm_cfg: Mapping[str, Any] = BN,
        init_cfg: Any = None,
    ) -> None:
        super().__init__(init_cfg)
        options: dict[str, Any] = dict(bias=False, conv_cfg=conv_cfg, norm_cfg=norm_cfg)
        self.conv1 = ConvModule(in_channels, in_channels, 3, padding=1, **options)
        self.conv2 = ConvModule(in_channels, out_channels, 1, act_cfg=None, **options)
        self.conv_identity = ConvModule(
            in_channels, out_channels, 1, conv_cfg=conv_cfg, norm_cfg=norm_cfg, act_cfg=None
        )
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """Maps (N, in_channels, h, w) to (N, out_channels, h, w)."""
        return self.relu(self.conv2(self.conv1(x)) + self.conv_identity(x))


@MODELS.register_module()
class DoubleConvFCBBoxHead(BBoxHead):
    """A linear branch for classes, a convolutional one for boxes.

    Args:
        num_convs: residual blocks of the boxes' branch, after a first one.
        num_fcs: linear layers of the classes' branch.
        conv_out_channels: width of the convolutions.
        fc_out_channels: width of the linear layers.
        conv_cfg: convolutions.
        norm_cfg: norms.
        init_cfg: initialisation.
        kwargs: arguments of :class:`BBoxHead`.
    """

    def __init__(
        self,
        num_convs: int = 0,
        num_fcs: int = 0,
        conv_out_channels: int = 1024,
        fc_out_channels: int = 1024,
        conv_cfg: Mapping[str, Any] | None = None,
        norm_cfg: Mapping[str, Any] = BN,
        init_cfg: Any = INIT,
        **kwargs: Any,
    ) -> None:
        kwargs.setdefault("with_avg_pool", True)
        super().__init__(init_cfg=init_cfg, **kwargs)
        if not self.with_avg_pool or num_convs <= 0 or num_fcs <= 0:
            raise ModelConfigError("num_convs and num_fcs must be > 0, with_avg_pool True")
        self.num_convs = num_convs
        self.num_fcs = num_fcs
        self.conv_out_channels = conv_out_channels
        self.fc_out_channels = fc_out_channels
        self.res_block = BasicResBlock(self.in_channels, conv_out_channels)
        options: dict[str, Any] = dict(conv_cfg=conv_cfg, norm_cfg=norm_cfg)
        self.conv_branch: Any = ModuleList(
            [
                Bottleneck(conv_out_channels, conv_out_channels // 4, **options)
                for _ in range(num_convs)
            ]
        )
        widths = [self.in_channels * self.roi_feat_area] + [fc_out_channels] * num_fcs
        self.fc_branch: Any = ModuleList(
            [nn.Linear(widths[i], widths[i + 1]) for i in range(num_fcs)]
        )
        boxes = 1 if self.reg_class_agnostic else self.num_classes
        self.fc_reg = nn.Linear(conv_out_channels, 4 * boxes)
        self.fc_cls = nn.Linear(fc_out_channels, self.num_classes + 1)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x_cls: Tensor, x_reg: Tensor) -> tuple[Tensor, Tensor]:  # type: ignore[override]
        """Maps two sets of features (N, C, h, w) to logits (N, C + 1) and boxes (N, 4·C)."""
        x_cls, x_reg = to_weight_dtype(x_cls, self), to_weight_dtype(x_reg, self)
        x_reg = self.res_block(x_reg)
        for block in self.conv_branch:
            x_reg = block(x_reg)
        x_reg = self.avg_pool(x_reg).flatten(1) if x_reg.numel() else x_reg.mean(dim=(-1, -2))
        x_cls = x_cls.flatten(1)
        for fc in self.fc_branch:
            x_cls = self.relu(fc(x_cls))
        return self.fc_cls(x_cls), self.fc_reg(x_reg)
