"""Attention between two maps, with 1x1 convolutions as projections."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from mmcv.cnn import ConvModule

Cfg = Mapping[str, Any]


class SelfAttentionBlock(nn.Module):
    """Every position of one map gathers values from all positions of another.

    Args:
        key_in_channels: of the map that keys and values come from.
        query_in_channels: of the map that queries come from.
        channels: of keys and queries.
        out_channels: of the result.
        share_key_query: project queries as keys.
        query_downsample: applied to the queries, or None.
        key_downsample: applied to keys and values, or None.
        key_query_num_convs: convolutions of these projections.
        value_out_num_convs: convolutions of these projections.
        key_query_norm: whether theirs have norm and activation.
        value_out_norm: likewise.
        matmul_norm: divide the similarity by the square root of ``channels``.
        with_out: project the result.
        conv_cfg: convolutions.
        norm_cfg: norms.
        act_cfg: activations.
    """

    def __init__(
        self,
        key_in_channels: int,
        query_in_channels: int,
        channels: int,
        out_channels: int,
        share_key_query: bool,
        query_downsample: nn.Module | None,
        key_downsample: nn.Module | None,
        key_query_num_convs: int,
        value_out_num_convs: int,
        key_query_norm: bool,
        value_out_norm: bool,
        matmul_norm: bool,
        with_out: bool,
        conv_cfg: Cfg | None,
        norm_cfg: Cfg | None,
        act_cfg: Cfg | None,
    ) -> None:
        super().__init__()
        if share_key_query:
            assert key_in_channels == query_in_channels
        self.key_in_channels = key_in_channels
        self.query_in_channels = query_in_channels
        self.channels = channels
        self.out_channels = out_channels
        self.share_key_query = share_key_query
        self.matmul_norm = matmul_norm
        self.conv_cfg = conv_cfg
        self.norm_cfg = norm_cfg
        self.act_cfg = act_cfg
        wide = channels if with_out else out_channels
        self.key_project = self._project(
            key_in_channels, channels, key_query_num_convs, key_query_norm
        )
        self.query_project = self.key_project
        if not share_key_query:
            self.query_project = self._project(
                query_in_channels, channels, key_query_num_convs, key_query_norm
            )
        self.value_project = self._project(
            key_in_channels, wide, value_out_num_convs, value_out_norm
        )
        self.out_project: nn.Module | None = None
        if with_out:
            self.out_project = self._project(
                channels, out_channels, value_out_num_convs, value_out_norm
            )
        self.query_downsample = query_downsample
        self.key_downsample = key_downsample

    def _project(
        self, in_channels: int, channels: int, num_convs: int, with_norm: bool
    ) -> nn.Module:
        convs: list[nn.Module] = []
        for i in range(num_convs):
            source = channels if i else in_channels
            if with_norm:
                convs.append(
                    ConvModule(
                        source,
                        channels,
                        1,
                        conv_cfg=self.conv_cfg,
                        norm_cfg=self.norm_cfg,
                        act_cfg=self.act_cfg,
                    )
                )
            else:
                convs.append(nn.Conv2d(source, channels, 1))
        return convs[0] if num_convs == 1 else nn.Sequential(*convs)

    def forward(self, query_feats: Tensor, key_feats: Tensor) -> Tensor:
        """Returns (B, out_channels, H, W).

        Args:
            query_feats: (B, query_in_channels, H, W).
            key_feats: (B, key_in_channels, h, w).
        """
        query = self.query_project(query_feats)
        key, value = self.key_project(key_feats), self.value_project(key_feats)
        if self.query_downsample is not None:
            query = self.query_downsample(query)
        if self.key_downsample is not None:
            key, value = self.key_downsample(key), self.key_downsample(value)
        similarity = query.flatten(2).transpose(1, 2) @ key.flatten(2)  # (B, N, n)
        if self.matmul_norm:
            similarity = similarity * self.channels**-0.5
        context = similarity.softmax(dim=-1) @ value.flatten(2).transpose(1, 2)
        context = context.transpose(1, 2).reshape(len(query), -1, *query.shape[2:])
        return self.out_project(context) if self.out_project is not None else context
