"""Attention and feed-forward networks with residual connections, under 1.x's keys."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from mmcv.cnn.activation import build_activation_layer
from mmcv.cnn.drop import build_dropout
from mmcv.model import BaseModule, InitCfg, Sequential
from mmcv.registry import MODELS, ConfigError, build_from_cfg

Cfg = Mapping[str, Any]


@MODELS.register_module()
class MultiheadAttention(BaseModule):
    """``nn.MultiheadAttention`` with position encodings and a residual connection.

    Args:
        embed_dims: channels.
        num_heads: heads.
        attn_drop: dropout of the attention weights.
        proj_drop: dropout of the output.
        dropout_layer: applied to the output before the residual connection.
        init_cfg: see ``BaseModule``.
        batch_first: inputs are (B, N, C) instead of (N, B, C).
        dropout: 1.x's older name, sets ``attn_drop`` and the rate of ``dropout_layer``.
        kwargs: further arguments of ``nn.MultiheadAttention``.
    """

    forwards_kwargs = True

    def __init__(
        self,
        embed_dims: int,
        num_heads: int,
        attn_drop: float = 0.0,
        proj_drop: float = 0.0,
        dropout_layer: Cfg | None = dict(type="Dropout", drop_prob=0.0),  # noqa: B006  # read only
        init_cfg: InitCfg = None,
        batch_first: bool = False,
        dropout: float | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(init_cfg)
        if dropout is not None:
            attn_drop = dropout
            dropout_layer = {**(dropout_layer or {"type": "Dropout"}), "drop_prob": dropout}
        self.embed_dims = embed_dims
        self.num_heads = num_heads
        self.batch_first = batch_first
        self.attn = nn.MultiheadAttention(embed_dims, num_heads, attn_drop, **kwargs)
        self.proj_drop = nn.Dropout(proj_drop)
        self.dropout_layer = build_dropout(dropout_layer) if dropout_layer else nn.Identity()

    def forward(
        self,
        query: Tensor,
        key: Tensor | None = None,
        value: Tensor | None = None,
        identity: Tensor | None = None,
        query_pos: Tensor | None = None,
        key_pos: Tensor | None = None,
        attn_mask: Tensor | None = None,
        key_padding_mask: Tensor | None = None,
        residual: Tensor | None = None,
        **kwargs: Any,
    ) -> Tensor:
        """Returns ``identity`` plus the attention of ``query`` to ``key``.

        Args:
            query: (N, B, C), or (B, N, C) if ``batch_first``; the same for the others.
            key: by default ``query``.
            value: by default ``key``.
            identity: what the result is added to; by default ``query``.
            query_pos: added to the queries.
            key_pos: added to the keys; by default ``query_pos`` if the shapes agree.
            attn_mask: as in ``nn.MultiheadAttention``.
            key_padding_mask: (B, keys), True where a key is padding.
            residual: 1.x's older name of ``identity``.
            kwargs: ignored; other attentions of a transformer layer may need them.
        """
        key = query if key is None else key
        value = key if value is None else value
        identity = residual if identity is None else identity
        identity = query if identity is None else identity
        if key_pos is None and query_pos is not None:
            if query_pos.shape == key.shape:
                key_pos = query_pos
            else:
                warnings.warn(
                    f"position encoding of key is missing in {type(self).__name__}.", stacklevel=2
                )
        query = query if query_pos is None else query + query_pos
        key = key if key_pos is None else key + key_pos
        if self.batch_first:
            query, key, value = (x.transpose(0, 1) for x in (query, key, value))
        out = self.attn(
            query,
            key,
            value,
            attn_mask=attn_mask,
            key_padding_mask=key_padding_mask,
            need_weights=False,
        )[0]
        if self.batch_first:
            out = out.transpose(0, 1)
        return identity + self.dropout_layer(self.proj_drop(out))


@MODELS.register_module()
class FFN(BaseModule):
    """A feed-forward network with a residual connection; keys ``layers.i.*``.

    Args:
        embed_dims: channels of input and output.
        feedforward_channels: channels between.
        num_fcs: linear layers, at least 2.
        act_cfg: activation.
        ffn_drop: dropout after each linear layer.
        dropout_layer: applied before the residual connection.
        add_identity: whether there is one.
        init_cfg: see ``BaseModule``.
        dropout: 1.x's older name of ``ffn_drop``.
        add_residual: 1.x's older name of ``add_identity``.
    """

    def __init__(
        self,
        embed_dims: int = 256,
        feedforward_channels: int = 1024,
        num_fcs: int = 2,
        act_cfg: Cfg = dict(type="ReLU", inplace=True),  # noqa: B006  # read only
        ffn_drop: float = 0.0,
        dropout_layer: Cfg | None = None,
        add_identity: bool = True,
        init_cfg: InitCfg = None,
        dropout: float | None = None,
        add_residual: bool | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(init_cfg)
        if num_fcs < 2:
            raise ConfigError(f"FFN: num_fcs must be at least 2, but got {num_fcs}")
        ffn_drop = ffn_drop if dropout is None else dropout
        self.embed_dims = embed_dims
        self.feedforward_channels = feedforward_channels
        self.num_fcs = num_fcs
        self.act_cfg = act_cfg
        self.activate = build_activation_layer(act_cfg)
        layers: list[nn.Module] = []
        width = embed_dims
        for _ in range(num_fcs - 1):
            fc = nn.Linear(width, feedforward_channels)
            layers.append(Sequential(fc, self.activate, nn.Dropout(ffn_drop)))
            width = feedforward_channels
        layers += [nn.Linear(feedforward_channels, embed_dims), nn.Dropout(ffn_drop)]
        self.layers = Sequential(*layers)
        self.dropout_layer = build_dropout(dropout_layer) if dropout_layer else nn.Identity()
        self.add_identity = add_identity if add_residual is None else add_residual

    def forward(
        self, x: Tensor, identity: Tensor | None = None, residual: Tensor | None = None
    ) -> Tensor:
        """Maps ``x`` (..., C); ``identity``, by default ``x``, is added."""
        out = self.dropout_layer(self.layers(x))
        if not self.add_identity:
            return out
        identity = residual if identity is None else identity
        return (x if identity is None else identity) + out


def build_positional_encoding(cfg: Cfg, default_args: Cfg | None = None) -> Any:
    """Builds a position encoding."""
    return build_from_cfg(cfg, MODELS, default_args)


def build_attention(cfg: Cfg, default_args: Cfg | None = None) -> Any:
    """Builds an attention."""
    return build_from_cfg(cfg, MODELS, default_args)


def build_feedforward_network(cfg: Cfg, default_args: Cfg | None = None) -> Any:
    """Builds a feed-forward network."""
    return build_from_cfg(cfg, MODELS, default_args)


def build_transformer_layer(cfg: Cfg, default_args: Cfg | None = None) -> Any:
    """Builds a transformer layer."""
    return build_from_cfg(cfg, MODELS, default_args)


def build_transformer_layer_sequence(cfg: Cfg, default_args: Cfg | None = None) -> Any:
    """Builds an encoder or decoder."""
    return build_from_cfg(cfg, MODELS, default_args)
