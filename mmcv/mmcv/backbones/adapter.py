"""ViT-Adapter around any plain ViT (Chen et al., 2022, arXiv:2205.08534).

Legend: B batch, C channels, N ViT tokens, M prior tokens.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
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
from mmcv.model import BaseModule
from mmcv.registry import ConfigError

STRIDES = (8, 16, 32)  # of the maps whose tokens interact with the ViT's


class AdapterMixin(BaseModule):
    """Lets the ViT's tokens and those of a small convolutional network exchange information.

    It stands before a ViT in the list of base classes, and gives what it does not know to it. The
    ViT has the attributes listed here: ``_embed`` gives tokens (B, N, C) with positions, without a
    class token, and their grid; ``_run_block(block, tokens, grid)`` gives tokens.

    Args:
        depth: blocks of the ViT.
        drop_path_rate: of the ViT, and of the extractors' MLPs.
        conv_inplane: channels of the convolutional network at stride 4.
        n_points: points of the deformable attention.
        deform_num_heads: its heads.
        interaction_indexes: first and last block of the ViT in each interaction, such as
            ``[[0, 11], [12, 23]]``.
        with_cffn: a convolutional MLP in each extractor.
        cffn_ratio: its width relative to the ViT's.
        deform_ratio: width of the deformable attention's values relative to the ViT's.
        add_vit_feature: add the ViT's last map to all outputs.
        use_extra_extractor: two more extractors in the last interaction.
        injector_init: initial factor of what is injected into the ViT.
        with_stride_4: whether the outputs have strides 4, 8, 16, 32, or the last three of them.
        norm_eps: of the norms of tokens.
        prior_norm: makes the norms of the convolutional network.
        final_norm: makes the norms of the outputs.
        kwargs: further arguments of the ViT.

    Raises:
        ConfigError: interactions that do not fit the depth.
    """

    embed_dim: int
    patch_size: int
    with_cp: bool
    blocks: Any
    _embed: Callable[[Tensor], tuple[Tensor, Grid]]
    _run_block: Callable[[nn.Module, Tensor, Grid], Tensor]

    def __init__(
        self,
        *,
        depth: int,
        drop_path_rate: float = 0.0,
        conv_inplane: int = 64,
        n_points: int = 4,
        deform_num_heads: int = 6,
        interaction_indexes: Sequence[Sequence[int]] | None = None,
        with_cffn: bool = True,
        cffn_ratio: float = 0.25,
        deform_ratio: float = 1.0,
        add_vit_feature: bool = True,
        use_extra_extractor: bool = True,
        injector_init: float = 0.0,
        with_stride_4: bool = True,
        norm_eps: float = 1e-6,
        prior_norm: Callable[[int], nn.Module],
        final_norm: Callable[[int], nn.Module],
        **kwargs: Any,
    ) -> None:
        indexes = _check_interactions(interaction_indexes, depth)
        vit: Any = dict(depth=depth, drop_path_rate=drop_path_rate, **kwargs)
        super().__init__(**vit)
        self.interaction_indexes = indexes
        self.add_vit_feature = add_vit_feature
        self.adds_each_interaction = False
        dim, last = self.embed_dim, len(indexes) - 1
        self.level_embed = nn.Parameter(torch.empty(len(STRIDES), dim))
        self.spm = SpatialPriorModule(conv_inplane, dim, prior_norm, with_stride_4)
        self.interactions = nn.Sequential(
            *(
                InteractionBlock(
                    dim,
                    init_values=injector_init,
                    extra_extractor=use_extra_extractor and i == last,
                    with_cp=self.with_cp,
                    num_heads=deform_num_heads,
                    n_points=n_points,
                    deform_ratio=deform_ratio,
                    norm_eps=norm_eps,
                    cffn_ratio=cffn_ratio if with_cffn else None,
                    drop_path=drop_path_rate,
                )
                for i in range(len(indexes))
            )
        )
        self.up = nn.ConvTranspose2d(dim, dim, 2, 2) if with_stride_4 else None
        for level in range(1 if with_stride_4 else 2, 5):
            self.add_module(f"norm{level}", final_norm(dim))
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
        features, priors = self._interact(x, priors, grids)
        outs = [
            part.transpose(1, 2).unflatten(2, size)
            for part, size in zip(priors.split([h * w for h, w in grids], 1), grids, strict=True)
        ]
        if self.up is not None:
            outs.insert(0, self.up(outs[0]) + first)
        if self.add_vit_feature:
            features = features if self.adds_each_interaction else features[-1:] * len(outs)
            outs = _add_resized(outs, features[-len(outs) :])
        norms = [getattr(self, f"norm{level}") for level in range(5 - len(outs), 5)]
        return [norm(out) for norm, out in zip(norms, outs, strict=True)]

    def _interact(
        self, x: Tensor, priors: Tensor, grids: Sequence[Grid]
    ) -> tuple[list[Tensor], Tensor]:
        """Returns the ViT's map after each interaction, and prior tokens (B, M, C)."""
        tokens, grid = self._embed(x)
        inject = Levels.between([grid], grids, x.device)
        extract = Levels.between(grids, [grid], x.device)
        features = []
        for (start, last), interaction in zip(
            self.interaction_indexes, self.interactions, strict=True
        ):

            def run_blocks(tokens: Tensor, start: int = start, last: int = last) -> Tensor:
                for block in self.blocks[start : last + 1]:
                    tokens = self._run_block(block, tokens, grid)
                return tokens

            tokens, priors = interaction(tokens, priors, run_blocks, inject, extract, grids)
            features.append(tokens.transpose(1, 2).unflatten(2, grid))
        return features, priors

    def _check_size(self, x: Tensor) -> Grid:
        height, width = x.shape[2:]
        multiple = math.lcm(self.patch_size, STRIDES[-1])
        if height % multiple or width % multiple:
            raise ValueError(
                f"image size {height}x{width} is not a multiple of {multiple}, which"
                f" {type(self).__name__} needs for patch_size = {self.patch_size} and stride"
                f" {STRIDES[-1]}: use Pad(size_divisor={multiple}) in the pipeline"
            )
        return height, width


def has_stride_4(out_indices: Sequence[int]) -> bool:
    """Tells whether so many ``out_indices`` ask for a map of stride 4.

    Raises:
        ConfigError: there are neither three nor four.
    """
    if len(out_indices) not in (3, 4):
        raise ConfigError(f"out_indices must have 3 or 4 entries, but got {list(out_indices)}")
    return len(out_indices) == 4


def _add_resized(outs: list[Tensor], features: list[Tensor]) -> list[Tensor]:
    sizes = [out.shape[2:] for out in outs]
    return [
        out + F.interpolate(feature, size=size, mode="bilinear", align_corners=False)
        for out, feature, size in zip(outs, features, sizes, strict=True)
    ]


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
