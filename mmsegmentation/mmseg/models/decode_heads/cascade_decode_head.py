"""Base of heads that read the output of the head before them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

from torch import Tensor

from mmseg.models.decode_heads.decode_head import BaseDecodeHead


class BaseCascadeDecodeHead(BaseDecodeHead):
    """A head of ``CascadeEncoderDecoder`` behind the first one."""

    @abstractmethod
    def forward(self, inputs: Sequence[Tensor], prev_output: Any) -> Tensor:  # type: ignore[override]
        """Returns the logits from the maps and the output of the head before."""

    def forward_train(  # type: ignore[override]
        self,
        inputs: Sequence[Tensor],
        prev_output: Any,
        img_metas: list[Any],
        gt_semantic_seg: Tensor,
        train_cfg: Any,
    ) -> dict[str, Tensor]:
        """Returns the losses and the accuracy.

        Args:
            inputs: maps (B, C_i, H_i, W_i).
            prev_output: of the head before.
            img_metas: one dict per image.
            gt_semantic_seg: (B, 1, H, W) classes.
            train_cfg: the segmentor's.
        """
        return self.losses(self(inputs, prev_output), gt_semantic_seg)

    def forward_test(  # type: ignore[override]
        self, inputs: Sequence[Tensor], prev_output: Any, img_metas: list[Any], test_cfg: Any
    ) -> Tensor:
        """Returns the logits, not resized."""
        return self(inputs, prev_output)
