"""The plain policy: what the original's InternViT-6B does, step by step, in unfused PyTorch.

It works on the parameters of ``mmcv``'s model, so that both sides of a comparison hold the same
weights, and an equality test can hold them together. Everything the product leaves out is done
here: all blocks run, blocks are recomputed as a whole in the backward pass, dropped branches are
computed and multiplied by zero, windows are padded before the projection to queries, keys and
values, norms are computed in fp32 one operation after the other, heads run in fp32.

Legend: B batch, N tokens, C channels, H W token grid.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from mmcv.backbones.intern_vit import InternViT6B
from mmcv.backbones.intern_vit_block import Attention, Block
from mmcv.backbones.pretrained import resize_pos_embed
from mmcv.backbones.window import pad_to_windows, window_partition, window_reverse


def rms_norm(x: Tensor, weight: Tensor, eps: float) -> Tensor:
    """Normalises in fp32, casts back, then scales (the published order)."""
    wide = x.float()
    wide = wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + eps)
    return weight * wide.to(x.dtype)


def attend(attn: Attention, x: Tensor) -> Tensor:
    """Attention over all tokens of ``x`` (B, N, C), without the output projection."""
    batch, tokens, channels = x.shape
    qkv = attn.qkv(x).reshape(batch, tokens, 3, attn.num_heads, channels // attn.num_heads)
    q, k, v = qkv.unbind(2)
    if not isinstance(attn.q_norm, nn.Identity):
        q = rms_norm(q.flatten(-2), attn.q_norm.weight, attn.q_norm.eps).view(q.shape)
        k = rms_norm(k.flatten(-2), attn.k_norm.weight, attn.k_norm.eps).view(k.shape)
    q, k, v = torch.stack([q, k, v], dim=2).permute(2, 0, 3, 1, 4).unbind(0)
    return F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(x.shape)


def attention(attn: Attention, x: Tensor, grid: tuple[int, int]) -> Tensor:
    """Attention with windows that are padded first, as in the original's detection backbone."""
    if attn.window_size is None:
        return attn.proj(attend(attn, x))
    windows = window_partition(
        pad_to_windows(x.unflatten(1, grid), attn.window_size), attn.window_size
    )
    merged = window_reverse(attend(attn, windows), attn.window_size, grid)
    return attn.proj(merged.flatten(1, 2))


def drop(x: Tensor, rate: float, training: bool) -> Tensor:
    """Computes first, then multiplies dropped samples by zero."""
    if not rate or not training:
        return x
    kept = torch.rand(x.shape[0], 1, 1, device=x.device, dtype=x.dtype) + (1 - rate)
    return x / (1 - rate) * kept.floor()


def block_forward(block: Block, x: Tensor, grid: tuple[int, int]) -> Tensor:
    """One block on tokens (B, N, C)."""
    branch = attention(block.attn, rms_norm(x, block.norm1.weight, block.norm1.eps), grid)
    x = x + drop(block.ls1(branch), block.drop_path1.drop_prob or 0.0, block.training)
    branch = block.mlp(rms_norm(x, block.norm2.weight, block.norm2.eps))
    return x + drop(block.ls2(branch), block.drop_path2.drop_prob or 0.0, block.training)


def backbone_forward(model: InternViT6B, images: Tensor) -> list[Tensor]:
    """What ``model(images)`` returns: images (B, 3, pH, pW) to maps (B, C, H·s, W·s)."""
    with torch.set_grad_enabled(torch.is_grad_enabled() and not model.freeze_vit):
        maps = _vit_forward(model, images)
    if not model.with_fpn:
        return maps
    maps = [maps[-1]] * 4 if len(maps) == 1 or not model.with_cls_token else maps
    levels = (model.up1, model.up2, model.up3, model.up4)
    return [level(feat) for level, feat in zip(levels, maps, strict=True)]


def _vit_forward(model: InternViT6B, images: Tensor) -> list[Tensor]:
    proj = model.patch_embed.proj
    tokens = F.conv2d(images.to(model.dtype), proj.weight, proj.bias, stride=proj.stride)
    grid = (tokens.shape[2], tokens.shape[3])
    tokens = tokens.flatten(2).transpose(1, 2)
    positions = resize_pos_embed(model.pos_embed, model.grid, grid)
    if model.cls_token is None:
        tokens = tokens + positions[:, 1:]
    else:
        first = model.cls_token.expand(tokens.shape[0], -1, -1)
        tokens = torch.cat([first, tokens], dim=1) + positions
    maps = []
    for i, block in enumerate(model.blocks):
        assert isinstance(block, Block)
        if torch.is_grad_enabled():
            tokens = checkpoint(block_forward, block, tokens, grid, use_reentrant=False)
        else:
            tokens = block_forward(block, tokens, grid)
        if i in model.out_indices:
            patches = tokens[:, 1:] if model.with_cls_token else tokens
            maps.append(patches.transpose(1, 2).unflatten(2, grid).contiguous())
    return maps
