"""InternViT-6B as a backbone (Chen et al., 2023, arXiv:2312.14238) for both tasks.

Segmentation: a class token, and maps of several blocks. Detection (``window_attn`` given): no
class token, attention within windows, and a pyramid from the last map (Li et al., 2022, ViTDet).

Legend: B batch, C channels, p patch size, H W token grid, G grid side at ``img_size``.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmcv.backbones.intern_vit_block import Block
from mmcv.backbones.pretrained import load_pretrained_vit, resize_pos_embed
from mmcv.backbones.vit_pyramid import make_vit_pyramid
from mmcv.cnn.recompute import recompute_mode, run_recomputed
from mmcv.model import BaseModule, InitCfg
from mmcv.registry import MODELS, ConfigError

logger = logging.getLogger(__name__)

PRETRAINED_KEY = "model.backbone.pretrained"
OUTPUT_DTYPES = ("float16", "bfloat16", "float32")


class PatchProjection(nn.Conv2d):
    """A convolution whose windows do not overlap, as one matrix product."""

    def forward(self, input: Tensor) -> Tensor:
        """Maps (B, 3, pH, pW) to (B, C, H, W)."""
        p, q = self.kernel_size
        patches = input.unflatten(3, (-1, q)).unflatten(2, (-1, p))  # B 3 H p W q
        patches = patches.permute(0, 2, 4, 1, 3, 5).flatten(3)
        return F.linear(patches, self.weight.flatten(1), self.bias).permute(0, 3, 1, 2)


class PatchEmbed(nn.Module):
    """A convolution that maps each patch to a token; key ``proj``."""

    def __init__(self, patch_size: int, in_chans: int, embed_dim: int) -> None:
        super().__init__()
        self.patch_size = patch_size
        self.proj = PatchProjection(in_chans, embed_dim, kernel_size=patch_size, stride=patch_size)

    def forward(self, x: Tensor) -> tuple[Tensor, tuple[int, int]]:
        """Maps ``x`` (B, 3, pH, pW) to tokens (B, H·W, C) and (H, W).

        Raises:
            ValueError: the image is not made of whole patches.
        """
        height, width = x.shape[2:]
        if height % self.patch_size or width % self.patch_size:
            raise ValueError(
                f"image size {height}x{width} is not a multiple of patch_size ="
                f" {self.patch_size}: use ResizeToMultiple(size_divisor={self.patch_size}) or"
                f" Pad(size_divisor={self.patch_size}) in the pipeline"
            )
        x = self.proj(x.to(self.proj.weight.dtype))
        return x.flatten(2).transpose(1, 2), (x.shape[2], x.shape[3])


@MODELS.register_module()
class InternViT6B(BaseModule):
    """The vision transformer of InternVL, with an optional feature pyramid.

    Args:
        in_chans: channels of the image.
        patch_size: p.
        img_size: image side that ``pos_embed`` is made for, G = img_size // p. Other sizes
            interpolate it at run time.
        pretrain_size: image side of pretraining; the checkpoint's own shapes decide.
        qkv_bias: see ``Attention``.
        drop_path_rate: of the last block; rates grow linearly from 0.
        embed_dim: C.
        num_heads: heads.
        mlp_ratio: width of the MLPs relative to C.
        init_values: initial LayerScale; 0 leaves LayerScale out.
        qk_normalization: RMS-normalise queries and keys.
        depth: blocks.
        use_flash_attn: let torch pick the attention kernel; False uses the plain formula.
        with_cp: recompute norms and activations in the backward pass to save memory; "full"
            recomputes whole blocks, which saves most. See ``mmcv.cnn.recompute``.
        layerscale_force_fp32: multiply by LayerScale in fp32.
        out_indices: blocks whose outputs are returned. Blocks behind the last one are not run and
            not trained.
        freeze_vit: train the feature pyramid only; the ViT runs without a graph.
        with_fpn: return maps of strides p/4, p/2, p, 2p. Four out_indices give one map each; one,
            or any number in detection, gives all from the last.
        with_final_norm: LayerNorm at the end of each level of the pyramid.
        pretrained: checkpoint that ``init_weights`` loads.
        window_attn: attend within windows; one flag or one for each block. None means
            segmentation, anything else detection.
        window_size: window side in tokens; one number or one for each block.
        output_dtype: dtype of the maps; by default that of the parameters.
        norm_type: of the blocks: ``rms_norm`` as InternViT-6B, ``layer_norm`` as InternViT-300M.
        skip_dropped: with drop path, compute a branch only for the samples that keep it; the same
            results in 0.8 of the time at ``drop_path_rate=0.4``. False multiplies by zero instead.
        init_cfg: see ``BaseModule``.

    Raises:
        ConfigError: sizes that do not fit each other.
    """

    def __init__(
        self,
        in_chans: int = 3,
        patch_size: int = 14,
        img_size: int = 224,
        pretrain_size: int = 224,
        qkv_bias: bool = False,
        drop_path_rate: float = 0.0,
        embed_dim: int = 3200,
        num_heads: int = 25,
        mlp_ratio: float = 4,
        init_values: float | None = 0.1,
        qk_normalization: bool = True,
        depth: int = 48,
        use_flash_attn: bool = True,
        with_cp: bool | str = True,
        layerscale_force_fp32: bool = False,
        out_indices: Sequence[int] = (7, 11, 15, 23),
        freeze_vit: bool = False,
        with_fpn: bool = False,
        with_final_norm: bool = False,
        pretrained: str | None = None,
        window_attn: bool | Sequence[bool] | None = None,
        window_size: int | Sequence[int] = 14,
        output_dtype: str | None = None,
        norm_type: str = "rms_norm",
        skip_dropped: bool = True,
        init_cfg: InitCfg = None,
    ) -> None:
        super().__init__(init_cfg)
        if embed_dim % num_heads:
            raise ConfigError(f"embed_dim = {embed_dim} is not a multiple of {num_heads} heads")
        if output_dtype not in (None, *OUTPUT_DTYPES):
            raise ConfigError(f"output_dtype must be one of {OUTPUT_DTYPES}, got {output_dtype!r}")
        self.embed_dim = embed_dim
        self.patch_size = patch_size
        self.img_size = img_size
        self.pretrain_size = pretrain_size
        self.depth = depth
        self.out_indices = _check_out_indices(out_indices, depth)
        self.freeze_vit = freeze_vit
        self.recompute = recompute_mode(with_cp)
        self.with_cp = self.recompute != "off"
        self.with_fpn = with_fpn
        self.pretrained = pretrained
        self.output_dtype = getattr(torch, output_dtype) if output_dtype else None
        self.with_cls_token = window_attn is None

        side = img_size // patch_size
        self.grid = (side, side)
        self.patch_embed = PatchEmbed(patch_size, in_chans, embed_dim)
        # The class position is there without a class token too: checkpoints have it.
        self.pos_embed = nn.Parameter(torch.zeros(1, side * side + 1, embed_dim))
        token = nn.Parameter(torch.zeros(1, 1, embed_dim)) if self.with_cls_token else None
        self.cls_token: nn.Parameter | None
        self.register_parameter("cls_token", token)
        windows = window_sizes(window_attn, window_size, depth)
        self.blocks = nn.ModuleList(
            Block(
                embed_dim,
                num_heads,
                mlp_ratio=mlp_ratio,
                qkv_bias=qkv_bias,
                qk_normalization=qk_normalization,
                init_values=init_values,
                layerscale_force_fp32=layerscale_force_fp32,
                drop_path=per_block(drop_path_rate, i, depth),
                backend="auto" if use_flash_attn else "math",
                window_size=windows[i],
                norm_type=norm_type,
                skip_dropped=skip_dropped,
            )
            for i in range(depth)
        )
        # Blocks that do not run get no gradient, which DDP and optimizers should know.
        self.blocks[max(self.out_indices) + 1 :].requires_grad_(False)
        if freeze_vit:
            self.requires_grad_(False)
        if with_fpn:
            self._check_fpn()
            self.up1, self.up2, self.up3, self.up4 = make_vit_pyramid(embed_dim, with_final_norm)

    def _check_fpn(self) -> None:
        if self.with_cls_token and len(self.out_indices) not in (1, 4):
            raise ConfigError(f"with_fpn needs 1 or 4 out_indices, but got {self.out_indices}")
        if not self.with_cls_token and len(self.out_indices) > 1:
            logger.warning("detection uses only the last of out_indices = %s", self.out_indices)

    @property
    def dtype(self) -> torch.dtype:
        """Dtype of the parameters."""
        return self.patch_embed.proj.weight.dtype

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
        nn.init.trunc_normal_(self.pos_embed, std=0.02)
        if self.cls_token is not None:
            nn.init.trunc_normal_(self.cls_token, std=0.02)
        for module in self.blocks.modules():
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.02)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Maps images (B, 3, pH, pW) to a list of maps (B, C, H·s, W·s).

        Without a pyramid s = 1, one map for each of ``out_indices``; with it s = 4, 2, 1, 1/2.
        """
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.freeze_vit):
            maps = self._forward_vit(x)
        if self.with_fpn:
            maps = [maps[-1]] * 4 if len(maps) == 1 or not self.with_cls_token else maps
            levels = (self.up1, self.up2, self.up3, self.up4)
            maps = [level(feat) for level, feat in zip(levels, maps, strict=True)]
        return [feat.contiguous().to(self.output_dtype or feat.dtype) for feat in maps]

    def _forward_vit(self, x: Tensor) -> list[Tensor]:
        tokens, grid = self._embed(x)
        maps = []
        for i, block in enumerate(self.blocks[: max(self.out_indices) + 1]):
            tokens = self._run_block(block, tokens, grid)
            if i in self.out_indices:
                patches = tokens[:, 1:] if self.with_cls_token else tokens
                maps.append(patches.transpose(1, 2).unflatten(2, grid))
        return maps

    def _embed(self, x: Tensor) -> tuple[Tensor, tuple[int, int]]:
        """Returns tokens with positions, the class token first, and their grid."""
        tokens, grid = self.patch_embed(x)
        positions = resize_pos_embed(self.pos_embed, self.grid, grid)
        if self.cls_token is None:
            return tokens + positions[:, 1:], grid
        tokens = torch.cat([self.cls_token.expand(tokens.shape[0], -1, -1), tokens], dim=1)
        return tokens + positions, grid

    def _run_block(self, block: nn.Module, tokens: Tensor, grid: tuple[int, int]) -> Tensor:
        return run_recomputed(block, tokens, grid, mode=self.recompute)


def _check_out_indices(out_indices: Sequence[int], depth: int) -> tuple[int, ...]:
    indices = tuple(out_indices)
    if not indices or any(not 0 <= i < depth for i in indices):
        raise ConfigError(
            f"out_indices = {list(indices)} must be blocks from 0 to depth - 1 = {depth - 1}"
        )
    return indices


def per_block(drop_path_rate: float, i: int, depth: int) -> float:
    """Returns the drop-path rate of block ``i``: linear from 0 to that of the last block."""
    return drop_path_rate * i / max(depth - 1, 1)


def window_sizes(
    window_attn: bool | Sequence[bool] | None, window_size: int | Sequence[int], depth: int
) -> list[int | None]:
    """Returns the window side of each block, None where it attends everywhere."""
    flags = [bool(window_attn)] * depth if not isinstance(window_attn, Sequence) else window_attn
    sizes = [window_size] * depth if isinstance(window_size, int) else window_size
    for name, values in (("window_attn", flags), ("window_size", sizes)):
        if len(values) != depth:
            raise ConfigError(f"{name} has {len(values)} entries, but depth = {depth}")
    return [size if flag else None for flag, size in zip(flags, sizes, strict=True)]
