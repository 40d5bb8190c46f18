"""A segmentor whose heads refine each other's output."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from mmseg.models.builder import build_head
from mmseg.models.segmentors.encoder_decoder import EncoderDecoder, add_prefix
from mmseg.registry import MODELS, ModelConfigError

Cfg = Mapping[str, Any]


@MODELS.register_module()
class CascadeEncoderDecoder(EncoderDecoder):
    """An ``EncoderDecoder`` with a list of heads; each but the first also reads the one before.

    Args:
        num_stages: number of decode heads.
        backbone: see :class:`EncoderDecoder`, like all that follows.
        decode_head: as many configs as stages; losses are logged as ``decode_0.*``, ...
        neck: maps between backbone and heads.
        auxiliary_head: heads that only add losses.
        train_cfg: passed to the heads.
        test_cfg: how to test.
        pretrained: weights of the backbone.
        init_cfg: initialisation.
    """

    def __init__(
        self,
        num_stages: int,
        backbone: Cfg,
        decode_head: Sequence[Cfg],
        neck: Cfg | None = None,
        auxiliary_head: Cfg | Sequence[Cfg] | None = None,
        train_cfg: Cfg | None = None,
        test_cfg: Cfg | None = None,
        pretrained: str | None = None,
        init_cfg: Any = None,
    ) -> None:
        self.num_stages = num_stages
        super().__init__(
            backbone=backbone,
            decode_head=decode_head,  # type: ignore[arg-type]  # read by _init_decode_head below
            neck=neck,
            auxiliary_head=auxiliary_head,
            train_cfg=train_cfg,
            test_cfg=test_cfg,
            pretrained=pretrained,
            init_cfg=init_cfg,
        )

    def _init_decode_head(self, decode_head: Any) -> None:
        if not isinstance(decode_head, (list, tuple)) or len(decode_head) != self.num_stages:
            raise ModelConfigError(
                f"model.decode_head must be a list of num_stages={self.num_stages} heads"
            )
        self.decode_head: Any = nn.ModuleList([build_head(cfg) for cfg in decode_head])
        last = self.decode_head[-1]
        self.align_corners = last.align_corners
        self.num_classes = last.num_classes
        self.out_channels = last.out_channels
        self.threshold = last.threshold

    def _decode_head_forward_test(self, x: Sequence[Tensor], img_metas: Any) -> Tensor:
        first, *others = self.decode_head
        out = first.forward_test(x, img_metas, self.test_cfg)
        for head in others:
            out = head.forward_test(x, out, img_metas, self.test_cfg)
        return out

    def _decode_head_forward_train(
        self, x: Sequence[Tensor], img_metas: list[Any], gt_semantic_seg: Tensor
    ) -> dict[str, Any]:
        losses: dict[str, Any] = {}
        inputs: tuple[Any, ...] = (x,)
        for i, head in enumerate(self.decode_head):
            loss = head.forward_train(*inputs, img_metas, gt_semantic_seg, self.train_cfg)
            losses.update(add_prefix(loss, f"decode_{i}"))
            if i + 1 < self.num_stages:
                # Computed again: heads are only known to return losses in training.
                inputs = (x, head.forward_test(*inputs, img_metas, self.test_cfg))
        return losses
