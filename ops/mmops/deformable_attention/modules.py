"""The deformable attention module with the keys and the initialisation of Deformable DETR."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from mmops.deformable_attention.op import ms_deform_attn


class MSDeformAttn(nn.Module):
    """Attends to a few sampled points per head and level.

    Args:
        d_model: channels of queries, input and output.
        n_levels: feature levels.
        n_heads: heads.
        n_points: sampled points per head and level.
        ratio: width of the values relative to ``d_model`` (ViT-Adapter's ``deform_ratio``).

    Raises:
        ValueError: ``d_model * ratio`` is not a multiple of ``n_heads``.
    """

    def __init__(
        self,
        d_model: int = 256,
        n_levels: int = 4,
        n_heads: int = 8,
        n_points: int = 4,
        ratio: float = 1.0,
    ) -> None:
        super().__init__()
        width = int(d_model * ratio)
        if d_model % n_heads or width % n_heads:
            raise ValueError(
                f"d_model = {d_model} and d_model * ratio = {width} must be multiples of"
                f" n_heads = {n_heads}"
            )
        self.d_model = d_model
        self.n_levels = n_levels
        self.n_heads = n_heads
        self.n_points = n_points
        self.ratio = ratio
        samples = n_heads * n_levels * n_points
        self.sampling_offsets = nn.Linear(d_model, samples * 2)
        self.attention_weights = nn.Linear(d_model, samples)
        self.value_proj = nn.Linear(d_model, width)
        self.output_proj = nn.Linear(width, d_model)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Points each head into its own direction, point p at distance p + 1; uniform weights."""
        reset_deformable_projections(self)

    def forward(
        self,
        query: Tensor,
        reference_points: Tensor,
        input_flatten: Tensor,
        input_spatial_shapes: Tensor | Sequence[Sequence[int]],
        input_level_start_index: Tensor | None = None,
        input_padding_mask: Tensor | None = None,
    ) -> Tensor:
        """Samples ``input_flatten`` around the reference points of each query.

        Args:
            query: (B, Q, C).
            reference_points: (B or 1, Q, L or 1, 2) x, y in [0, 1], or (…, 4) x, y, w, h.
            input_flatten: (B, S, C), the levels one after another.
            input_spatial_shapes: (L, 2) height and width of each level; a list of pairs spares a
                device synchronisation.
            input_level_start_index: accepted for compatibility; follows from the shapes.
            input_padding_mask: (B, S) bool, True where the input is padding.

        Returns:
            (B, Q, C).

        Raises:
            ValueError: sizes that do not fit together; the message names the argument.
        """
        self._check(query, reference_points, input_flatten, input_padding_mask)
        batch, queries, _ = query.shape
        value = self.value_proj(input_flatten)
        if input_padding_mask is not None:
            value = value.masked_fill(input_padding_mask[..., None], 0.0)
        value = value.unflatten(-1, (self.n_heads, -1))
        samples = (batch, queries, self.n_heads, self.n_levels, self.n_points)
        offsets = self.sampling_offsets(query).view(*samples, 2)
        weights = self.attention_weights(query).unflatten(-1, (self.n_heads, -1)).softmax(-1)
        locations = sampling_locations(reference_points, offsets, input_spatial_shapes)
        return self.output_proj(
            ms_deform_attn(value, input_spatial_shapes, locations, weights.view(samples))
        )

    def _check(
        self, query: Tensor, reference: Tensor, source: Tensor, padding_mask: Tensor | None
    ) -> None:
        width, levels = self.d_model, self.n_levels
        if query.ndim != 3 or query.shape[-1] != width:
            raise ValueError(f"query must be (B, Q, {width}), but got {tuple(query.shape)}")
        batch, queries, _ = query.shape
        if source.ndim != 3 or (source.shape[0], source.shape[-1]) != (batch, width):
            raise ValueError(
                f"input_flatten must be ({batch}, S, {width}), but got {tuple(source.shape)}"
            )
        if (
            reference.ndim != 4
            or reference.shape[0] not in (1, batch)
            or reference.shape[1] != queries
            or reference.shape[2] not in (1, levels)
            or reference.shape[-1] not in (2, 4)
        ):
            raise ValueError(
                f"reference_points must be ({batch} or 1, {queries}, {levels} or 1, 2 or 4), but"
                f" got {tuple(reference.shape)}"
            )
        if padding_mask is not None and padding_mask.shape != source.shape[:2]:
            raise ValueError(
                f"input_padding_mask must be {tuple(source.shape[:2])}, but got"
                f" {tuple(padding_mask.shape)}"
            )


def reset_deformable_projections(module: nn.Module) -> None:
    """Initialises ``sampling_offsets``, ``attention_weights``, ``value_proj``, ``output_proj``.

    Each head points into its own direction, point p at distance p + 1; weights are uniform.

    Args:
        module: has these four linear layers and ``n_heads``, ``n_levels`` and ``n_points``.
    """
    offsets: Any = module.sampling_offsets
    nn.init.zeros_(offsets.weight)
    heads, levels, points = (int(n) for n in (module.n_heads, module.n_levels, module.n_points))  # type: ignore[arg-type]
    with torch.no_grad():
        angle = torch.arange(heads, dtype=torch.float32, device=offsets.bias.device)
        angle = angle * (2.0 * math.pi / heads)
        direction = torch.stack([angle.cos(), angle.sin()], -1)
        direction = direction / direction.abs().max(-1, keepdim=True)[0]
        distance = torch.arange(1, points + 1, device=direction.device)
        ring = direction[:, None, None] * distance[:, None]  # (M, 1, P, 2)
        offsets.bias.copy_(ring.expand(-1, levels, -1, -1).reshape(-1))
    weights: Any = module.attention_weights
    nn.init.zeros_(weights.weight)
    nn.init.zeros_(weights.bias)
    for projection in (module.value_proj, module.output_proj):
        nn.init.xavier_uniform_(projection.weight)  # type: ignore[union-attr, arg-type]
        nn.init.zeros_(projection.bias)  # type: ignore[union-attr, arg-type]


def sampling_locations(
    reference: Tensor, offsets: Tensor, shapes: Tensor | Sequence[Sequence[int]]
) -> Tensor:
    """Moves reference points by offsets.

    Args:
        reference: (B or 1, Q, L, 2) x, y in [0, 1], or (…, 4) x, y, w, h.
        offsets: (B, Q, M, L, P, 2) in pixels, or in halves of the box over P.
        shapes: (L, 2) height and width.

    Returns:
        (B, Q, M, L, P, 2) x, y in units of the map.

    Raises:
        ValueError: the reference points have neither 2 nor 4 coordinates.
    """
    if reference.shape[-1] == 2:
        size = torch.as_tensor(shapes, device=offsets.device, dtype=offsets.dtype).flip(-1)
        return reference[:, :, None, :, None] + offsets / size[None, None, None, :, None]
    if reference.shape[-1] == 4:
        centre, extent = reference[:, :, None, :, None, :2], reference[:, :, None, :, None, 2:]
        return centre + offsets / offsets.shape[-2] * extent * 0.5
    raise ValueError(
        f"the last axis of reference_points must be 2 or 4, but got {reference.shape[-1]}"
    )
