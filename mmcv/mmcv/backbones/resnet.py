"""ResNet (He et al., 2015, arXiv:1512.03385) and its variants C and D under 1.x's keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from mmcv.backbones.resnet_blocks import BasicBlock, Bottleneck, ResLayer
from mmcv.cnn.conv import build_conv_layer
from mmcv.cnn.norm import build_norm_layer
from mmcv.model import BaseModule, InitCfg
from mmcv.registry import MODELS, ConfigError

Cfg = Mapping[str, Any]

# Blocks of the four stages.
ARCH_SETTINGS: dict[int, tuple[Any, tuple[int, int, int, int]]] = {
    18: (BasicBlock, (2, 2, 2, 2)),
    34: (BasicBlock, (3, 4, 6, 3)),
    50: (Bottleneck, (3, 4, 6, 3)),
    101: (Bottleneck, (3, 4, 23, 3)),
    152: (Bottleneck, (3, 8, 36, 3)),
}


@MODELS.register_module()
class ResNet(BaseModule):
    """ResNet as a backbone; keys ``conv1, bn1, layer1.0.conv1, ...``.

    Args:
        depth: 18, 34, 50, 101 or 152.
        in_channels: channels of the image.
        stem_channels: channels of the stem; None means ``base_channels``.
        base_channels: width of the first stage.
        num_stages: how many stages.
        strides: of each stage.
        dilations: of each stage.
        out_indices: stages whose outputs are returned.
        style: where blocks have their stride: "pytorch" (3x3) or "caffe" (first 1x1 convolution).
        deep_stem: three 3x3 convolutions instead of one of 7x7.
        avg_down: see ``ResLayer``.
        frozen_stages: freeze the stem (0) and so many stages; -1 means nothing.
        conv_cfg: convolutions.
        norm_cfg: norms.
        norm_eval: keep running statistics fixed while training.
        dcn: see ``Bottleneck``.
        stage_with_dcn: which stages have it.
        plugins: see ``Bottleneck``; the key ``stages`` says which stages have one.
        multi_grid: see ``ResLayer``; for the last stage.
        contract_dilation: see ``ResLayer``.
        with_cp: recompute blocks in the backward pass.
        zero_init_residual: start every block as the identity.
        pretrained: checkpoint; 1.x's older way to give an ``init_cfg``.
        init_cfg: see ``BaseModule``.
    """

    arch_settings = ARCH_SETTINGS

    def __init__(
        self,
        depth: int,
        in_channels: int = 3,
        stem_channels: int | None = 64,
        base_channels: int = 64,
        num_stages: int = 4,
        strides: Sequence[int] = (1, 2, 2, 2),
        dilations: Sequence[int] = (1, 1, 1, 1),
        out_indices: Sequence[int] = (0, 1, 2, 3),
        style: str = "pytorch",
        deep_stem: bool = False,
        avg_down: bool = False,
        frozen_stages: int = -1,
        conv_cfg: Cfg | None = None,
        norm_cfg: Cfg = dict(type="BN", requires_grad=True),  # noqa: B006  # read only
        norm_eval: bool = False,
        dcn: Cfg | None = None,
        stage_with_dcn: Sequence[bool] = (False, False, False, False),
        plugins: Sequence[Cfg] | None = None,
        multi_grid: Sequence[int] | None = None,
        contract_dilation: bool = False,
        with_cp: bool = False,
        zero_init_residual: bool = True,
        pretrained: str | None = None,
        init_cfg: InitCfg = None,
    ) -> None:
        super().__init__(_init_cfg(pretrained, init_cfg))
        self._check_depth(depth)
        _check_stages(num_stages, strides, dilations, out_indices)
        self.depth = depth
        self.num_stages = num_stages
        self.out_indices = out_indices
        self.deep_stem = deep_stem
        self.frozen_stages = frozen_stages
        self.norm_eval = norm_eval
        self.norm1_name = ""
        width = stem_channels or base_channels
        self._add_stem(in_channels, width, conv_cfg, norm_cfg)
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        self.block, num_blocks = self.arch_settings[depth]
        self.stage_blocks = num_blocks[:num_stages]
        is_random = pretrained is None and init_cfg is None
        options: dict[str, Any] = dict(
            style=style,
            avg_down=avg_down,
            with_cp=with_cp,
            conv_cfg=conv_cfg,
            norm_cfg=norm_cfg,
            contract_dilation=contract_dilation,
            init_cfg=_zero_last_norm(self.block) if zero_init_residual and is_random else None,
        )
        stages: list[dict[str, Any]] = [
            dict(stride=strides[i], dilation=dilations[i], dcn=dcn if stage_with_dcn[i] else None)
            for i in range(num_stages)
        ]
        for i, stage in enumerate(stages):
            stage["plugins"] = self.make_stage_plugins(plugins or (), i)
        stages[-1]["multi_grid"] = multi_grid
        self.res_layers: list[str] = []
        self.feat_dim = self._add_stages(stages, width, base_channels, options)
        self._freeze_stages()

    def _check_depth(self, depth: int) -> None:
        if depth not in self.arch_settings:
            possible = list(self.arch_settings)
            raise ConfigError(f"invalid depth {depth} for resnet; possible: {possible}")

    def _add_stages(
        self, stages: Sequence[Cfg], inplanes: int, width: int, options: Mapping[str, Any]
    ) -> int:
        """Adds ``layer1``, ``layer2``, ...; returns the channels of the last."""
        for i, (count, stage) in enumerate(zip(self.stage_blocks, stages, strict=True)):
            planes = width * 2**i
            layer = self.make_res_layer(
                block=self.block,
                inplanes=inplanes,
                planes=planes,
                num_blocks=count,
                **stage,
                **options,
            )
            inplanes = planes * self.block.expansion
            self.res_layers.append(f"layer{i + 1}")
            self.add_module(self.res_layers[-1], layer)
        return inplanes

    def make_res_layer(self, **kwargs: Any) -> nn.Module:
        """Builds one stage; subclasses may use other blocks."""
        return ResLayer(**kwargs)

    def make_stage_plugins(self, plugins: Sequence[Cfg], stage: int) -> list[Cfg]:
        """Returns the plugins of a stage, without their key ``stages``."""
        chosen = []
        for plugin in plugins:
            stages = plugin.get("stages")
            if stages is not None and len(stages) != self.num_stages:
                raise ConfigError(f"plugins: stages = {stages} needs {self.num_stages} entries")
            if stages is None or stages[stage]:
                chosen.append({key: value for key, value in plugin.items() if key != "stages"})
        return chosen

    def _add_stem(self, in_channels: int, width: int, conv_cfg: Cfg | None, norm_cfg: Cfg) -> None:
        if self.deep_stem:
            layers: list[nn.Module] = []
            channels = (in_channels, width // 2, width // 2, width)
            for i in range(3):
                conv = build_conv_layer(
                    conv_cfg,
                    channels[i],
                    channels[i + 1],
                    kernel_size=3,
                    stride=2 if i == 0 else 1,
                    padding=1,
                    bias=False,
                )
                norm = build_norm_layer(norm_cfg, channels[i + 1])[1]
                layers += [conv, norm, nn.ReLU(inplace=True)]
            self.stem = nn.Sequential(*layers)
            return
        self.conv1 = build_conv_layer(
            conv_cfg, in_channels, width, kernel_size=7, stride=2, padding=3, bias=False
        )
        self.norm1_name, norm1 = build_norm_layer(norm_cfg, width, postfix=1)
        self.add_module(self.norm1_name, norm1)
        self.relu = nn.ReLU(inplace=True)

    @property
    def norm1(self) -> nn.Module:
        """The norm of the stem (without ``deep_stem``)."""
        return getattr(self, self.norm1_name)

    def _freeze_stages(self) -> None:
        frozen: list[nn.Module] = []
        if self.frozen_stages >= 0:
            frozen += [self.stem] if self.deep_stem else [self.conv1, self.norm1]
        for name in self.res_layers[: max(self.frozen_stages, 0)]:
            frozen.append(getattr(self, name))
        for module in frozen:
            module.eval().requires_grad_(False)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Maps images (B, 3, H, W) to maps (B, C_i, H / s_i, W / s_i), by default s = 4 … 32."""
        x = x.to(next(self.parameters()).dtype)
        x = self.stem(x) if self.deep_stem else self.relu(self.norm1(self.conv1(x)))
        x = self.maxpool(x)
        outs = []
        for i, name in enumerate(self.res_layers):
            x = getattr(self, name)(x)
            if i in self.out_indices:
                outs.append(x)
        return tuple(outs)

    def train(self, mode: bool = True) -> ResNet:
        """Sets training mode, but for what is frozen."""
        super().train(mode)
        self._freeze_stages()
        if mode and self.norm_eval:
            for module in self.modules():
                if isinstance(module, _BatchNorm):
                    module.eval()
        return self


@MODELS.register_module()
class ResNetV1c(ResNet):
    """ResNet with a deep stem; see He et al., 2018, arXiv:1812.01187, figure 2."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{**kwargs, "deep_stem": True, "avg_down": False})


@MODELS.register_module()
class ResNetV1d(ResNet):
    """ResNetV1c that average-pools on the residual connection."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{**kwargs, "deep_stem": True, "avg_down": True})


def _init_cfg(pretrained: str | None, init_cfg: InitCfg) -> InitCfg:
    if pretrained is not None and init_cfg is not None:
        raise ConfigError("init_cfg and pretrained cannot be specified at the same time")
    if pretrained is not None:
        return dict(type="Pretrained", checkpoint=pretrained)
    if init_cfg is not None:
        return init_cfg
    return [
        dict(type="Kaiming", layer="Conv2d"),
        dict(type="Constant", val=1, layer=["_BatchNorm", "GroupNorm"]),
    ]


def _zero_last_norm(block: Any) -> Cfg:
    last = "norm2" if block is BasicBlock else "norm3"
    return dict(type="Constant", val=0, override=dict(name=last))


def _check_stages(
    num_stages: int, strides: Sequence[int], dilations: Sequence[int], out_indices: Sequence[int]
) -> None:
    if not 1 <= num_stages <= 4:
        raise ConfigError(f"num_stages must be from 1 to 4, but got {num_stages}")
    if len(strides) != num_stages or len(dilations) != num_stages:
        raise ConfigError(
            f"strides {tuple(strides)} and dilations {tuple(dilations)} must have num_stages ="
            f" {num_stages} entries"
        )
    if max(out_indices) >= num_stages:
        raise ConfigError(f"out_indices {tuple(out_indices)} must be below {num_stages}")
