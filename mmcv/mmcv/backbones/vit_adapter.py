"""InternViT-6B with a ViT-Adapter: a frozen plain ViT that yields maps of four strides."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmcv.backbones.adapter_modules import (
    Grid,
    InteractionBlock,
    Levels,
    SpatialPriorModule,
    init_adapter,
)
from mmcv.backbones.intern_vit import InternViT6B
from mmcv.registry import MODELS, ConfigError
from mmops.norm import LayerNorm2d

STRIDES = (8, 16, 32)  # of the maps whose tokens interact with the ViT's


@MODELS.register_module()
class InternViTAdapter(InternViT6B):
    """The ViT's tokens and those of a small convolutional network exchange information.

    Args:
        num_heads: heads of the ViT.
        conv_inplane: channels of the convolutional network at stride 4.
        n_points: points of the deformable attention.
        deform_num_heads: its heads.
        init_values: initial factor of what is injected into the ViT (the ViT's own LayerScale
            starts at 0.1).
        interaction_indexes: first and last block of the ViT in each interaction, such as
            ``[[0, 11], [12, 23]]``.
        with_cffn: a convolutional MLP in each extractor.
        cffn_ratio: its width relative to the ViT's.
        deform_ratio: width of the deformable attention's values relative to the ViT's.
        add_vit_feature: add the ViT's last map to all outputs.
        use_extra_extractor: two more extractors in the last interaction.
        with_cp: recompute blocks, injectors and extractors in the backward pass.
        out_indices: four entries give strides 4, 8, 16, 32; three leave stride 4 out.
        use_final_norm: LayerNorm on all outputs.
        freeze_vit: train only what the adapter adds.
        kwargs: further arguments of :class:`InternViT6B`.

    Raises:
        ConfigError: interactions that do not fit the depth, or options that have no effect here.
    """

    def __init__(
        self,
        num_heads: int = 25,
        conv_inplane: int = 64,
        n_points: int = 4,
        deform_num_heads: int = 25,
        init_values: float = 0.0,
        interaction_indexes: Sequence[Sequence[int]] | None = None,
        with_cffn: bool = True,
        cffn_ratio: float = 0.25,
        deform_ratio: float = 0.5,
        add_vit_feature: bool = True,
        use_extra_extractor: bool = True,
        with_cp: bool = True,
        out_indices: Sequence[int] = (0, 1, 2, 3),
        use_final_norm: bool = True,
        freeze_vit: bool = True,
        **kwargs: Any,
    ) -> None:
        depth = kwargs.get("depth", 48)
        indexes = _check_interactions(interaction_indexes, depth)
        if kwargs.pop("with_fpn", False):
            raise ConfigError("with_fpn has no effect in InternViTAdapter: it makes four strides")
        if len(out_indices) not in (3, 4):
            raise ConfigError(f"out_indices must have 3 or 4 entries, but got {list(out_indices)}")
        super().__init__(
            num_heads=num_heads,
            with_cp=with_cp,
            freeze_vit=freeze_vit,
            out_indices=[depth - 1],
            **{"window_attn": False, **kwargs},  # no class token
        )
        self.interaction_indexes = indexes
        self.add_vit_feature = add_vit_feature
        dim, with_stride_4 = self.embed_dim, len(out_indices) == 4
        self.level_embed = nn.Parameter(torch.empty(len(STRIDES), dim))
        self.spm = SpatialPriorModule(conv_inplane, dim, with_stride_4)
        self.interactions = nn.Sequential(
            *(
                InteractionBlock(
                    dim,
                    num_heads=deform_num_heads,
                    n_points=n_points,
                    init_values=init_values,
                    drop_path=kwargs.get("drop_path_rate", 0.0),
                    cffn_ratio=cffn_ratio if with_cffn else None,
                    deform_ratio=deform_ratio,
                    extra_extractor=use_extra_extractor and i == len(indexes) - 1,
                    with_cp=with_cp,
                )
                for i in range(len(indexes))
            )
        )
        self.up = nn.ConvTranspose2d(dim, dim, 2, 2) if with_stride_4 else None
        for level in range(1 if with_stride_4 else 2, 5):
            norm = LayerNorm2d(dim) if use_final_norm else nn.Identity()
            self.add_module(f"norm{level}", norm)
        nn.init.normal_(self.level_embed)
        init_adapter(self.spm, self.interactions, *([self.up] if self.up is not None else []))

    def forward(self, x: Tensor) -> list[Tensor]:
        """Maps images (B, 3, H, W) to maps (B, C, H/s, W/s) with s = 4, 8, 16, 32.

        Raises:
            ValueError: H or W is not a multiple of the patch size and of 32.
        """
        image_grid = self._check_size(x)
        grids = [(image_grid[0] // s, image_grid[1] // s) for s in STRIDES]
        first, maps = self.spm(x)
        priors = torch.cat(
            [m.flatten(2).transpose(1, 2) + e for m, e in zip(maps, self.level_embed, strict=True)],
            dim=1,
        )
        tokens, priors, grid = self._interact(x, priors, grids)
        outs = [
            part.transpose(1, 2).unflatten(2, size)
            for part, size in zip(priors.split([h * w for h, w in grids], 1), grids, strict=True)
        ]
        if self.up is not None:
            outs.insert(0, self.up(outs[0]) + first)
        if self.add_vit_feature:
            outs = self._add_vit(outs, tokens.transpose(1, 2).unflatten(2, grid))
        norms = [getattr(self, f"norm{level}") for level in range(5 - len(outs), 5)]
        outs = [norm(out) for norm, out in zip(norms, outs, strict=True)]
        return [out.contiguous().to(self.output_dtype or out.dtype) for out in outs]

    def _interact(
        self, x: Tensor, priors: Tensor, grids: Sequence[Grid]
    ) -> tuple[Tensor, Tensor, Grid]:
        """Returns ViT tokens (B, N, C), prior tokens (B, M, C) and the ViT's grid."""
        tokens, grid = self._embed(x)
        inject = Levels.between([grid], grids, x.device)
        extract = Levels.between(grids, [grid], x.device)
        for (start, last), interaction in zip(
            self.interaction_indexes, self.interactions, strict=True
        ):

            def run_blocks(tokens: Tensor, start: int = start, last: int = last) -> Tensor:
                for block in self.blocks[start : last + 1]:
                    tokens = self._run_block(block, tokens, grid)
                return tokens

            tokens, priors = interaction(tokens, priors, run_blocks, inject, extract, grids)
        return tokens, priors, grid

    @staticmethod
    def _add_vit(outs: list[Tensor], feature: Tensor) -> list[Tensor]:
        sizes = [out.shape[2:] for out in outs]
        return [
            out + F.interpolate(feature, size=size, mode="bilinear", align_corners=False)
            for out, size in zip(outs, sizes, strict=True)
        ]

    def _check_size(self, x: Tensor) -> Grid:
        height, width = x.shape[2:]
        multiple = math.lcm(self.patch_size, STRIDES[-1])
        if height % multiple or width % multiple:
            raise ValueError(
                f"image size {height}x{width} is not a multiple of {multiple}, which"
                f" InternViTAdapter needs for patch_size = {self.patch_size} and stride"
                f" {STRIDES[-1]}: use Pad(size_divisor={multiple}) in the pipeline"
            )
        return height, width


def _check_interactions(
    indexes: Sequence[Sequence[int]] | None, depth: int
) -> list[tuple[int, int]]:
    """Returns the first and last block of each interaction."""
    pairs = [(pair[0], pair[-1]) for pair in indexes or ()]
    if not pairs or not all(0 <= first <= last < depth for first, last in pairs):
        raise ConfigError(
            "interaction_indexes must be the first and last block of each interaction, such as"
            f" [[0, {depth - 1}]] for depth = {depth}, but got {indexes}"
        )
    return pairs
