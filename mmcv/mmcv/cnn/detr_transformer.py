"""Encoder and decoder of DETR (Carion et al., 2020, arXiv:2005.12872).

They stand in mmcv because detectors and mask transformers of both tasks are built of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from mmcv.cnn.norm import build_norm_layer
from mmcv.cnn.transformer_layer import (
    OPERATIONS,
    BaseTransformerLayer,
    TransformerLayerSequence,
)
from mmcv.registry import MODELS, ModelConfigError

Cfg = Mapping[str, Any]


@MODELS.register_module()
class DetrTransformerDecoderLayer(BaseTransformerLayer):
    """A layer of self attention, cross attention, a feed-forward network and three norms.

    Args:
        attn_cfgs: one config for both attentions, or one for each.
        feedforward_channels: width of the feed-forward network.
        ffn_dropout: its dropout.
        operation_order: all four kinds of operations, the norm three times.
        act_cfg: accepted for compatibility; ``ffn_cfgs`` names the activation.
        norm_cfg: all norms.
        ffn_num_fcs: linear layers of the feed-forward network.
        kwargs: of :class:`BaseTransformerLayer`.
    """

    def __init__(
        self,
        attn_cfgs: Any,
        feedforward_channels: int,
        ffn_dropout: float = 0.0,
        operation_order: tuple[str, ...] | None = None,
        act_cfg: Cfg = dict(type="ReLU", inplace=True),  # noqa: B006  # read only
        norm_cfg: Cfg = dict(type="LN"),  # noqa: B006  # read only
        ffn_num_fcs: int = 2,
        **kwargs: Any,
    ) -> None:
        order = tuple(operation_order or ())
        if len(order) != 6 or set(order) != set(OPERATIONS):
            raise ModelConfigError(
                f"operation_order must be six operations, all of {OPERATIONS}, but got {order}"
            )
        super().__init__(
            attn_cfgs=attn_cfgs,
            feedforward_channels=feedforward_channels,
            ffn_dropout=ffn_dropout,
            operation_order=order,
            act_cfg=act_cfg,
            norm_cfg=norm_cfg,
            ffn_num_fcs=ffn_num_fcs,
            **kwargs,
        )


@MODELS.register_module()
class DetrTransformerEncoder(TransformerLayerSequence):
    """Layers in turn; behind pre-norm layers one more norm, ``post_norm``.

    Args:
        args: of :class:`TransformerLayerSequence`.
        post_norm_cfg: that norm; None is for layers that end with one.
        kwargs: of :class:`TransformerLayerSequence`.
    """

    def __init__(
        self,
        *args: Any,
        post_norm_cfg: Cfg | None = dict(type="LN"),  # noqa: B006  # read only
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        if post_norm_cfg is None and self.pre_norm:
            raise ModelConfigError(
                f"{type(self).__name__}: pre-norm layers need a post_norm_cfg, but it is None"
            )
        self.post_norm: nn.Module | None = None
        if post_norm_cfg is not None and self.pre_norm:
            self.post_norm = build_norm_layer(post_norm_cfg, self.embed_dims)[1]

    def forward(self, *args: Any, **kwargs: Any) -> Tensor:
        """Returns the memory, in the layout of the query; see ``BaseTransformerLayer``."""
        memory = super().forward(*args, **kwargs)
        return memory if self.post_norm is None else self.post_norm(memory)


@MODELS.register_module()
class DetrTransformerDecoder(TransformerLayerSequence):
    """Layers in turn, a norm behind them.

    Args:
        args: of :class:`TransformerLayerSequence`.
        post_norm_cfg: the norm, applied to each output; None: none.
        return_intermediate: whether the outputs of all layers are returned.
        kwargs: of :class:`TransformerLayerSequence`.
    """

    def __init__(
        self,
        *args: Any,
        post_norm_cfg: Cfg | None = dict(type="LN"),  # noqa: B006  # read only
        return_intermediate: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.return_intermediate = return_intermediate
        self.post_norm: nn.Module | None = None
        if post_norm_cfg is not None:
            self.post_norm = build_norm_layer(post_norm_cfg, self.embed_dims)[1]

    def forward(self, query: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        """Decodes queries.

        Args:
            query: (Q, B, C).
            args: of the layers.
            kwargs: of the layers.

        Returns:
            (layers, Q, B, C); without ``return_intermediate`` one layer, and without a norm the
            last output alone, (Q, B, C).
        """
        if not self.return_intermediate:
            output = super().forward(query, *args, **kwargs)
            return output if self.post_norm is None else self.post_norm(output)[None]
        outputs = []
        for layer in self.layers:
            query = layer(query, *args, **kwargs)
            outputs.append(query if self.post_norm is None else self.post_norm(query))
        return torch.stack(outputs)
