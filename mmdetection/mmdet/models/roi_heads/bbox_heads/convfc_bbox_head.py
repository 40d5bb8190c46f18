"""Box heads with hidden layers, shared by both predictions or one's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from mmcv.cnn import ConvModule
from mmdet.models.numerics import to_weight_dtype
from mmdet.models.roi_heads.bbox_heads.bbox_head import BBoxHead
from mmdet.registry import MODELS, ModelConfigError

Cfg = Mapping[str, Any]


@MODELS.register_module()
class ConvFCBBoxHead(BBoxHead):
    """Shared convolutions and linear layers, then a branch for classes and one for boxes.

    Keys ``shared_convs``, ``shared_fcs``, ``cls_convs``, ``cls_fcs``, ``reg_convs``, ``reg_fcs``.

    Args:
        num_shared_convs: shared convolutions.
        num_shared_fcs: shared linear layers behind them.
        num_cls_convs: convolutions of the classes' branch.
        num_cls_fcs: its linear layers.
        num_reg_convs: convolutions of the boxes' branch.
        num_reg_fcs: its linear layers.
        conv_out_channels: of the convolutions.
        fc_out_channels: of the linear layers.
        conv_cfg: convolutions.
        norm_cfg: norms behind the convolutions.
        init_cfg: initialisation.
        args: arguments of :class:`BBoxHead`.
        kwargs: the same by name.
    """

    def __init__(
        self,
        num_shared_convs: int = 0,
        num_shared_fcs: int = 0,
        num_cls_convs: int = 0,
        num_cls_fcs: int = 0,
        num_reg_convs: int = 0,
        num_reg_fcs: int = 0,
        conv_out_channels: int = 256,
        fc_out_channels: int = 1024,
        conv_cfg: Cfg | None = None,
        norm_cfg: Cfg | None = None,
        init_cfg: Any = None,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, init_cfg=init_cfg, **kwargs)
        self.num_shared_convs = num_shared_convs
        self.num_shared_fcs = num_shared_fcs
        self.num_cls_convs = num_cls_convs
        self.num_cls_fcs = num_cls_fcs
        self.num_reg_convs = num_reg_convs
        self.num_reg_fcs = num_reg_fcs
        self.conv_out_channels = conv_out_channels
        self.fc_out_channels = fc_out_channels
        self.conv_cfg = conv_cfg
        self.norm_cfg = norm_cfg
        self._check_layers()
        self.shared_convs, self.shared_fcs, width = self._add_conv_fc_branch(
            num_shared_convs, num_shared_fcs, self.in_channels, True
        )
        self.shared_out_channels = width
        self.cls_convs, self.cls_fcs, self.cls_last_dim = self._add_conv_fc_branch(
            num_cls_convs, num_cls_fcs, width
        )
        self.reg_convs, self.reg_fcs, self.reg_last_dim = self._add_conv_fc_branch(
            num_reg_convs, num_reg_fcs, width
        )
        if num_shared_fcs == 0 and not self.with_avg_pool:
            # What has not met a linear layer yet is still a map.
            self.cls_last_dim *= self.roi_feat_area if num_cls_fcs == 0 else 1
            self.reg_last_dim *= self.roi_feat_area if num_reg_fcs == 0 else 1
        self.relu = nn.ReLU(inplace=True)
        self._build_predictors(self.cls_last_dim, self.reg_last_dim)
        if init_cfg is None:
            names = [dict(name=name) for name in ("shared_fcs", "cls_fcs", "reg_fcs")]
            self.init_cfg += [dict(type="Xavier", distribution="uniform", override=names)]

    def _check_layers(self) -> None:
        cls_layers, reg_layers = (
            self.num_cls_convs + self.num_cls_fcs,
            self.num_reg_convs + self.num_reg_fcs,
        )
        if not self.num_shared_convs + self.num_shared_fcs + cls_layers + reg_layers:
            raise ModelConfigError("all num_*_convs and num_*_fcs are 0: use BBoxHead")
        if (self.num_cls_convs or self.num_reg_convs) and self.num_shared_fcs:
            raise ModelConfigError(
                "num_cls_convs and num_reg_convs cannot follow linear layers: num_shared_fcs = "
                f"{self.num_shared_fcs} must be 0"
            )
        if (cls_layers and not self.with_cls) or (reg_layers and not self.with_reg):
            raise ModelConfigError("a branch has layers, but with_cls or with_reg is False")

    def _add_conv_fc_branch(
        self,
        num_branch_convs: int,
        num_branch_fcs: int,
        in_channels: int,
        is_shared: bool = False,
    ) -> tuple[nn.ModuleList, nn.ModuleList, int]:
        """Returns convolutions, linear layers and the width behind them."""
        width = in_channels
        convs, fcs = nn.ModuleList(), nn.ModuleList()
        options: dict[str, Any] = dict(conv_cfg=self.conv_cfg, norm_cfg=self.norm_cfg)
        for _ in range(num_branch_convs):
            convs.append(ConvModule(width, self.conv_out_channels, 3, padding=1, **options))
            width = self.conv_out_channels
        if num_branch_fcs > 0:
            is_map = is_shared or self.num_shared_fcs == 0
            if is_map and not self.with_avg_pool:
                width *= self.roi_feat_area
            for _ in range(num_branch_fcs):
                fcs.append(nn.Linear(width, self.fc_out_channels))
                width = self.fc_out_channels
        return convs, fcs, width

    def forward(self, x: Tensor) -> tuple[Tensor | None, Tensor | None]:
        """Maps features (N, in_channels, h, w) to logits (N, C + 1) and boxes (N, 4·C)."""
        x = to_weight_dtype(x, self)
        for conv in self.shared_convs:
            x = conv(x)
        if self.num_shared_fcs > 0:
            x = self._run_fcs(self.shared_fcs, x)
        x_cls = self._run_branch(self.cls_convs, self.cls_fcs, x)
        x_reg = self._run_branch(self.reg_convs, self.reg_fcs, x)
        cls_score = self.fc_cls(x_cls) if self.with_cls else None
        return cls_score, self.fc_reg(x_reg) if self.with_reg else None

    def _run_branch(self, convs: nn.ModuleList, fcs: nn.ModuleList, x: Tensor) -> Tensor:
        for conv in convs:
            x = conv(x)
        return self._run_fcs(fcs, x)

    def _run_fcs(self, fcs: nn.ModuleList, x: Tensor) -> Tensor:
        if x.dim() > 2:
            x = self.avg_pool(x) if self.with_avg_pool else x
            x = x.flatten(1)
        for fc in fcs:
            x = self.relu(fc(x))
        return x


@MODELS.register_module()
class Shared2FCBBoxHead(ConvFCBBoxHead):
    """Two shared linear layers (FPN, arXiv:1612.03144)."""

    def __init__(self, fc_out_channels: int = 1024, *args: Any, **kwargs: Any) -> None:
        given = dict(num_shared_fcs=2, fc_out_channels=fc_out_channels)
        super().__init__(*args, **{**kwargs, **given})


@MODELS.register_module()
class Shared4Conv1FCBBoxHead(ConvFCBBoxHead):
    """Four shared convolutions and a linear layer (Group Norm, arXiv:1803.08494)."""

    def __init__(self, fc_out_channels: int = 1024, *args: Any, **kwargs: Any) -> None:
        given = dict(num_shared_convs=4, num_shared_fcs=1, fc_out_channels=fc_out_channels)
        super().__init__(*args, **{**kwargs, **given})
