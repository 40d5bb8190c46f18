"""RetinaNet's head (Lin et al., 2017, arXiv:1708.02002)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from mmdet.models.dense_heads.anchor_head import AnchorHead
from mmdet.models.dense_heads.towers import conv_tower, run_tower, small_normal
from mmdet.registry import MODELS

Cfg = Mapping[str, Any]

ANCHORS = dict(
    type="AnchorGenerator",
    octave_base_scale=4,
    scales_per_octave=3,
    ratios=[0.5, 1.0, 2.0],
    strides=[8, 16, 32, 64, 128],
)


@MODELS.register_module()
class RetinaHead(AnchorHead):
    """Two towers of convolutions, one for classes and one for boxes.

    Keys: ``cls_convs.i.*``, ``reg_convs.i.*``, ``retina_cls``, ``retina_reg``.

    Args:
        num_classes: classes without the background.
        in_channels: of the maps.
        stacked_convs: convolutions of each tower.
        conv_cfg: convolutions.
        norm_cfg: norms.
        anchor_generator: places the anchors.
        init_cfg: initialisation.
        kwargs: of :class:`AnchorHead`.
    """

    def __init__(
        self,
        num_classes: int,
        in_channels: int,
        stacked_convs: int = 4,
        conv_cfg: Cfg | None = None,
        norm_cfg: Cfg | None = None,
        anchor_generator: Cfg = ANCHORS,
        init_cfg: Any = small_normal("retina_cls"),  # noqa: B008  # read only
        **kwargs: Any,
    ) -> None:
        self.stacked_convs = stacked_convs
        self.conv_cfg = conv_cfg
        self.norm_cfg = norm_cfg
        super().__init__(
            num_classes,
            in_channels,
            anchor_generator=anchor_generator,
            init_cfg=init_cfg,
            **kwargs,
        )

    def _init_layers(self) -> None:
        """Builds the layers."""
        options: dict[str, Any] = dict(conv_cfg=self.conv_cfg, norm_cfg=self.norm_cfg)
        shape = (self.in_channels, self.feat_channels, self.stacked_convs)
        self.relu = nn.ReLU(inplace=True)
        self.cls_convs = conv_tower(*shape, **options)
        self.reg_convs = conv_tower(*shape, **options)
        num_logits = self.num_base_priors * self.cls_out_channels
        self.retina_cls = nn.Conv2d(self.feat_channels, num_logits, 3, padding=1)
        self.retina_reg = nn.Conv2d(self.feat_channels, self.num_base_priors * 4, 3, padding=1)

    def forward_single(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Maps one level (B, in_channels, H, W) to (B, A·C, H, W) and (B, A·4, H, W)."""
        return (
            self.retina_cls(run_tower(self.cls_convs, x)),
            self.retina_reg(run_tower(self.reg_convs, x)),
        )
