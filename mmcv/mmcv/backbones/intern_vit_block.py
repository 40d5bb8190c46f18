"""The transformer block of InternViT-6B (Chen et al., 2023, arXiv:2312.14238).

Legend: B batch, N tokens, C channels, h heads, D = C / h, H W token grid.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmcv.backbones.window import pad_to_windows, window_partition, window_reverse
from mmcv.cnn.drop import DropPath, add_kept
from mmcv.registry import ConfigError, did_you_mean
from mmops.attention import attention
from mmops.norm import RMSNorm, add_scale_rms_norm, uses_fused

NORM_TYPES = ("rms_norm", "layer_norm")


class Attention(nn.Module):
    """Self-attention over all tokens or within windows, with RMS-normed queries and keys.

    The norms act on the full width, before it is split into heads.

    Args:
        dim: C.
        num_heads: h.
        qkv_bias: bias of the projection to queries, keys and values.
        qk_normalization: normalise queries and keys.
        backend: see ``mmops.attention``.
        window_size: attend within square windows of the token grid; None means everywhere.
        attn_drop: dropout of the attention weights.
    """

    def __init__(
        self,
        dim: int,
        num_heads: int,
        *,
        qkv_bias: bool = False,
        qk_normalization: bool = True,
        backend: str = "auto",
        window_size: int | None = None,
        attn_drop: float = 0.0,
    ) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.attn_drop = attn_drop
        self.backend = backend
        self.window_size = window_size
        self.qkv = nn.Linear(dim, dim * 3, bias=qkv_bias)
        self.q_norm = RMSNorm(dim) if qk_normalization else nn.Identity()
        self.k_norm = RMSNorm(dim) if qk_normalization else nn.Identity()
        self.proj = nn.Linear(dim, dim)

    def forward(self, x: Tensor, grid: tuple[int, int]) -> Tensor:
        """Maps tokens (B, N, C); for windows N must be H·W of ``grid``."""
        if self.window_size is None:
            return self.proj(self._attend(*self._project(x)))
        return self.proj(self._attend_in_windows(x, grid, self.window_size))

    def _project(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        q, k, v = self.qkv(x).chunk(3, dim=-1)
        return self.q_norm(q), self.k_norm(k), v

    def _attend(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """(B, N, C) each -> (B, N, C)."""
        q, k, v = (x.unflatten(2, (self.num_heads, -1)).transpose(1, 2) for x in (q, k, v))
        if self.attn_drop and self.training:
            out = F.scaled_dot_product_attention(q, k, v, dropout_p=self.attn_drop)
        else:
            out = attention(q, k, v, backend=self.backend)
        return out.transpose(1, 2).flatten(2)

    def _attend_in_windows(self, x: Tensor, grid: tuple[int, int], size: int) -> Tensor:
        x = x.unflatten(1, grid)
        if self.qkv.bias is not None:
            # Padding takes part in the softmax. Where it projects to the bias it must come first;
            # without a bias it projects to zeros, which cost less when appended afterwards.
            x = pad_to_windows(x, size)
        windows = (window_partition(part, size) for part in self._project(x))
        return window_reverse(self._attend(*windows), size, grid).flatten(1, 2)


class Mlp(nn.Module):
    """Two linear layers with an activation between them, GELU (erf) by default.

    Args:
        dim: C.
        hidden_dim: channels between the layers.
        act_layer: makes the activation.
        drop: dropout of the output.
        hidden_drop: dropout of the activations.
    """

    def __init__(
        self,
        dim: int,
        hidden_dim: int,
        act_layer: Callable[[], nn.Module] = nn.GELU,
        drop: float = 0.0,
        hidden_drop: float = 0.0,
    ) -> None:
        super().__init__()
        self.fc1 = nn.Linear(dim, hidden_dim)
        self.act = act_layer()
        self.hidden_drop = dropout(hidden_drop)
        self.fc2 = nn.Linear(hidden_dim, dim)
        self.drop = dropout(drop)

    def forward(self, x: Tensor) -> Tensor:
        """Maps (..., C)."""
        return self.drop(self.fc2(self.hidden_drop(self.act(self.fc1(x)))))


def dropout(rate: float) -> nn.Module:
    """Returns dropout; the identity for rate 0, where torch would still draw random numbers."""
    return nn.Dropout(rate) if rate else nn.Identity()


def make_norm(norm_type: str, dim: int) -> nn.Module:
    """Returns the norm of a block, as the published ``config.json`` files name it.

    Args:
        norm_type: ``rms_norm`` (InternViT-6B) or ``layer_norm`` (InternViT-300M).
        dim: C.
    """
    if norm_type not in NORM_TYPES:
        raise ConfigError(
            f"norm_type must be one of {', '.join(NORM_TYPES)}, but is {norm_type!r}"
            f"{did_you_mean(norm_type, NORM_TYPES)}"
        )
    return RMSNorm(dim) if norm_type == "rms_norm" else nn.LayerNorm(dim, eps=1e-6)


class LayerScale(nn.Module):
    """Multiplies every channel by a learnable factor; ``force_fp32`` does so in fp32."""

    def __init__(self, dim: int, init_values: float, force_fp32: bool = False) -> None:
        super().__init__()
        self.force_fp32 = force_fp32
        self.gamma = nn.Parameter(torch.full((dim,), float(init_values)))

    def forward(self, x: Tensor) -> Tensor:
        """Scales ``x`` (..., C); its dtype is kept."""
        if self.force_fp32:
            return (x.float() * self.gamma.float()).to(x.dtype)
        return x * self.gamma


class Block(nn.Module):
    """Pre-norm attention and MLP, each with LayerScale and drop path.

    Args:
        dim: C.
        num_heads: h.
        mlp_ratio: width of the MLP relative to C.
        qkv_bias: see ``Attention``.
        qk_normalization: see ``Attention``.
        init_values: initial LayerScale; 0 or None leaves LayerScale out.
        layerscale_force_fp32: see ``LayerScale``.
        drop_path: probability that a sample skips a branch.
        backend: see ``Attention``.
        window_size: see ``Attention``.
        norm_type: see ``make_norm``.
        skip_dropped: compute a branch for the samples that keep it; False computes it for all and
            multiplies by zero, to compare with.
    """

    def __init__(
        self,
        dim: int,
        num_heads: int,
        *,
        mlp_ratio: float = 4.0,
        qkv_bias: bool = False,
        qk_normalization: bool = True,
        init_values: float | None = 0.1,
        layerscale_force_fp32: bool = False,
        drop_path: float = 0.0,
        backend: str = "auto",
        window_size: int | None = None,
        norm_type: str = "rms_norm",
        skip_dropped: bool = True,
    ) -> None:
        super().__init__()
        self.skip_dropped = skip_dropped and drop_path > 0

        def scale() -> nn.Module:
            if not init_values:
                return nn.Identity()
            return LayerScale(dim, init_values, layerscale_force_fp32)

        self.norm1 = make_norm(norm_type, dim)
        self.attn = Attention(
            dim,
            num_heads,
            qkv_bias=qkv_bias,
            qk_normalization=qk_normalization,
            backend=backend,
            window_size=window_size,
        )
        self.ls1 = scale()
        self.drop_path1 = DropPath(drop_path)
        self.norm2 = make_norm(norm_type, dim)
        self.mlp = Mlp(dim, int(dim * mlp_ratio))
        self.ls2 = scale()
        self.drop_path2 = DropPath(drop_path)

    def forward(self, x: Tensor, grid: tuple[int, int]) -> Tensor:
        """Maps tokens (B, N, C) of a grid (H, W), which may have a class token before them."""
        if self.skip_dropped and self.training:
            branch = partial(self._attention_branch, grid=grid)
            x = add_kept(x, branch, self.drop_path1.drop_prob)
            return add_kept(x, self._mlp_branch, self.drop_path2.drop_prob)
        x, normed = self._add_and_norm(x, self.attn(self.norm1(x), grid))
        return x + self.drop_path2(self.ls2(self.mlp(normed)))

    def _attention_branch(self, x: Tensor, grid: tuple[int, int]) -> Tensor:
        return self.ls1(self.attn(self.norm1(x), grid))

    def _mlp_branch(self, x: Tensor) -> Tensor:
        return self.ls2(self.mlp(self.norm2(x)))

    def _add_and_norm(self, x: Tensor, branch: Tensor) -> tuple[Tensor, Tensor]:
        """Adds the attention branch, and normalises the sum for the MLP."""
        scale, norm = self.ls1, self.norm2
        if (
            isinstance(scale, LayerScale)
            and isinstance(norm, RMSNorm)
            and not scale.force_fp32
            and uses_fused(x)
        ):
            # Drop path multiplies whole samples: it may as well come before LayerScale.
            branch = self.drop_path1(branch)
            return add_scale_rms_norm(x, branch, scale.gamma, norm.weight, norm.eps)
        x = x + self.drop_path1(self.ls1(branch))
        return x, self.norm2(x)
