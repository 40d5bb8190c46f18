"""Plain ViTs under timm's keys, with windowed attention for large images.

Legend: B batch, C channels, p patch size, H W token grid, G grid side at ``img_size``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from mmcv.backbones.intern_vit import PatchEmbed, per_block, window_sizes
from mmcv.backbones.intern_vit_block import Attention, Mlp, dropout
from mmcv.backbones.pretrained import load_pretrained_vit, resize_pos_embed
from mmcv.backbones.vit_block import LAYER_NORM, NormLayer, ResidualBottleneck, ViTBlock
from mmcv.model import BaseModule, InitCfg
from mmcv.registry import MODELS, ConfigError

PRETRAINED_KEY = "model.backbone.pretrained"


class PlainViT(BaseModule):
    """What plain ViTs share: running blocks, and their weights.

    Args:
        patch_size: p.
        in_chans: channels of the image.
        embed_dim: C.
        with_cp: recompute blocks in the backward pass.
        drop_rate: dropout of the embedded patches.
        pretrained: checkpoint that ``init_weights`` loads.
        init_cfg: see ``BaseModule``.
    """

    def __init__(
        self,
        patch_size: int,
        in_chans: int,
        embed_dim: int,
        with_cp: bool,
        drop_rate: float,
        pretrained: str | None,
        init_cfg: InitCfg,
    ) -> None:
        super().__init__(init_cfg)
        self.embed_dim = self.num_features = embed_dim
        self.patch_size = patch_size
        self.with_cp = with_cp
        self.pretrained = pretrained
        self.patch_embed = PatchEmbed(patch_size, in_chans, embed_dim)
        self.pos_embed: nn.Parameter | None = None
        self.pos_drop = dropout(drop_rate)
        self.blocks: Any = None

    def init_weights(self, pretrained: str | None = None) -> None:
        """Loads ``pretrained``, or the path given to the constructor; else draws random weights.

        Raises:
            ConfigError: the checkpoint is missing or belongs to another model.
        """
        path = pretrained or self.pretrained
        if self.init_cfg:
            super().init_weights()
        elif path:
            load_pretrained_vit(self, path, PRETRAINED_KEY)
        else:
            self._init_randomly()
        self._is_init = True

    @torch.no_grad()
    def _init_randomly(self) -> None:
        if self.pos_embed is not None:
            nn.init.trunc_normal_(self.pos_embed, std=0.02)
        for module in self.blocks.modules():
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.02)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def _embed(self, x: Tensor) -> tuple[Tensor, tuple[int, int]]:
        """Returns tokens with positions, and their grid; the class position is not used."""
        tokens, grid = self.patch_embed(x)
        if self.pos_embed is not None:
            side = int((self.pos_embed.shape[1] - 1) ** 0.5)
            tokens = tokens + resize_pos_embed(self.pos_embed[:, 1:], (side, side), grid)
        return self.pos_drop(tokens), grid

    def _run_block(self, block: nn.Module, tokens: Tensor, grid: tuple[int, int]) -> Tensor:
        if self.with_cp and torch.is_grad_enabled():
            output: Any = checkpoint(block, tokens, grid, use_reentrant=False)
            return output
        return block(tokens, grid)


class TIMMVisionTransformer(PlainViT):
    """A pre-norm ViT without class token and final norm: what ``ViTAdapter`` is made of.

    Args:
        img_size: side of the images that the positions are for; others are interpolated to.
        patch_size: p.
        in_chans: channels of the image.
        residual_indices: blocks with a convolutional residual behind them.
        embed_dim: C.
        depth: blocks.
        num_heads: heads.
        mlp_ratio: width of the MLPs relative to C.
        qkv_bias: bias of the projection to queries, keys and values.
        drop_rate: dropout of patches, attention outputs and MLPs.
        attn_drop_rate: dropout of attention weights.
        drop_path_rate: of the last block; the others have less, linearly.
        layer_scale: learn a factor of each channel of each branch.
        norm_layer: makes the norms; LayerNorm with eps 1e-6.
        act_layer: makes the activations of the MLPs.
        window_attn: attend within windows; one flag or one for each block.
        window_size: window side in tokens; one number or one for each block.
        with_cp: recompute blocks in the backward pass.
        use_flash_attn: use the fastest kernel of ``mmops.attention``, not the plain formula.
        pretrained: checkpoint that ``init_weights`` loads.
        pretrain_size: accepted for 1.x configs: the grid follows from ``img_size``.
        init_cfg: see ``BaseModule``.
    """

    def __init__(
        self,
        img_size: int = 224,
        patch_size: int = 16,
        in_chans: int = 3,
        residual_indices: Sequence[int] = (),
        embed_dim: int = 768,
        depth: int = 12,
        num_heads: int = 12,
        mlp_ratio: float = 4.0,
        qkv_bias: bool = True,
        drop_rate: float = 0.0,
        attn_drop_rate: float = 0.0,
        drop_path_rate: float = 0.0,
        layer_scale: bool = True,
        norm_layer: NormLayer | None = None,
        act_layer: Callable[[], nn.Module] = nn.GELU,
        window_attn: bool | Sequence[bool] = False,
        window_size: int | Sequence[int] = 14,
        with_cp: bool = False,
        use_flash_attn: bool = False,
        pretrained: str | None = None,
        pretrain_size: int = 224,
        init_cfg: InitCfg = None,
    ) -> None:
        super().__init__(patch_size, in_chans, embed_dim, with_cp, drop_rate, pretrained, init_cfg)
        side = img_size // patch_size
        self.pos_embed = nn.Parameter(torch.zeros(1, side * side + 1, embed_dim))
        self.norm_layer = norm_layer or LAYER_NORM
        attention: dict[str, Any] = dict(num_heads=num_heads, attn_drop=attn_drop_rate)
        self.blocks = nn.Sequential()
        for i, window in enumerate(window_sizes(window_attn, window_size, depth)):
            block = ViTBlock(
                embed_dim,
                Attention(
                    embed_dim,
                    qkv_bias=qkv_bias,
                    qk_normalization=False,
                    backend="auto" if use_flash_attn else "math",
                    window_size=window,
                    **attention,
                ),
                Mlp(embed_dim, int(embed_dim * mlp_ratio), act_layer, drop_rate, drop_rate),
                norm_layer=self.norm_layer,
                drop=drop_rate,
                drop_path=per_block(drop_path_rate, i, depth),
                init_values=1.0 if layer_scale else None,
                residual=ResidualBottleneck(embed_dim) if i in residual_indices else None,
            )
            self.blocks.append(block)


@MODELS.register_module()
class ViTBaseline(TIMMVisionTransformer):
    """A plain ViT whose maps are rescaled to strides 8, 16 and 32 (ViTDet, arXiv:2203.16527).

    Args:
        out_indices: one block, whose map serves all strides, or four, the first of which is not
            used.
        kwargs: arguments of :class:`TIMMVisionTransformer`.

    Raises:
        ConfigError: out_indices are neither one nor four blocks.
    """

    def __init__(self, out_indices: Sequence[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        depth = len(self.blocks)
        if len(out_indices) not in (1, 4) or any(not 0 <= i < depth for i in out_indices):
            raise ConfigError(
                f"out_indices must be 1 or 4 blocks from 0 to {depth - 1}, but got"
                f" {list(out_indices)}"
            )
        self.out_indices = tuple(out_indices)
        dim = self.embed_dim
        for level in (2, 3, 4):
            self.add_module(f"norm{level}", self.norm_layer(dim))
        self.up2 = nn.ConvTranspose2d(dim, dim, kernel_size=2, stride=2)
        self.up3 = nn.Identity()
        self.up4 = nn.MaxPool2d(kernel_size=2, stride=2)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Maps images (B, 3, H, W) to maps (B, C, H/s, W/s), for p = 16 with s = 8, 16, 32."""
        tokens, grid = self._embed(x)
        outs = []
        for i, block in enumerate(self.blocks[: max(self.out_indices) + 1]):
            tokens = self._run_block(block, tokens, grid)
            if i in self.out_indices:
                outs.append(tokens)
        outs = outs * 3 if len(outs) == 1 else outs[1:]
        norms = [getattr(self, f"norm{level}") for level in (2, 3, 4)]
        scales = (self.up2, self.up3, self.up4)
        return [
            scale(norm(out).transpose(1, 2).unflatten(2, grid)).contiguous()
            for scale, norm, out in zip(scales, norms, outs, strict=True)
        ]
