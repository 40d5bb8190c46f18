"""Path aggregation network (Liu et al., 2018, arXiv:1803.01534)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from mmcv.cnn import ConvModule
from mmcv.necks import FPN
from mmdet.registry import MODELS

Cfg = Mapping[str, Any]


@MODELS.register_module()
class PAFPN(FPN):
    """An FPN, behind which finer maps are added into coarser ones again.

    Keys beside those of the FPN: ``downsample_convs.i``, ``pafpn_convs.i``. As in 1.x the extra
    maps follow the second pass, and convolutions of further maps have the same keys as the FPN's.

    Args:
        in_channels: see :class:`FPN`, like all others.
        out_channels: of the results.
        num_outs: number of results.
        start_level: first map used.
        end_level: last map used.
        add_extra_convs: how further results are made.
        relu_before_extra_convs: between further convolutions.
        no_norm_on_lateral: no norm behind the 1x1 convolutions.
        conv_cfg: convolutions.
        norm_cfg: norms.
        act_cfg: activations.
        init_cfg: initialisation.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        out_channels: int,
        num_outs: int,
        start_level: int = 0,
        end_level: int = -1,
        add_extra_convs: bool | str = False,
        relu_before_extra_convs: bool = False,
        no_norm_on_lateral: bool = False,
        conv_cfg: Cfg | None = None,
        norm_cfg: Cfg | None = None,
        act_cfg: Cfg | None = None,
        init_cfg: Any = dict(  # noqa: B006  # read only
            type="Xavier", layer="Conv2d", distribution="uniform"
        ),
    ) -> None:
        super().__init__(
            in_channels,
            out_channels,
            num_outs,
            start_level,
            end_level,
            add_extra_convs,
            relu_before_extra_convs,
            no_norm_on_lateral,
            conv_cfg,
            norm_cfg,
            act_cfg,
            init_cfg=init_cfg,
        )
        options: dict[str, Any] = dict(
            padding=1, conv_cfg=conv_cfg, norm_cfg=norm_cfg, act_cfg=act_cfg, inplace=False
        )
        self.downsample_convs = nn.ModuleList()
        self.pafpn_convs = nn.ModuleList()
        for _ in range(len(self.lateral_convs) - 1):
            self.downsample_convs.append(
                ConvModule(out_channels, out_channels, 3, stride=2, **options)
            )
            self.pafpn_convs.append(ConvModule(out_channels, out_channels, 3, **options))

    def forward(self, inputs: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Returns ``num_outs`` maps (B, out_channels, H_i, W_i), finest first."""
        used, laterals, outs = self._pyramid(inputs)
        for i, downsample in enumerate(self.downsample_convs):
            outs[i + 1] = outs[i + 1] + downsample(outs[i])
        outs[1:] = [conv(x) for conv, x in zip(self.pafpn_convs, outs[1:], strict=True)]
        if self.num_outs > len(outs):
            outs += self._extra(used[-1], laterals[-1], outs[-1])
        return tuple(outs)
