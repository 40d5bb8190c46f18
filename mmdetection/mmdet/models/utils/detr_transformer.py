"""The transformer of DETR (Carion et al., 2020, arXiv:2005.12872)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from mmcv.cnn import xavier_init
from mmcv.model import BaseModule, InitCfg
from mmdet.registry import MODELS


def nlc_to_nchw(x: Tensor, hw_shape: tuple[int, int]) -> Tensor:
    """Turns tokens (B, L, C) into a map (B, C, H, W)."""
    height, width = hw_shape
    assert x.dim() == 3, f"tokens must be (B, L, C), but got {tuple(x.shape)}"
    batch, length, channels = x.shape
    assert length == height * width, f"{length} tokens do not make {height} x {width}"
    return x.transpose(1, 2).reshape(batch, channels, height, width)


def nchw_to_nlc(x: Tensor) -> Tensor:
    """Turns a map (B, C, H, W) into tokens (B, H * W, C)."""
    assert x.dim() == 4, f"a map must be (B, C, H, W), but got {tuple(x.shape)}"
    return x.flatten(2).transpose(1, 2).contiguous()


@MODELS.register_module()
class Transformer(BaseModule):
    """An encoder of one map and a decoder of queries.

    Args:
        encoder: config of a ``TransformerLayerSequence``; its output is the memory.
        decoder: config of one whose queries look at the memory.
        init_cfg: see ``BaseModule``.
    """

    def __init__(
        self,
        encoder: Mapping[str, Any] | None = None,
        decoder: Mapping[str, Any] | None = None,
        init_cfg: InitCfg = None,
    ) -> None:
        super().__init__(init_cfg)
        self.encoder: Any = MODELS.build(encoder)
        self.decoder: Any = MODELS.build(decoder)
        self.embed_dims: int = self.encoder.embed_dims

    def init_weights(self) -> None:
        """Draws every matrix from Glorot's uniform distribution."""
        for module in self.modules():
            weight = getattr(module, "weight", None)
            if isinstance(weight, Tensor) and weight.dim() > 1:
                xavier_init(module, distribution="uniform")
        self._is_init = True

    def forward(
        self, x: Tensor, mask: Tensor, query_embed: Tensor, pos_embed: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Encodes a map and decodes queries.

        Args:
            x: (B, C, H, W).
            mask: (B, H, W) bool, True where the map is padding.
            query_embed: (Q, C).
            pos_embed: position encoding, (B, C, H, W).

        Returns:
            (layers, B, Q, C) outputs of the decoder, and the memory (B, C, H, W).
        """
        batch, _, height, width = x.shape
        tokens = x.flatten(2).permute(2, 0, 1)
        positions = pos_embed.flatten(2).permute(2, 0, 1).to(x.dtype)
        query_pos = query_embed[:, None].repeat(1, batch, 1)
        padding = mask.flatten(1)
        memory = self.encoder(
            query=tokens,
            key=None,
            value=None,
            query_pos=positions,
            query_key_padding_mask=padding,
        )
        outputs = self.decoder(
            query=torch.zeros_like(query_pos),
            key=memory,
            value=memory,
            key_pos=positions,
            query_pos=query_pos,
            key_padding_mask=padding,
        )
        memory_map = memory.permute(1, 2, 0).reshape(batch, -1, height, width)
        return outputs.transpose(1, 2), memory_map
