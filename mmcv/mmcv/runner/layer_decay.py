"""Layer-wise learning rates: the nearer to the image, the smaller (BEiT, ConvNeXt, InternViT).

The constructors here make up to two groups per layer: tensors with weight decay, and those without
(vectors and biases). A group's rate is ``lr * rate ** (number of layers above it)``.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from mmcv.registry import OPTIMIZER_BUILDERS, ConfigError
from mmcv.runner.dist_utils import get_dist_info
from mmcv.runner.layer_ids import find_rule, vit_layer
from mmcv.runner.optimizer_constructor import DefaultOptimizerConstructor, Group

logger = logging.getLogger(__name__)


@OPTIMIZER_BUILDERS.register_module()
class CustomLayerDecayOptimizerConstructor(DefaultOptimizerConstructor):
    """Layer decay of plain vision transformers; what is outside the backbone's blocks comes last.

    As in the published InternViT runs the backbone's ``pos_embed`` and ``cls_token`` do have weight
    decay, although the original's code meant to exempt them; ``no_decay_names`` does.

    Args:
        optimizer_cfg: ``type`` and the optimizer's arguments; ``lr`` is that of the last layer.
        paramwise_cfg: ``num_layers`` (blocks), ``layer_decay_rate`` and, optionally,
            ``no_decay_names``: last parts of parameter names without weight decay, for example
            ``('pos_embed', 'cls_token')``.
    """

    paramwise_keys = ("num_layers", "layer_decay_rate", "no_decay_names")

    def add_params(self, params: list[Group], module: nn.Module, **kwargs: Any) -> None:
        """Appends the groups of the whole model."""
        num_layers = int(_required(self.paramwise_cfg, "num_layers"))
        rate = _required(self.paramwise_cfg, "layer_decay_rate")
        no_decay_names = tuple(self.paramwise_cfg.get("no_decay_names", ()))

        def hyper_parameters(name: str, param: Tensor) -> tuple[int, bool]:
            is_exempt = name.rsplit(".", 1)[-1] in no_decay_names
            return vit_layer(name, num_layers), _is_decayed(name, param) and not is_exempt

        params.extend(_make_groups(self, module, hyper_parameters, scales(num_layers, rate)))


@OPTIMIZER_BUILDERS.register_module()
class LearningRateDecayOptimizerConstructor(DefaultOptimizerConstructor):
    """Layer-wise or stage-wise decay, by the kind of the backbone.

    Args:
        optimizer_cfg: ``type`` and the optimizer's arguments; ``lr`` is that of the last layer.
        paramwise_cfg: ``num_layers``, ``decay_rate`` and ``decay_type``: ``layer_wise`` (ConvNeXt,
            BEiT, MAE, ViT, Swin) or ``stage_wise`` (ConvNeXt, Swin).
    """

    paramwise_keys = ("num_layers", "decay_rate", "decay_type")

    def add_params(self, params: list[Group], module: nn.Module, **kwargs: Any) -> None:
        """Appends the groups of the whole model."""
        num_layers = int(_required(self.paramwise_cfg, "num_layers"))
        rate = _required(self.paramwise_cfg, "decay_rate")
        backbone = getattr(module, "backbone", None)
        kind = self.paramwise_cfg.get("decay_type", "layer_wise")
        rule = find_rule(kind, type(backbone).__name__)
        depths = [len(getattr(stage, "blocks", ())) for stage in getattr(backbone, "stages", ())]

        def hyper_parameters(name: str, param: Tensor) -> tuple[int, bool]:
            return rule(name, num_layers, depths), _is_decayed(name, param)

        params.extend(_make_groups(self, module, hyper_parameters, scales(num_layers, rate)))


@OPTIMIZER_BUILDERS.register_module()
class LayerDecayOptimizerConstructor(LearningRateDecayOptimizerConstructor):
    """Deprecated: ``LearningRateDecayOptimizerConstructor`` with ``decay_type='layer_wise'``.

    Its ``paramwise_cfg`` has ``layer_decay_rate`` instead of ``decay_rate``.
    """

    def __init__(
        self, optimizer_cfg: Mapping[str, Any], paramwise_cfg: Mapping[str, Any] | None = None
    ) -> None:
        logger.warning(
            "LayerDecayOptimizerConstructor is deprecated: please use"
            " LearningRateDecayOptimizerConstructor with"
            " paramwise_cfg=dict(decay_type='layer_wise', decay_rate=..., num_layers=...)"
        )
        options = dict(paramwise_cfg or {}, decay_type="layer_wise")
        options["decay_rate"] = _required(options, "layer_decay_rate")
        del options["layer_decay_rate"]
        super().__init__(optimizer_cfg, options)


def scales(num_layers: int, rate: float) -> list[float]:
    """Returns the factor of the learning rate by layer: 1 for the last, ``num_layers + 1``."""
    return [rate ** (num_layers + 1 - layer) for layer in range(num_layers + 2)]


def _make_groups(
    constructor: DefaultOptimizerConstructor,
    module: nn.Module,
    hyper_parameters: Callable[[str, Tensor], tuple[int, bool]],
    lr_scales: Sequence[float],
) -> list[Group]:
    """Sorts trainable parameters into groups, in the order of first appearance.

    Args:
        constructor: holds the base learning rate and weight decay.
        module: the model.
        hyper_parameters: (name, parameter) -> (layer, whether it has weight decay).
        lr_scales: factor of the learning rate by layer.
    """
    if constructor.base_lr is None or constructor.base_wd is None:
        raise ConfigError("optimizer: layer decay needs the optimizer's lr and weight_decay")
    groups: dict[str, Group] = {}
    for name, param in module.named_parameters():
        if not param.requires_grad:
            continue
        layer, is_decayed = hyper_parameters(name, param)
        key = f"layer_{layer}_{'decay' if is_decayed else 'no_decay'}"
        if key not in groups:
            groups[key] = {
                "weight_decay": constructor.base_wd if is_decayed else 0.0,
                "params": [],
                "param_names": [],
                "lr_scale": lr_scales[layer],
                "group_name": key,
                "lr": lr_scales[layer] * constructor.base_lr,
            }
        groups[key]["params"].append(param)
        groups[key]["param_names"].append(name)
    _log_summary(groups)
    return list(groups.values())


def _is_decayed(name: str, param: Tensor) -> bool:
    return param.ndim != 1 and not name.endswith(".bias")


def _log_summary(groups: Mapping[str, Group]) -> None:
    shown = {
        key: {name: value for name, value in group.items() if name not in ("params", "group_name")}
        for key, group in groups.items()
    }
    if get_dist_info()[0] == 0:
        logger.info("Param groups = %s", json.dumps(shown, indent=2))


def _required(paramwise_cfg: Mapping[str, Any], key: str) -> Any:
    if key not in paramwise_cfg:
        raise ConfigError(f"paramwise_cfg needs the key {key!r}, but has {list(paramwise_cfg)}")
    return paramwise_cfg[key]
