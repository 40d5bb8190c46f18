"""A convolution per map that gives all maps the same number of channels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from mmcv.cnn import ConvModule
from mmcv.model import BaseModule, ModuleList
from mmdet.models.numerics import to_weight_dtype
from mmdet.registry import MODELS, ModelConfigError

Cfg = Mapping[str, Any]


@MODELS.register_module()
class ChannelMapper(BaseModule):
    """Maps of the same number of channels, the last ones made from the coarsest by stride 2.

    Keys: ``convs.i.*`` for the maps given, ``extra_convs.i.*`` for further ones.

    Args:
        in_channels: of the maps, finest first.
        out_channels: of the results.
        kernel_size: of the convolutions of the maps given.
        conv_cfg: convolutions.
        norm_cfg: norms.
        act_cfg: activations.
        num_outs: number of results; None: one per map.
        init_cfg: initialisation.
        with_cp: recompute the convolutions in the backward pass.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        out_channels: int,
        kernel_size: int = 3,
        conv_cfg: Cfg | None = None,
        norm_cfg: Cfg | None = None,
        act_cfg: Cfg | None = dict(type="ReLU"),  # noqa: B006  # read only
        num_outs: int | None = None,
        init_cfg: Any = dict(  # noqa: B006  # read only
            type="Xavier", layer="Conv2d", distribution="uniform"
        ),
        with_cp: bool = False,
    ) -> None:
        super().__init__(init_cfg)
        if not isinstance(in_channels, (list, tuple)):
            raise ModelConfigError(f"in_channels must be a list, but is {in_channels!r}")
        options: dict[str, Any] = dict(conv_cfg=conv_cfg, norm_cfg=norm_cfg, act_cfg=act_cfg)
        padding = (kernel_size - 1) // 2
        self.with_cp = with_cp
        self.convs = ModuleList(
            [
                ConvModule(width, out_channels, kernel_size, padding=padding, **options)
                for width in in_channels
            ]
        )
        num_extra = max((num_outs or 0) - len(in_channels), 0)
        widths = [in_channels[-1], *[out_channels] * num_extra][:num_extra]
        self.extra_convs = None
        if widths:
            self.extra_convs = ModuleList(
                [ConvModule(c, out_channels, 3, stride=2, padding=1, **options) for c in widths]
            )

    def forward(self, inputs: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Returns maps (B, out_channels, H_i, W_i), finest first."""
        assert len(inputs) == len(self.convs)
        inputs = to_weight_dtype(inputs, self)
        outs = [self._run(conv, x) for conv, x in zip(self.convs, inputs, strict=True)]
        x = inputs[-1]  # the first further map comes from the input, the others from each other
        for conv in self.extra_convs or ():
            x = self._run(conv, x)
            outs.append(x)
        return tuple(outs)

    def _run(self, conv: Any, x: Tensor) -> Tensor:
        if not (self.with_cp and x.requires_grad):
            return conv(x)
        from torch.utils.checkpoint import checkpoint

        result: Any = checkpoint(conv, x, use_reentrant=False)
        return result
