"""Transformer layers made of attentions, feed-forward networks and norms in a given order."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from mmcv.cnn.norm import build_norm_layer
from mmcv.cnn.transformer import (
    build_attention,
    build_feedforward_network,
    build_transformer_layer,
)
from mmcv.model import BaseModule, InitCfg, ModuleList
from mmcv.registry import MODELS, ModelConfigError

Cfg = Mapping[str, Any]
OPERATIONS = ("self_attn", "norm", "ffn", "cross_attn")
DEFAULT_FFN = dict(
    type="FFN",
    feedforward_channels=1024,
    num_fcs=2,
    ffn_drop=0.0,
    act_cfg=dict(type="ReLU", inplace=True),
)


@MODELS.register_module()
class BaseTransformerLayer(BaseModule):
    """One layer, such as ``("self_attn", "norm", "ffn", "norm")``.

    Keys: ``attentions.i``, ``ffns.i``, ``norms.i``, each counted on its own.

    Args:
        attn_cfgs: one config for all attentions, or one for each.
        ffn_cfgs: one config for all feed-forward networks, or one for each.
        operation_order: any of self_attn, cross_attn, norm, ffn; if it begins with "norm",
            residual connections start before the norm.
        norm_cfg: all norms.
        init_cfg: see ``BaseModule``.
        batch_first: inputs are (B, N, C) instead of (N, B, C).
        feedforward_channels: 1.x's older name of that key of ``ffn_cfgs``.
        ffn_dropout: the same for ``ffn_drop``.
        ffn_num_fcs: the same for ``num_fcs``.
        kwargs: ignored as in 1.x: its subclasses hand on what they do not use.
    """

    def __init__(
        self,
        attn_cfgs: Any = None,
        ffn_cfgs: Any = DEFAULT_FFN,
        operation_order: tuple[str, ...] | None = None,
        norm_cfg: Cfg = dict(type="LN"),  # noqa: B006  # read only
        init_cfg: InitCfg = None,
        batch_first: bool = False,
        feedforward_channels: int | None = None,
        ffn_dropout: float | None = None,
        ffn_num_fcs: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(init_cfg)
        order = tuple(operation_order or ())
        if not order or not set(order) <= set(OPERATIONS):
            raise ModelConfigError(f"operation_order must consist of {OPERATIONS}, but got {order}")
        self.batch_first = batch_first
        self.operation_order = order
        self.norm_cfg = norm_cfg
        self.pre_norm = order[0] == "norm"
        attentions = [name for name in order if name.endswith("_attn")]
        self.num_attn = len(attentions)
        self.attentions = ModuleList()
        cfgs = _one_each(attn_cfgs, len(attentions), "attn_cfgs")
        for name, cfg in zip(attentions, cfgs, strict=True):
            attention = build_attention({"batch_first": batch_first, **cfg})
            attention.operation_name = name  # an attention may behave differently as either
            self.attentions.append(attention)
        self.embed_dims: int = self.attentions[0].embed_dims  # type: ignore[assignment]

        older = dict(
            feedforward_channels=feedforward_channels, ffn_drop=ffn_dropout, num_fcs=ffn_num_fcs
        )
        given = {key: value for key, value in older.items() if value is not None}
        self.ffns = ModuleList()
        for cfg in _one_each(ffn_cfgs, order.count("ffn"), "ffn_cfgs"):
            cfg = {"embed_dims": self.embed_dims, **cfg, **given}
            if cfg["embed_dims"] != self.embed_dims:
                raise ModelConfigError(
                    f"ffn_cfgs: embed_dims must be that of the attention, {self.embed_dims}, but"
                    f" got {cfg['embed_dims']}"
                )
            self.ffns.append(build_feedforward_network(cfg, dict(type="FFN")))
        self.norms = ModuleList(
            [build_norm_layer(norm_cfg, self.embed_dims)[1] for _ in range(order.count("norm"))]
        )

    def forward(
        self,
        query: Tensor,
        key: Tensor | None = None,
        value: Tensor | None = None,
        query_pos: Tensor | None = None,
        key_pos: Tensor | None = None,
        attn_masks: Any = None,
        query_key_padding_mask: Tensor | None = None,
        key_padding_mask: Tensor | None = None,
        **kwargs: Any,
    ) -> Tensor:
        """Runs the operations in turn.

        Args:
            query: (N, B, C), or (B, N, C) if ``batch_first``.
            key: keys of cross attention.
            value: values of cross attention.
            query_pos: position encoding of the queries.
            key_pos: position encoding of the keys.
            attn_masks: one mask for each attention, or one for all.
            query_key_padding_mask: (B, N) for self attention.
            key_padding_mask: (B, keys) for cross attention.
            kwargs: handed to the attentions.
        """
        masks = iter(self._masks(attn_masks))
        attentions, norms, ffns = iter(self.attentions), iter(self.norms), iter(self.ffns)
        identity = query
        for operation in self.operation_order:
            start = identity if self.pre_norm else None
            if operation == "norm":
                query = next(norms)(query)
            elif operation == "ffn":
                query = next(ffns)(query, start)
            elif operation == "self_attn":
                query = identity = next(attentions)(
                    query,
                    query,
                    query,
                    start,
                    query_pos=query_pos,
                    key_pos=query_pos,
                    attn_mask=next(masks),
                    key_padding_mask=query_key_padding_mask,
                    **kwargs,
                )
            else:
                query = identity = next(attentions)(
                    query,
                    key,
                    value,
                    start,
                    query_pos=query_pos,
                    key_pos=key_pos,
                    attn_mask=next(masks),
                    key_padding_mask=key_padding_mask,
                    **kwargs,
                )
        return query

    def _masks(self, attn_masks: Any) -> list[Tensor | None]:
        if attn_masks is None:
            return [None] * self.num_attn
        if isinstance(attn_masks, Tensor):
            warnings.warn(
                f"Use same attn_mask in all attentions in {type(self).__name__}", stacklevel=3
            )
            return [attn_masks] * self.num_attn
        if len(attn_masks) != self.num_attn:
            raise ValueError(
                f"attn_masks must be {self.num_attn} masks, one for each attention, but got"
                f" {len(attn_masks)}"
            )
        return list(attn_masks)


@MODELS.register_module()
class TransformerLayerSequence(BaseModule):
    """Layers in turn: the base of encoders and decoders.

    Args:
        transformerlayers: one config for all layers, or one for each.
        num_layers: how many.
        init_cfg: see ``BaseModule``.
    """

    def __init__(
        self, transformerlayers: Any = None, num_layers: int = 0, init_cfg: InitCfg = None
    ) -> None:
        super().__init__(init_cfg)
        cfgs = _one_each(transformerlayers, num_layers, "transformerlayers")
        self.num_layers = num_layers
        self.layers = ModuleList([build_transformer_layer(cfg) for cfg in cfgs])
        self.embed_dims = self.layers[0].embed_dims
        self.pre_norm = self.layers[0].pre_norm

    def forward(
        self, query: Tensor, key: Tensor | None = None, value: Tensor | None = None, **kwargs: Any
    ) -> Tensor:
        """Calls every layer with the output of the one before; see ``BaseTransformerLayer``."""
        for layer in self.layers:
            query = layer(query, key, value, **kwargs)
        return query


def _one_each(cfgs: Any, count: int, name: str) -> list[dict[str, Any]]:
    if isinstance(cfgs, Mapping):
        return [copy.deepcopy(dict(cfgs)) for _ in range(count)]
    if not isinstance(cfgs, (list, tuple)) or len(cfgs) != count:
        raise ModelConfigError(f"{name} must be one dict, or {count} dicts, but got {cfgs}")
    return [copy.deepcopy(dict(cfg)) for cfg in cfgs]
