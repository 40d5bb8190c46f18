"""Generalized attention (Zhu et al., 2019, arXiv:1904.05873): content and position, query and bias.

Legend: B batch, M heads, D channels per head, H W queries, h w keys.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmcv.cnn.weight_init import kaiming_init
from mmcv.registry import MODELS, ConfigError

# Largest maps behind the 3x3 convolutions of ResNet's stages, by channels (for spatial_range).
MAX_LENGTH = {256: 84, 512: 42}


@MODELS.register_module()
class GeneralizedAttention(nn.Module):
    """Self-attention over a map whose logits are a sum of up to four terms.

    Args:
        in_channels: channels.
        spatial_range: attend only to keys at most so far away; -1 means to all.
        num_heads: heads.
        position_embedding_dim: channels of the position encoding; -1 means ``in_channels``.
        position_magnitude: factor of distances.
        kv_stride: take every so many pixels as keys.
        q_stride: take every so many pixels as queries.
        attention_type: four flags: query with key content, query content with position, bias with
            key content, bias with position.
    """

    _abbr_ = "gen_attention_block"

    def __init__(
        self,
        in_channels: int,
        spatial_range: int = -1,
        num_heads: int = 9,
        position_embedding_dim: int = -1,
        position_magnitude: float = 1,
        kv_stride: int = 2,
        q_stride: int = 1,
        attention_type: str = "1111",
    ) -> None:
        super().__init__()
        self.in_channels = in_channels
        self.spatial_range = spatial_range
        self.num_heads = num_heads
        self.position_embedding_dim = (
            position_embedding_dim if position_embedding_dim > 0 else in_channels
        )
        self.position_magnitude = position_magnitude
        self.kv_stride = kv_stride
        self.q_stride = q_stride
        self.attention_type = [bool(int(flag)) for flag in attention_type]
        self.qk_embed_dim = self.v_dim = in_channels // num_heads
        width = self.qk_embed_dim * num_heads
        query_key, query_position, bias_key, bias_position = self.attention_type
        if self.position_embedding_dim % 4 and (query_position or bias_position):
            raise ConfigError(
                f"position_embedding_dim = {self.position_embedding_dim} must be a multiple of 4"
            )
        if query_key or query_position:
            self.query_conv = nn.Conv2d(in_channels, width, kernel_size=1, bias=False)
        if query_key or bias_key:
            self.key_conv = nn.Conv2d(in_channels, width, kernel_size=1, bias=False)
        self.value_conv = nn.Conv2d(in_channels, width, kernel_size=1, bias=False)
        if query_position or bias_position:
            self.appr_geom_fc_x = nn.Linear(self.position_embedding_dim // 2, width, bias=False)
            self.appr_geom_fc_y = nn.Linear(self.position_embedding_dim // 2, width, bias=False)
        bound = 1.0 / math.sqrt(self.qk_embed_dim * 2)
        if bias_key:
            self.appr_bias = nn.Parameter(torch.empty(width).uniform_(-bound, bound))
        if bias_position:
            self.geom_bias = nn.Parameter(torch.empty(width).uniform_(-bound, bound))
        self.proj_conv = nn.Conv2d(width, in_channels, kernel_size=1, bias=True)
        self.gamma = nn.Parameter(torch.zeros(1))
        if spatial_range >= 0:
            self.local_constraint_map = nn.Parameter(self._far_apart(), requires_grad=False)
        # A kernel of 1 only takes every n-th pixel.
        self.q_downsample = nn.AvgPool2d(1, stride=q_stride) if q_stride > 1 else nn.Identity()
        self.kv_downsample = nn.AvgPool2d(1, stride=kv_stride) if kv_stride > 1 else nn.Identity()
        self.init_weights()

    def init_weights(self) -> None:
        """Draws all projections by Caffe2's XavierFill."""
        for module in self.children():
            if isinstance(module, (nn.Conv2d, nn.Linear)):
                kaiming_init(
                    module, a=1, mode="fan_in", nonlinearity="leaky_relu", distribution="uniform"
                )

    def _far_apart(self) -> Tensor:
        """Returns (H, W, h, w) uint8, 1 where a key is out of a query's range."""
        if self.in_channels not in MAX_LENGTH:
            raise ConfigError(
                f"spatial_range needs in_channels to be 256 or 512, but got {self.in_channels}"
            )
        length = MAX_LENGTH[self.in_channels]
        key_length = int((length - 1.0) / self.kv_stride + 1)
        query = torch.arange(length)[:, None]
        key = torch.arange(key_length)[None]
        first = torch.div(query - self.spatial_range, self.kv_stride, rounding_mode="floor")
        end = torch.div(query + self.spatial_range + 1, self.kv_stride, rounding_mode="floor").add(
            1
        )
        near = (key >= first) & (key < end)
        return (~(near[:, None, :, None] & near[None, :, None, :])).byte()

    def get_position_embedding(
        self, length: int, key_length: int, like: Tensor, wave_length: float = 1000
    ) -> Tensor:
        """Returns (length, key_length, position_embedding_dim / 2) sines of the distance."""
        query = torch.arange(length, device=like.device, dtype=like.dtype) * self.q_stride
        key = torch.arange(key_length, device=like.device, dtype=like.dtype) * self.kv_stride
        distance = (query[:, None] - key[None])[..., None] * self.position_magnitude
        index = torch.arange(self.position_embedding_dim / 4, device=like.device, dtype=like.dtype)
        angle = distance / wave_length ** (4.0 / self.position_embedding_dim * index)
        return torch.cat([angle.sin(), angle.cos()], dim=2)

    def forward(self, x_input: Tensor) -> Tensor:
        """Maps (B, C, H, W) to the same shape."""
        queries, keys = self.q_downsample(x_input), self.kv_downsample(x_input)
        energy = self._energy(queries, keys)
        height, width = energy.shape[2:4]
        if self.spatial_range >= 0:
            (h, w), (hk, wk) = queries.shape[2:], keys.shape[2:]
            far = self.local_constraint_map[:h, :w, :hk, :wk].bool()
            energy = energy.masked_fill(far, float("-inf"))
        weights = energy.flatten(4).softmax(-1).flatten(2, 3)  # (B, M, HW, hw)
        values = self._heads(self.value_conv(keys)).flatten(2, 3)
        out = (weights @ values).transpose(2, 3).reshape(x_input.shape[0], -1, height, width)
        out = self.proj_conv(out)
        if self.q_stride > 1:
            out = F.interpolate(out, x_input.shape[2:], mode="bilinear", align_corners=False)
        return self.gamma * out + x_input

    def _heads(self, x: Tensor) -> Tensor:
        """(B, M*D, H, W) -> (B, M, H, W, D)."""
        return x.unflatten(1, (self.num_heads, -1)).permute(0, 1, 3, 4, 2)

    def _energy(self, queries: Tensor, keys: Tensor) -> Tensor:
        """Returns the logits (B, M, H, W, h, w); H = W = 1 if they do not depend on the query."""
        query_key, query_position, bias_key, bias_position = self.attention_type
        heads = (1, self.num_heads, 1, 1, self.qk_embed_dim)
        query = self._heads(self.query_conv(queries)) if query_key or query_position else None
        energy: Tensor | float = 0.0
        if query_key or bias_key:
            left: Tensor | float = query if query_key and query is not None else 0.0
            if bias_key:
                left = left + self.appr_bias.view(heads)
            key = self._heads(self.key_conv(keys))
            energy = energy + torch.einsum("bmhwd,bmijd->bmhwij", *_same_batch(left, key))
        if query_position or bias_position:
            left = query if query_position and query is not None else 0.0
            if bias_position:
                left = left + self.geom_bias.view(heads)
            energy = energy + self._position_energy(left, queries, keys)
        assert isinstance(energy, Tensor)
        return energy

    def _position_energy(self, left: Tensor | float, queries: Tensor, keys: Tensor) -> Tensor:
        parts = []
        for axis, project in ((2, self.appr_geom_fc_y), (3, self.appr_geom_fc_x)):
            embedding = self.get_position_embedding(queries.shape[axis], keys.shape[axis], queries)
            position = project(embedding) / math.sqrt(2)
            parts.append(position.unflatten(2, (self.num_heads, -1)))  # (H, h, M, D)
        assert isinstance(left, Tensor)
        shape = (queries.shape[0], -1, queries.shape[2], queries.shape[3], -1)
        left = left.expand(shape)
        rows = torch.einsum("bmhwd,himd->bmhwi", left, parts[0])
        columns = torch.einsum("bmhwd,wjmd->bmhwj", left, parts[1])
        return rows[..., None] + columns[..., None, :]


def _same_batch(left: Tensor | float, right: Tensor) -> tuple[Tensor, Tensor]:
    assert isinstance(left, Tensor)
    return left.expand(right.shape[0], -1, -1, -1, -1), right
