"""Multi-scale deformable attention with mmcv's interface, over ``mmops``."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from mmcv.model import BaseModule
from mmcv.registry import MODELS
from mmops.deformable_attention import ms_deform_attn, ms_deform_attn_reference
from mmops.deformable_attention.modules import (
    reset_deformable_projections,
    sampling_locations,
)


def multi_scale_deformable_attn_pytorch(
    value: Tensor,
    value_spatial_shapes: Tensor,
    sampling_locations: Tensor,
    attention_weights: Tensor,
) -> Tensor:
    """Computes deformable attention in plain torch; see ``mmops.deformable_attention``."""
    return ms_deform_attn_reference(
        value, value_spatial_shapes, sampling_locations, attention_weights
    )


class MultiScaleDeformableAttnFunction:
    """mmcv's functional form: ``MultiScaleDeformableAttnFunction.apply(...)``."""

    @staticmethod
    def apply(
        value: Tensor,
        value_spatial_shapes: Tensor,
        value_level_start_index: Tensor | None,
        sampling_locations: Tensor,
        attention_weights: Tensor,
        im2col_step: int = 64,
    ) -> Tensor:
        """Computes (B, Q, M·D); start indices and ``im2col_step`` are not needed any more."""
        return ms_deform_attn(value, value_spatial_shapes, sampling_locations, attention_weights)


@MODELS.register_module(
    name=["MultiScaleDeformableAttention", "MultiScaleDeformableAttentionOptimized"]
)
class MultiScaleDeformableAttention(BaseModule):
    """Deformable attention with dropout and a shortcut (arXiv:2010.04159).

    Args:
        embed_dims: channels.
        num_heads: heads.
        num_levels: feature levels.
        num_points: sampled points per head and level.
        im2col_step: accepted for compatibility.
        dropout: before the shortcut is added.
        batch_first: whether sequences are (B, N, C) or (N, B, C).
        norm_cfg: accepted for compatibility.
        init_cfg: initialisation.
    """

    def __init__(
        self,
        embed_dims: int = 256,
        num_heads: int = 8,
        num_levels: int = 4,
        num_points: int = 4,
        im2col_step: int = 64,
        dropout: float = 0.1,
        batch_first: bool = False,
        norm_cfg: dict[str, Any] | None = None,
        init_cfg: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        if embed_dims % num_heads:
            raise ValueError(
                f"embed_dims must be divisible by num_heads, but got {embed_dims} and {num_heads}"
            )
        self.norm_cfg = norm_cfg
        self.dropout = nn.Dropout(dropout)
        self.batch_first = batch_first
        self.im2col_step = im2col_step
        self.embed_dims = embed_dims
        self.num_levels = self.n_levels = num_levels
        self.num_heads = self.n_heads = num_heads
        self.num_points = self.n_points = num_points
        samples = num_heads * num_levels * num_points
        self.sampling_offsets = nn.Linear(embed_dims, samples * 2)
        self.attention_weights = nn.Linear(embed_dims, samples)
        self.value_proj = nn.Linear(embed_dims, embed_dims)
        self.output_proj = nn.Linear(embed_dims, embed_dims)
        self.init_weights()

    def init_weights(self) -> None:
        """Points each head into its own direction; uniform attention weights."""
        reset_deformable_projections(self)
        self._is_init = True

    def forward(
        self,
        query: Tensor,
        key: Tensor | None = None,
        value: Tensor | None = None,
        identity: Tensor | None = None,
        query_pos: Tensor | None = None,
        key_padding_mask: Tensor | None = None,
        reference_points: Tensor | None = None,
        spatial_shapes: Tensor | None = None,
        level_start_index: Tensor | None = None,
        **kwargs: Any,
    ) -> Tensor:
        """Attends to ``value`` around the reference points.

        Args:
            query: (Q, B, C), or (B, Q, C) with ``batch_first``.
            key: not used.
            value: (S, B, C), the levels one after another; ``query`` by default.
            identity: of the shortcut; ``query`` by default.
            query_pos: added to ``query``.
            key_padding_mask: (B, S), True where the value is padding.
            reference_points: (B, Q, L, 2) x, y in [0, 1], or (B, Q, L, 4) with width and height.
            spatial_shapes: (L, 2) height and width.
            level_start_index: follows from the shapes.
            **kwargs: ignored, as in 1.x.

        Returns:
            In the layout of ``query``.
        """
        value = query if value is None else value
        identity = query if identity is None else identity
        query = query if query_pos is None else query + query_pos
        if not self.batch_first:
            query, value = query.transpose(0, 1), value.transpose(0, 1)
        batch, queries, _ = query.shape
        projected = self.value_proj(value)
        if key_padding_mask is not None:
            projected = projected.masked_fill(key_padding_mask[..., None], 0.0)
        projected = projected.unflatten(-1, (self.num_heads, -1))
        samples = (batch, queries, self.num_heads, self.num_levels, self.num_points)
        offsets = self.sampling_offsets(query).view(*samples, 2)
        weights = self.attention_weights(query).unflatten(-1, (self.num_heads, -1)).softmax(-1)
        assert reference_points is not None and spatial_shapes is not None
        locations = sampling_locations(reference_points, offsets, spatial_shapes)
        output = self.output_proj(
            ms_deform_attn(projected, spatial_shapes, locations, weights.view(samples))
        )
        if not self.batch_first:
            output = output.transpose(0, 1)
        return self.dropout(output) + identity
