"""DETR's head (Carion et al., 2020, arXiv:2005.12872)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmcv.cnn import FFN, build_activation_layer
from mmdet.boxes import multi_apply
from mmdet.boxes.builder import build_assigner, build_sampler
from mmdet.models.dense_heads.anchor_free_head import AnchorFreeHead
from mmdet.models.dense_heads.set_prediction_head import Metas, SetPredictionHead
from mmdet.models.numerics import as_config, to_weight_dtype
from mmdet.models.utils.builder import build_transformer
from mmdet.registry import MODELS, ModelConfigError

Cfg = Mapping[str, Any]

MATCHING = dict(
    assigner=dict(
        type="HungarianAssigner",
        cls_cost=dict(type="ClassificationCost", weight=1.0),
        reg_cost=dict(type="BBoxL1Cost", weight=5.0),
        iou_cost=dict(type="IoUCost", iou_mode="giou", weight=2.0),
    )
)
# Parts of keys in checkpoints of version 1, and what they are called now.
OLD_KEYS = {
    ".self_attn.": ".attentions.0.",
    ".multihead_attn.": ".attentions.1.",
    ".decoder.norm.": ".decoder.post_norm.",
}


@MODELS.register_module()
class DETRHead(SetPredictionHead):
    """A set of queries, each of which finds one object or none.

    Keys: ``input_proj``, ``transformer.*``, ``query_embedding``, ``fc_cls``, ``reg_ffn.*``,
    ``fc_reg``.

    Legend: L decoder layers, B images, Q queries, C = ``cls_out_channels``. Boxes are cx cy w h as
    shares of the image.

    Args:
        num_classes: classes without "no object".
        in_channels: of the map.
        num_query: number of queries.
        num_reg_fcs: linear layers of the boxes, without the last one.
        transformer: encoder and decoder.
        sync_cls_avg_factor: average what divides the loss of the classes over all processes.
        positional_encoding: of the map.
        loss_cls: loss of the classes; ``bg_cls_weight`` is the weight of "no object",
            ``class_weight`` that of all others, or a list of one for each.
        loss_bbox: loss of the numbers of a box.
        loss_iou: loss of the overlap.
        train_cfg: ``assigner``.
        test_cfg: ``max_per_img``.
        init_cfg: not to be used: the transformer initialises itself.
        kwargs: ignored, as in 1.x.
    """

    _version = 2

    def __init__(
        self,
        num_classes: int,
        in_channels: int,
        num_query: int = 100,
        num_reg_fcs: int = 2,
        transformer: Any = None,
        sync_cls_avg_factor: bool = False,
        positional_encoding: Cfg = dict(  # noqa: B006  # read only
            type="SinePositionalEncoding", num_feats=128, normalize=True
        ),
        loss_cls: Cfg = dict(  # noqa: B006  # read only
            type="CrossEntropyLoss",
            bg_cls_weight=0.1,
            use_sigmoid=False,
            loss_weight=1.0,
            class_weight=1.0,
        ),
        loss_bbox: Cfg = dict(type="L1Loss", loss_weight=5.0),  # noqa: B006  # read only
        loss_iou: Cfg = dict(type="GIoULoss", loss_weight=2.0),  # noqa: B006  # read only
        train_cfg: Any = MATCHING,
        test_cfg: Any = dict(max_per_img=100),  # noqa: B006  # read only
        init_cfg: Any = None,
        **kwargs: Any,
    ) -> None:
        # The layers of an anchor-free head do not exist here.
        super(AnchorFreeHead, self).__init__(init_cfg)  # type: ignore[call-arg]
        self.num_classes = num_classes
        self.in_channels = in_channels
        self.num_query = num_query
        self.num_reg_fcs = num_reg_fcs
        self.sync_cls_avg_factor = sync_cls_avg_factor
        self.train_cfg = as_config(train_cfg)
        self.test_cfg = as_config(test_cfg)
        self.fp16_enabled = False  # read and set by 1.x code; without effect here
        self._init_losses(loss_cls, loss_bbox, loss_iou)
        if self.train_cfg:
            if "assigner" not in self.train_cfg:
                raise ModelConfigError("train_cfg of DETR needs the key 'assigner'")
            self.assigner = build_assigner(self.train_cfg["assigner"])
            self.sampler = build_sampler(dict(type="PseudoSampler"), context=self)
        self.act_cfg = (transformer or {}).get("act_cfg", dict(type="ReLU", inplace=True))
        self.activate = build_activation_layer(self.act_cfg)
        self.positional_encoding = MODELS.build(positional_encoding)
        self.transformer = build_transformer(transformer)
        self.embed_dims: int = self.transformer.embed_dims
        num_feats = positional_encoding.get("num_feats")
        if num_feats is None or num_feats * 2 != self.embed_dims:
            raise ModelConfigError(
                f"positional_encoding.num_feats must be half of the transformer's embed_dims,"
                f" {self.embed_dims}, but is {num_feats}"
            )
        self._init_layers()

    def _init_layers(self) -> None:
        """Builds the layers."""
        self.input_proj: Any = nn.Conv2d(self.in_channels, self.embed_dims, kernel_size=1)
        self.fc_cls: Any = nn.Linear(self.embed_dims, self.cls_out_channels)
        self.reg_ffn: Any = FFN(
            self.embed_dims,
            self.embed_dims,
            self.num_reg_fcs,
            self.act_cfg,
            dropout=0.0,
            add_residual=False,
        )
        self.fc_reg: Any = nn.Linear(self.embed_dims, 4)
        self.query_embedding: Any = nn.Embedding(self.num_query, self.embed_dims)

    def init_weights(self) -> None:
        """Initialises the transformer; the other layers keep torch's own distributions."""
        self.transformer.init_weights()

    def _load_from_state_dict(  # type: ignore[override]
        self, state_dict: dict[str, Any], prefix: str, local_metadata: dict[str, Any], *args: Any
    ) -> None:
        """Renames the layers of checkpoints that are older than version 2."""
        version = local_metadata.get("version")
        if (version is None or version < 2) and type(self) is DETRHead:
            for key in [key for key in state_dict if key.startswith(prefix)]:
                new = key.replace(".ffn.", ".ffns.0.")
                for old, name in OLD_KEYS.items():
                    new = new.replace(old, name)
                state_dict[new] = state_dict.pop(key)
        super(AnchorFreeHead, self)._load_from_state_dict(state_dict, prefix, local_metadata, *args)

    def forward(self, feats: Sequence[Tensor], img_metas: Metas) -> Any:  # type: ignore[override]
        """Returns per map the logits (L, B, Q, C) and the boxes (L, B, Q, 4)."""
        return multi_apply(self.forward_single, feats, [img_metas] * len(feats))

    def forward_single(  # type: ignore[override]
        self, x: Tensor, img_metas: Metas
    ) -> tuple[Tensor, Tensor]:
        """Predicts from one map.

        Args:
            x: (B, in_channels, H, W).
            img_metas: one dict per image, with ``batch_input_shape`` and ``img_shape``.

        Returns:
            (L, B, Q, C) logits and (L, B, Q, 4) boxes.
        """
        x = self.input_proj(to_weight_dtype(x, self.input_proj))
        mask = padding_masks(img_metas, [x.shape[-2:]], x.device)[0]
        outputs, _ = self.transformer(
            x, mask, self.query_embedding.weight, self.positional_encoding(mask)
        )
        boxes = self.fc_reg(self.activate(self.reg_ffn(outputs)))
        return self.fc_cls(outputs), boxes.float().sigmoid()

    def loss(  # type: ignore[override]
        self,
        all_cls_scores_list: Sequence[Tensor],
        all_bbox_preds_list: Sequence[Tensor],
        gt_bboxes_list: Sequence[Tensor],
        gt_labels_list: Sequence[Tensor],
        img_metas: Metas,
        gt_bboxes_ignore: Any = None,
    ) -> dict[str, Tensor]:
        """Returns ``loss_{cls,bbox,iou}`` of the last layer, ``d{i}.loss_…`` of the others.

        Args:
            all_cls_scores_list: per map (L, B, Q, C); the last one counts.
            all_bbox_preds_list: per map (L, B, Q, 4).
            gt_bboxes_list: per image (k, 4) x1 y1 x2 y2 in pixels of the input.
            gt_labels_list: per image (k,).
            img_metas: one dict per image.
            gt_bboxes_ignore: must be None.
        """
        return self._layer_losses(
            all_cls_scores_list[-1],
            all_bbox_preds_list[-1],
            gt_bboxes_list,
            gt_labels_list,
            img_metas,
            gt_bboxes_ignore,
        )

    def forward_train(  # type: ignore[override]
        self,
        x: Sequence[Tensor],
        img_metas: Metas,
        gt_bboxes: list[Tensor],
        gt_labels: list[Tensor] | None = None,
        gt_bboxes_ignore: Any = None,
        proposal_cfg: Any = None,
        **kwargs: Any,
    ) -> dict[str, Tensor]:
        """Returns the losses of a batch; arguments as in ``BaseDenseHead``."""
        assert proposal_cfg is None, '"proposal_cfg" must be None'
        labels = () if gt_labels is None else (gt_labels,)
        outs = self(x, img_metas)
        return cast(Any, self.loss)(
            *outs, gt_bboxes, *labels, img_metas, gt_bboxes_ignore=gt_bboxes_ignore
        )

    def get_bboxes(  # type: ignore[override]
        self,
        all_cls_scores_list: Sequence[Tensor],
        all_bbox_preds_list: Sequence[Tensor],
        img_metas: Metas,
        rescale: bool = False,
    ) -> list[tuple[Tensor, Tensor]]:
        """Returns per image boxes (n, 5) with scores and labels (n,), of the last map and layer."""
        return self._detections(
            all_cls_scores_list[-1][-1], all_bbox_preds_list[-1][-1], img_metas, rescale
        )

    def simple_test_bboxes(
        self, feats: Any, img_metas: Any, rescale: bool = False
    ) -> list[tuple[Tensor, Tensor]]:
        """Returns per image boxes (n, 5) and labels (n,)."""
        outs = self.forward(feats, img_metas)
        return cast(Any, self.get_bboxes)(*outs, img_metas, rescale=rescale)

    def aug_test(self, feats: Any, img_metas: Any, rescale: bool = False) -> Any:
        """Raises an error: sets of queries are not merged over views."""
        raise ModelConfigError(
            f"{type(self).__name__} does not support test-time augmentation: give"
            " MultiScaleFlipAug one img_scale and flip=False"
        )


def padding_masks(
    img_metas: Metas, sizes: Sequence[Sequence[int]], device: torch.device
) -> list[Tensor]:
    """Returns, for maps of these sizes, (B, H, W) bool: True where an image is padded."""
    height, width = img_metas[0]["batch_input_shape"]
    masks = torch.ones(1, len(img_metas), height, width, device=device)
    for index, meta in enumerate(img_metas):
        masks[0, index, : meta["img_shape"][0], : meta["img_shape"][1]] = 0
    return [F.interpolate(masks, size=tuple(size))[0].to(torch.bool) for size in sizes]
