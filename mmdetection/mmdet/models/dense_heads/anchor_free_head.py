"""Base of heads that predict a box per point instead of per anchor."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from mmdet.boxes import MlvlPointGenerator, multi_apply
from mmdet.boxes.builder import build_bbox_coder
from mmdet.models.builder import build_loss
from mmdet.models.dense_heads.base_dense_head import BaseDenseHead
from mmdet.models.dense_heads.towers import conv_tower, run_tower, small_normal
from mmdet.models.numerics import as_config, to_weight_dtype
from mmdet.registry import MODELS, ModelConfigError

Cfg = Mapping[str, Any]

FOCAL = dict(type="FocalLoss", use_sigmoid=True, gamma=2.0, alpha=0.25, loss_weight=1.0)
# What the predicting layers of single heads were called in checkpoints of version 1.
OLD_NAMES = {
    "fcos_cls": "conv_cls",
    "fcos_reg": "conv_reg",
    "fcos_centerness": "conv_centerness",
    "fovea_cls": "conv_cls",
    "fovea_reg": "conv_reg",
    "reppoints_cls": "conv_cls",
}


@MODELS.register_module()
class AnchorFreeHead(BaseDenseHead):
    """Two towers of convolutions, one for classes and one for boxes.

    Keys: ``cls_convs.i.*``, ``reg_convs.i.*``, ``conv_cls``, ``conv_reg``.

    Args:
        num_classes: classes without the background.
        in_channels: of the maps.
        feat_channels: of hidden layers.
        stacked_convs: convolutions of each tower.
        strides: of the maps.
        dcn_on_last_conv: the last convolution of each tower is deformable.
        conv_bias: bias of the towers; "auto": where there is no norm.
        loss_cls: loss of the classes.
        loss_bbox: loss of the boxes.
        bbox_coder: turns numbers relative to a point into boxes.
        conv_cfg: convolutions.
        norm_cfg: norms.
        train_cfg: of the detector.
        test_cfg: of the detector.
        init_cfg: initialisation.
    """

    _version = 1

    def __init__(
        self,
        num_classes: int,
        in_channels: int,
        feat_channels: int = 256,
        stacked_convs: int = 4,
        strides: Sequence[Any] = (4, 8, 16, 32, 64),
        dcn_on_last_conv: bool = False,
        conv_bias: bool | str = "auto",
        loss_cls: Cfg = FOCAL,
        loss_bbox: Cfg = dict(type="IoULoss", loss_weight=1.0),  # noqa: B006  # read only
        bbox_coder: Cfg = dict(type="DistancePointBBoxCoder"),  # noqa: B006  # read only
        conv_cfg: Cfg | None = None,
        norm_cfg: Cfg | None = None,
        train_cfg: Cfg | None = None,
        test_cfg: Cfg | None = None,
        init_cfg: Any = small_normal("conv_cls"),  # noqa: B008  # read only
    ) -> None:
        super().__init__(init_cfg)
        self.num_classes = num_classes
        self.use_sigmoid_cls = loss_cls.get("use_sigmoid", False)
        self.cls_out_channels = num_classes if self.use_sigmoid_cls else num_classes + 1
        self.in_channels = in_channels
        self.feat_channels = feat_channels
        self.stacked_convs = stacked_convs
        self.strides = strides
        self.dcn_on_last_conv = dcn_on_last_conv
        if not (conv_bias == "auto" or isinstance(conv_bias, bool)):
            raise ModelConfigError(f"conv_bias must be 'auto' or a bool, but is {conv_bias!r}")
        self.conv_bias = conv_bias
        self.loss_cls = build_loss(loss_cls)
        self.loss_bbox = build_loss(loss_bbox)
        self.bbox_coder = build_bbox_coder(bbox_coder)
        self.prior_generator = MlvlPointGenerator(strides)
        self.num_base_priors = self.prior_generator.num_base_priors[0]
        self.train_cfg = as_config(train_cfg)
        self.test_cfg = as_config(test_cfg)
        self.conv_cfg = conv_cfg
        self.norm_cfg = norm_cfg
        self.fp16_enabled = False  # read and set by 1.x code; without effect here
        self._init_layers()

    def _init_layers(self) -> None:
        """Builds the layers."""
        self._init_cls_convs()
        self._init_reg_convs()
        self._init_predictor()

    def _init_cls_convs(self) -> None:
        self.cls_convs = self._tower()

    def _init_reg_convs(self) -> None:
        self.reg_convs = self._tower()

    def _init_predictor(self) -> None:
        self.conv_cls = nn.Conv2d(self.feat_channels, self.cls_out_channels, 3, padding=1)
        self.conv_reg = nn.Conv2d(self.feat_channels, 4, 3, padding=1)

    def _tower(self) -> nn.ModuleList:
        return conv_tower(
            self.in_channels,
            self.feat_channels,
            self.stacked_convs,
            conv_cfg=self.conv_cfg,
            norm_cfg=self.norm_cfg,
            bias=self.conv_bias,
            last_conv_cfg=dict(type="DCNv2") if self.dcn_on_last_conv else None,
        )

    def _load_from_state_dict(  # type: ignore[override]
        self, state_dict: dict[str, Any], prefix: str, local_metadata: dict[str, Any], *args: Any
    ) -> None:
        """Renames the layers of checkpoints that are older than version 1."""
        if local_metadata.get("version") is None:
            for key in [key for key in state_dict if key.startswith(prefix)]:
                layer, _, rest = key[len(prefix) :].partition(".")
                if layer in OLD_NAMES:
                    state_dict[f"{prefix}{OLD_NAMES[layer]}.{rest}"] = state_dict.pop(key)
        super()._load_from_state_dict(state_dict, prefix, local_metadata, *args)

    def forward(self, feats: Sequence[Tensor]) -> Any:
        """Returns logits (B, C, H, W) and boxes (B, 4, H, W) of all levels."""
        return multi_apply(self.forward_single, to_weight_dtype(feats, self))[:2]

    def forward_single(self, x: Tensor, *args: Any) -> tuple[Tensor, ...]:
        """Returns logits and boxes of one level, and the results of both towers.

        Args:
            x: (B, in_channels, H, W).
            args: of subclasses.
        """
        cls_feat = run_tower(self.cls_convs, x)
        reg_feat = run_tower(self.reg_convs, x)
        return self.conv_cls(cls_feat), self.conv_reg(reg_feat), cls_feat, reg_feat

    @abstractmethod
    def get_targets(self, *args: Any, **kwargs: Any) -> Any:
        """Returns what the points should have predicted."""

    def aug_test(
        self, feats: Sequence[Any], img_metas: list[Any], rescale: bool = False
    ) -> list[Any]:
        """Returns boxes (n, 5) and labels (n,) of one image, merged from several views."""
        return self.aug_test_bboxes(feats, img_metas, rescale=rescale)
