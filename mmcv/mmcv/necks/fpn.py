"""Feature pyramid network (Lin et al., 2016, arXiv:1612.03144)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F

from mmcv.cnn import ConvModule
from mmcv.model import BaseModule
from mmcv.registry import MODELS, ModelConfigError

Cfg = Mapping[str, Any]

EXTRA_SOURCES = ("on_input", "on_lateral", "on_output")
XAVIER = {"type": "Xavier", "layer": "Conv2d", "distribution": "uniform"}


@MODELS.register_module()
class FPN(BaseModule):
    """A pyramid of maps with the same number of channels, coarse ones added into finer ones.

    Args:
        in_channels: of the maps, finest first.
        out_channels: of the results.
        num_outs: number of results; those beyond the maps are made from the coarsest.
        start_level: first map used.
        end_level: last map used; -1 means the last there is.
        add_extra_convs: make further results by convolution from the coarsest "on_input" (True),
            "on_lateral" or "on_output" map; False pools.
        relu_before_extra_convs: between further convolutions.
        no_norm_on_lateral: no norm behind the 1x1 convolutions.
        conv_cfg: convolutions.
        norm_cfg: norms.
        act_cfg: activations.
        upsample_cfg: of the resize, such as ``dict(mode='nearest')``.
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
        upsample_cfg: Cfg = {"mode": "nearest"},  # noqa: B006  # read only
        init_cfg: Any = XAVIER,
    ) -> None:
        super().__init__(init_cfg)
        if not isinstance(in_channels, (list, tuple)):
            raise ModelConfigError(f"in_channels must be a list, but is {in_channels!r}")
        self.in_channels = in_channels
        self.num_ins = len(in_channels)
        self.out_channels = out_channels
        self.num_outs = num_outs
        self.relu_before_extra_convs = relu_before_extra_convs
        self.no_norm_on_lateral = no_norm_on_lateral
        self.fp16_enabled = False  # read and set by 1.x code; without effect here
        self.upsample_cfg = dict(upsample_cfg)
        self.start_level = start_level
        self.end_level = end_level
        self.backbone_end_level = self._check_levels()
        add_extra_convs = "on_input" if add_extra_convs is True else add_extra_convs
        if add_extra_convs and add_extra_convs not in EXTRA_SOURCES:
            raise ModelConfigError(
                f"add_extra_convs must be a bool or one of {EXTRA_SOURCES}, but is"
                f" {add_extra_convs!r}"
            )
        self.add_extra_convs = add_extra_convs

        convs: dict[str, Any] = {"conv_cfg": conv_cfg, "act_cfg": act_cfg, "inplace": False}
        lateral_norm = None if no_norm_on_lateral else norm_cfg
        used = in_channels[start_level : self.backbone_end_level]
        self.lateral_convs = nn.ModuleList()
        self.fpn_convs = nn.ModuleList()
        for channels in used:
            self.lateral_convs.append(
                ConvModule(channels, out_channels, 1, norm_cfg=lateral_norm, **convs)
            )
            self.fpn_convs.append(
                ConvModule(out_channels, out_channels, 3, padding=1, norm_cfg=norm_cfg, **convs)
            )
        if self.add_extra_convs:
            for i in range(num_outs - len(used)):
                from_input = i == 0 and self.add_extra_convs == "on_input"
                channels = used[-1] if from_input else out_channels
                conv = ConvModule(
                    channels, out_channels, 3, stride=2, padding=1, norm_cfg=norm_cfg, **convs
                )
                self.fpn_convs.append(conv)

    def _check_levels(self) -> int:
        """Returns the index behind the last map used."""
        if self.end_level in (-1, self.num_ins - 1):
            if self.num_outs < self.num_ins - self.start_level:
                raise ModelConfigError(
                    f"num_outs must be at least {self.num_ins - self.start_level}, the number of"
                    f" maps used, but is {self.num_outs}"
                )
            return self.num_ins
        num_used = self.end_level - self.start_level + 1
        if self.end_level >= self.num_ins or self.num_outs != num_used:
            raise ModelConfigError(
                f"maps {self.start_level} to {self.end_level} of {self.num_ins} (start_level,"
                f" end_level, in_channels) cannot give num_outs = {self.num_outs}: levels behind"
                " the last map used are left out"
            )
        return self.end_level + 1

    def forward(self, inputs: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Returns ``num_outs`` maps (B, out_channels, H_i, W_i), finest first."""
        used, laterals, outs = self._pyramid(inputs)
        if self.num_outs > len(outs):
            outs += self._extra(used[-1], laterals[-1], outs[-1])
        return tuple(outs)

    def _pyramid(self, inputs: Sequence[Tensor]) -> tuple[list[Tensor], list[Tensor], list[Tensor]]:
        """Returns the maps used, what is added into the finer ones, and the results of each."""
        assert len(inputs) == len(self.in_channels)
        dtype = next(self.parameters()).dtype
        used = [x.to(dtype) for x in inputs[self.start_level : self.backbone_end_level]]
        laterals = [conv(x) for conv, x in zip(self.lateral_convs, used, strict=True)]
        for i in range(len(laterals) - 1, 0, -1):
            laterals[i - 1] = laterals[i - 1] + self._upsample(laterals[i], laterals[i - 1])
        outs = [conv(x) for conv, x in zip(self.fpn_convs, laterals, strict=False)]
        return used, laterals, outs

    def _upsample(self, x: Tensor, finer: Tensor) -> Tensor:
        if "scale_factor" in self.upsample_cfg:
            return F.interpolate(x, **self.upsample_cfg)
        return F.interpolate(x, size=finer.shape[2:], **self.upsample_cfg)

    def _extra(self, source: Tensor, lateral: Tensor, out: Tensor) -> list[Tensor]:
        num_used = len(self.lateral_convs)
        extra: list[Tensor] = []
        if not self.add_extra_convs:
            for _ in range(self.num_outs - num_used):
                out = F.max_pool2d(out, 1, stride=2)
                extra.append(out)
            return extra
        x = {"on_input": source, "on_lateral": lateral, "on_output": out}[str(self.add_extra_convs)]
        for i, conv in enumerate(self.fpn_convs[num_used:]):
            x = conv(F.relu(x) if i and self.relu_before_extra_convs else x)
            extra.append(x)
        return extra
