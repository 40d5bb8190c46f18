"""VGG (Simonyan & Zisserman, 2014, arXiv:1409.1556): the base of SSD."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from mmcv.cnn.weight_init import constant_init, kaiming_init, normal_init
from mmcv.registry import ConfigError

# Convolutions per stage.
ARCH_SETTINGS = {
    11: (1, 1, 2, 2, 2),
    13: (2, 2, 2, 2, 2),
    16: (2, 2, 3, 3, 3),
    19: (2, 2, 4, 4, 4),
}


def make_vgg_layer(
    inplanes: int,
    planes: int,
    num_blocks: int,
    dilation: int = 1,
    with_bn: bool = False,
    ceil_mode: bool = False,
) -> list[nn.Module]:
    """Returns the layers of one stage: convolutions with ReLU, then 2x2 max pooling."""
    layers: list[nn.Module] = []
    for _ in range(num_blocks):
        layers.append(nn.Conv2d(inplanes, planes, 3, padding=dilation, dilation=dilation))
        if with_bn:
            layers.append(nn.BatchNorm2d(planes))
        layers.append(nn.ReLU(inplace=True))
        inplanes = planes
    layers.append(nn.MaxPool2d(kernel_size=2, stride=2, ceil_mode=ceil_mode))
    return layers


class VGG(nn.Module):
    """VGG as a backbone; keys ``features.i``, ``classifier.i``.

    Args:
        depth: 11, 13, 16 or 19.
        with_bn: batch norm after each convolution.
        num_classes: adds the classifier if positive.
        num_stages: how many of the five stages.
        dilations: of each stage.
        out_indices: stages whose outputs are returned; 5 is the classifier.
        frozen_stages: freeze the first so many stages; -1 means none.
        bn_eval: keep running statistics fixed while training.
        bn_frozen: freeze weights and biases of norms too.
        ceil_mode: of the pooling.
        with_last_pool: keep the last pooling.
    """

    arch_settings = ARCH_SETTINGS

    def __init__(
        self,
        depth: int,
        with_bn: bool = False,
        num_classes: int = -1,
        num_stages: int = 5,
        dilations: Sequence[int] = (1, 1, 1, 1, 1),
        out_indices: Sequence[int] = (0, 1, 2, 3, 4),
        frozen_stages: int = -1,
        bn_eval: bool = True,
        bn_frozen: bool = False,
        ceil_mode: bool = False,
        with_last_pool: bool = True,
    ) -> None:
        super().__init__()
        if depth not in ARCH_SETTINGS:
            raise ConfigError(f"invalid depth {depth} for vgg; possible: {list(ARCH_SETTINGS)}")
        self.stage_blocks = ARCH_SETTINGS[depth][:num_stages]
        self.num_classes = num_classes
        self.out_indices = out_indices
        self.frozen_stages = frozen_stages
        self.bn_eval = bn_eval
        self.bn_frozen = bn_frozen
        self.inplanes = 3
        layers: list[nn.Module] = []
        self.range_sub_modules: list[list[int]] = []
        for i, num_blocks in enumerate(self.stage_blocks):
            planes = 64 * 2**i if i < 4 else 512
            start = len(layers)
            layers += make_vgg_layer(
                self.inplanes, planes, num_blocks, dilations[i], with_bn, ceil_mode
            )
            self.range_sub_modules.append([start, len(layers)])
            self.inplanes = planes
        if not with_last_pool:
            layers.pop()
            self.range_sub_modules[-1][1] -= 1
        self.module_name = "features"
        self.features = nn.Sequential(*layers)
        if num_classes > 0:
            self.classifier = nn.Sequential(
                nn.Linear(512 * 7 * 7, 4096),
                nn.ReLU(True),
                nn.Dropout(),
                nn.Linear(4096, 4096),
                nn.ReLU(True),
                nn.Dropout(),
                nn.Linear(4096, num_classes),
            )

    def init_weights(self, pretrained: str | None = None) -> None:
        """Loads a checkpoint, or draws random weights."""
        if isinstance(pretrained, str):
            from mmcv.runner.checkpoint import load_checkpoint

            load_checkpoint(self, pretrained, strict=False)
            return
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                kaiming_init(module)
            elif isinstance(module, _BatchNorm):
                constant_init(module, 1)
            elif isinstance(module, nn.Linear):
                normal_init(module, std=0.01)

    def forward(self, x: Tensor) -> Any:
        """Maps (B, 3, H, W) to a tuple of maps, or to the map itself if there is only one."""
        outs = []
        for stage, (start, end) in enumerate(self.range_sub_modules):
            x = self.features[start:end](x)
            if stage in self.out_indices:
                outs.append(x)
        if self.num_classes > 0:
            outs.append(self.classifier(x.flatten(1)))
        return outs[0] if len(outs) == 1 else tuple(outs)

    def train(self, mode: bool = True) -> VGG:
        """Sets training mode, but for what is frozen."""
        super().train(mode)
        if self.bn_eval:
            for module in self.modules():
                if isinstance(module, _BatchNorm):
                    module.eval()
                    if self.bn_frozen:
                        module.requires_grad_(False)
        if mode and self.frozen_stages >= 0:
            for start, end in self.range_sub_modules[: self.frozen_stages + 1]:
                for layer in self.features[start:end]:
                    layer.eval().requires_grad_(False)
        return self
