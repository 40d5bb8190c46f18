"""BEiT as a backbone (Bao et al., 2021, arXiv:2106.08254): a ViT with relative position biases.

Legend: B batch, N tokens, C channels, h heads, H W token grid, w window size.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmcv.backbones.adapter import AdapterMixin
from mmcv.backbones.intern_vit import per_block, window_sizes
from mmcv.backbones.intern_vit_block import Mlp, dropout
from mmcv.backbones.vit import PlainViT
from mmcv.backbones.vit_block import LAYER_NORM, NormLayer, ViTBlock
from mmcv.backbones.window import window_partition, window_reverse
from mmcv.cnn.sync_batch_norm import SyncBatchNorm
from mmcv.model import InitCfg
from mmcv.registry import MODELS, ConfigError

VERSIONS = ("new", "old")


class BEiTAttention(nn.Module):
    """Self-attention with a learnt bias for every distance; keys have no bias.

    Args:
        dim: C.
        num_heads: h.
        window_size: w of the table of distances.
        windowed: attend within windows; otherwise the grid has to be (w, w).
        qkv_bias: biases of queries and values, ``q_bias`` and ``v_bias``.
        qk_scale: factor of the logits; by default ``(C / h) ** -0.5``.
        with_table: have a table of distances.
        attn_drop: dropout of the attention weights.
        proj_drop: dropout of the output.
    """

    relative_position_index: Tensor

    def __init__(
        self,
        dim: int,
        num_heads: int,
        window_size: Any,
        windowed: bool,
        *,
        qkv_bias: bool = False,
        qk_scale: float | None = None,
        with_table: bool = True,
        attn_drop: float = 0.0,
        proj_drop: float = 0.0,
    ) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.scale = qk_scale or (dim // num_heads) ** -0.5
        self.window_size = window_size
        self.windowed = windowed
        self.attn_drop = attn_drop
        self.qkv = nn.Linear(dim, dim * 3, bias=False)
        self.q_bias = nn.Parameter(torch.zeros(dim)) if qkv_bias else None
        self.v_bias = nn.Parameter(torch.zeros(dim)) if qkv_bias else None
        self.relative_position_bias_table = None
        if with_table:
            distances = (2 * window_size - 1) ** 2
            self.relative_position_bias_table = nn.Parameter(torch.zeros(distances, num_heads))
            self.register_buffer("relative_position_index", _distance_index(window_size))
        self.proj = nn.Linear(dim, dim)
        self.proj_drop = dropout(proj_drop)

    def forward(self, x: Tensor, grid: tuple[int, int]) -> Tensor:
        """Maps tokens (B, H·W, C) of a grid (H, W).

        Raises:
            ValueError: no windows, and the grid is not that of the table of distances.
        """
        size = self.window_size
        if self.windowed:
            windows = self._attend(window_partition(x.unflatten(1, grid), size))
            x = window_reverse(windows, size, grid).flatten(1, 2)
        elif self.relative_position_bias_table is not None and grid != (size, size):
            raise ValueError(
                f"a block without windows has relative positions for a grid of {size}x{size}, but"
                f" the image has {grid[0]}x{grid[1]}: set window_attn, or window_size to the grid"
            )
        else:
            x = self._attend(x)
        return self.proj_drop(self.proj(x))

    def _attend(self, x: Tensor) -> Tensor:
        """(B, N, C) -> (B, N, C)."""
        bias = None
        if self.q_bias is not None and self.v_bias is not None:
            bias = torch.cat([self.q_bias, torch.zeros_like(self.v_bias), self.v_bias])
        qkv = F.linear(x, self.qkv.weight, bias).unflatten(2, (3, self.num_heads, -1))
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        drop = self.attn_drop if self.training else 0.0
        out = F.scaled_dot_product_attention(
            q, k, v, attn_mask=self._position_bias(q.dtype), dropout_p=drop, scale=self.scale
        )
        return out.transpose(1, 2).flatten(2)

    def _position_bias(self, dtype: torch.dtype) -> Tensor | None:
        """Returns what is added to the logits: (1, h, w², w²)."""
        if self.relative_position_bias_table is None:
            return None
        bias = self.relative_position_bias_table[self.relative_position_index]
        return bias.permute(2, 0, 1)[None].to(dtype)


def _distance_index(size: int) -> Tensor:
    """Numbers the distance of each pair of a window's tokens: (w², w²), row by row."""
    place = torch.arange(size * size)
    row, column = place // size, place % size
    down = row[:, None] - row[None] + size - 1
    right = column[:, None] - column[None] + size - 1
    return down * (2 * size - 1) + right


@MODELS.register_module()
class BEiT(PlainViT):
    """BEiT's blocks, without class token and head; it has no forward of its own.

    Args:
        img_size: side of the images that ``pos_embed`` is for.
        patch_size: p.
        in_chans: channels of the image.
        num_classes: accepted for 1.x configs, there is no head.
        embed_dim: C.
        depth: blocks.
        num_heads: heads.
        mlp_ratio: width of the MLPs relative to C.
        qkv_bias: biases of queries and values.
        qk_scale: factor of the logits.
        drop_rate: dropout of patches, attention outputs and MLPs.
        attn_drop_rate: dropout of attention weights.
        drop_path_rate: of the last block; the others have less, linearly.
        hybrid_backbone: not available.
        norm_layer: makes the norms; LayerNorm with eps 1e-6.
        init_values: initial layer scale; None leaves it out.
        use_checkpoint: the same as ``with_cp``.
        use_abs_pos_emb: learn absolute positions.
        use_rel_pos_bias: learn relative positions.
        use_shared_rel_pos_bias: not available.
        pretrained: checkpoint that ``init_weights`` loads.
        with_cp: recompute blocks in the backward pass.
        window_attn: attend within windows; one flag or one for each block.
        window_size: window side in tokens; one number or one for each block.
        pretrain_size: accepted for 1.x configs: the grid follows from ``img_size``.
        init_cfg: see ``BaseModule``.

    Raises:
        ConfigError: an option that is not available.
    """

    def __init__(
        self,
        img_size: int = 512,
        patch_size: int = 16,
        in_chans: int = 3,
        num_classes: int = 80,
        embed_dim: int = 768,
        depth: int = 12,
        num_heads: int = 12,
        mlp_ratio: float = 4.0,
        qkv_bias: bool = False,
        qk_scale: float | None = None,
        drop_rate: float = 0.0,
        attn_drop_rate: float = 0.0,
        drop_path_rate: float = 0.0,
        hybrid_backbone: Any = None,
        norm_layer: NormLayer | None = None,
        init_values: float | None = None,
        use_checkpoint: bool = False,
        use_abs_pos_emb: bool = False,
        use_rel_pos_bias: bool = True,
        use_shared_rel_pos_bias: bool = False,
        pretrained: str | None = None,
        with_cp: bool = False,
        window_attn: bool | Sequence[bool] = False,
        window_size: int | Sequence[int] = 14,
        pretrain_size: int = 224,
        init_cfg: InitCfg = None,
    ) -> None:
        if hybrid_backbone is not None or use_shared_rel_pos_bias:
            raise ConfigError("BEiT: hybrid_backbone and use_shared_rel_pos_bias are not available")
        with_cp = with_cp or use_checkpoint
        super().__init__(patch_size, in_chans, embed_dim, with_cp, drop_rate, pretrained, init_cfg)
        if use_abs_pos_emb:
            positions = (img_size // patch_size) ** 2 + 1
            self.pos_embed = nn.Parameter(torch.zeros(1, positions, embed_dim))
        self.norm_layer = norm_layer or LAYER_NORM
        options: dict[str, Any] = dict(qkv_bias=qkv_bias, qk_scale=qk_scale)
        options.update(with_table=use_rel_pos_bias, attn_drop=attn_drop_rate, proj_drop=drop_rate)
        tables = window_sizes(True, window_size, depth)
        self.blocks = nn.ModuleList()
        for i, window in enumerate(window_sizes(window_attn, window_size, depth)):
            block = ViTBlock(
                embed_dim,
                BEiTAttention(embed_dim, num_heads, tables[i], window is not None, **options),
                Mlp(embed_dim, int(embed_dim * mlp_ratio), drop=drop_rate),
                norm_layer=self.norm_layer,
                drop_path=per_block(drop_path_rate, i, depth),
                init_values=init_values,
                gamma_names=("gamma_1", "gamma_2"),
            )
            self.blocks.append(block)


@MODELS.register_module()
class BEiTAdapter(AdapterMixin, BEiT):
    """BEiT with an adapter; all of it is trained, and norms of maps are SyncBN.

    Args:
        depth: blocks of the ViT.
        init_values: initial layer scale of the ViT, and factor of what is injected into it.
        version: "new" adds the ViT's last map to all outputs, "old" that of the first interaction
            to the first output, and so on; it needs four interactions.
        kwargs: further arguments of :class:`AdapterMixin` and :class:`BEiT`.

    Raises:
        ConfigError: an unknown version, or interactions that do not fit.
    """

    def __init__(
        self, depth: int = 12, init_values: float = 0.0, version: str = "new", **kwargs: Any
    ) -> None:
        if version not in VERSIONS:
            raise ConfigError(f"version must be one of {', '.join(VERSIONS)}, but got {version!r}")
        super().__init__(
            depth=depth,
            init_values=init_values,
            injector_init=init_values,
            prior_norm=SyncBatchNorm,
            final_norm=SyncBatchNorm,
            **kwargs,
        )
        self.adds_each_interaction = version == "old"
        if version == "old" and len(self.interactions) != 4:
            raise ConfigError(
                f"version='old' needs four interaction_indexes, but got {len(self.interactions)}"
            )
