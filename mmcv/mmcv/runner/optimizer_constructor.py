"""From a model to parameter groups: ``paramwise_cfg`` as 1.x reads it."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.instancenorm import _InstanceNorm

from mmcv.registry import (
    OPTIMIZER_BUILDERS,
    OPTIMIZERS,
    ArgumentError,
    ConfigError,
    build_from_cfg,
    did_you_mean,
)
from mmops.norm import LayerNorm2d, RMSNorm

logger = logging.getLogger(__name__)

NORMS = (
    _BatchNorm,
    _InstanceNorm,
    nn.GroupNorm,
    nn.LayerNorm,
    nn.RMSNorm,
    LayerNorm2d,
    RMSNorm,
)
# By name: mmcv.ops would import torchvision, which most models do not need.
DEFORM_CONVS = {"DeformConv2d", "ModulatedDeformConv2d"}
Group = dict[str, Any]


@OPTIMIZER_BUILDERS.register_module()
class DefaultOptimizerConstructor:
    """Builds an optimizer whose parameters may have their own learning rate and weight decay.

    Without ``paramwise_cfg`` there is one group; with it, one group per parameter, in the order of
    ``model.named_parameters()``. Parameters that do not require gradients get the plain settings.

    Args:
        optimizer_cfg: ``type`` and the optimizer's arguments.
        paramwise_cfg: any of

            - ``custom_keys``: part of a name -> ``dict(lr_mult=, decay_mult=)``. Of the keys in a
              parameter's name the longest wins (the alphabetically first of equally long ones),
              and all rules below are off for it;
            - ``bias_lr_mult``, ``bias_decay_mult``: for biases, except those of norm layers and of
              the offset convolutions in deformable ones;
            - ``norm_decay_mult``: weight decay of norm layers' weights and biases;
            - ``dwconv_decay_mult``: weight decay of depth-wise convolutions;
            - ``dcn_offset_lr_mult``: learning rate of offset layers in deformable convolutions;
            - ``bypass_duplicate``: skip parameters that occurred before.

    Raises:
        ConfigError: an unknown key, or a multiplier of an ``lr`` or ``weight_decay`` not given.
    """

    # Subclasses outside this package may read keys of their own: only these classes are checked.
    paramwise_keys = (
        "custom_keys",
        "bias_lr_mult",
        "bias_decay_mult",
        "norm_decay_mult",
        "dwconv_decay_mult",
        "dcn_offset_lr_mult",
        "bypass_duplicate",
    )

    def __init__(
        self, optimizer_cfg: Mapping[str, Any], paramwise_cfg: Mapping[str, Any] | None = None
    ) -> None:
        if not isinstance(optimizer_cfg, Mapping):
            raise ArgumentError(f"optimizer_cfg should be a dict, but got {type(optimizer_cfg)}")
        self.optimizer_cfg = optimizer_cfg
        self.paramwise_cfg = {} if paramwise_cfg is None else paramwise_cfg
        self.base_lr = optimizer_cfg.get("lr", None)
        self.base_wd = optimizer_cfg.get("weight_decay", None)
        self._validate_cfg()

    def __call__(self, model: nn.Module) -> Any:
        """Returns the optimizer of the model, which may be in a wrapper with ``.module``."""
        bare: Any = getattr(model, "module", model)
        if not self.paramwise_cfg:
            params: Any = bare.parameters()
        else:
            params = []
            self.add_params(params, bare)
            self._warn_of_idle_keys(bare)
        return build_from_cfg(self.optimizer_cfg, OPTIMIZERS, {"params": params})

    def add_params(
        self,
        params: list[Group],
        module: nn.Module,
        prefix: str = "",
        is_dcn_module: bool = False,
    ) -> None:
        """Appends the groups of a module and, recursively, of its children.

        Args:
            params: groups so far.
            module: whose parameters are added.
            prefix: its name in the model.
            is_dcn_module: whether it belongs to a deformable convolution.
        """
        for name, param in module.named_parameters(recurse=False):
            group: Group = {"params": [param]}
            if param.requires_grad:
                if self.paramwise_cfg.get("bypass_duplicate") and self._is_in(group, params):
                    warnings.warn(f"{prefix} is duplicate: bypass_duplicate skips it", stacklevel=2)
                    continue
                options = self._custom_options(f"{prefix}.{name}")
                if options is None:
                    options = self._rule_options(module, name, prefix, is_dcn_module)
                group.update(options)
            params.append(group)
        is_dcn_module = any(cls.__name__ in DEFORM_CONVS for cls in type(module).__mro__)
        for child_name, child in module.named_children():
            child_prefix = f"{prefix}.{child_name}" if prefix else child_name
            self.add_params(params, child, prefix=child_prefix, is_dcn_module=is_dcn_module)

    def _custom_options(self, name: str) -> Group | None:
        """Returns lr and weight_decay by ``custom_keys``, or None if no key is part of the name."""
        custom_keys = self.paramwise_cfg.get("custom_keys", {})
        for key in sorted(sorted(custom_keys), key=len, reverse=True):
            if key in name:
                mults = custom_keys[key]
                options = {"lr": _times(self.base_lr, mults.get("lr_mult", 1.0))}
                options["weight_decay"] = _times(self.base_wd, mults.get("decay_mult", 1.0))
                return {name: value for name, value in options.items() if value is not None}
        return None

    def _rule_options(
        self, module: nn.Module, name: str, prefix: str, is_dcn_module: bool
    ) -> Group:
        """Returns lr and weight_decay by the kind of the module and of its parameter."""
        keys: dict[str, str] = {}
        is_norm = isinstance(module, NORMS)
        is_free_bias = name == "bias" and not is_dcn_module
        if is_free_bias and not is_norm:
            keys["lr"] = "bias_lr_mult"
        if is_dcn_module and "conv_offset" in prefix and isinstance(module, nn.Conv2d):
            keys["lr"] = "dcn_offset_lr_mult"
        if is_norm:
            keys["weight_decay"] = "norm_decay_mult"
        elif isinstance(module, nn.Conv2d) and module.in_channels == module.groups:
            keys["weight_decay"] = "dwconv_decay_mult"
        elif is_free_bias:
            keys["weight_decay"] = "bias_decay_mult"
        bases = {"lr": self.base_lr, "weight_decay": self.base_wd}
        return {
            option: bases[option] * self.paramwise_cfg.get(key, 1.0)
            for option, key in keys.items()
            if bases[option] is not None
        }

    def _is_in(self, param_group: Group, param_group_list: list[Group]) -> bool:
        """Whether a parameter of the group is in one of the others."""
        known = {id(param) for group in param_group_list for param in group["params"]}
        return any(id(param) in known for param in param_group["params"])

    def _validate_cfg(self) -> None:
        cfg = self.paramwise_cfg
        if not isinstance(cfg, Mapping):
            raise ArgumentError(f"paramwise_cfg should be None or a dict, but got {type(cfg)}")
        if "paramwise_keys" in vars(type(self)):
            _check_keys("paramwise_cfg", cfg, self.paramwise_keys)
        custom_keys = cfg.get("custom_keys", {})
        if not isinstance(custom_keys, Mapping):
            raise ArgumentError(f"custom_keys must be a dict, but got {type(custom_keys)}")
        for key, options in custom_keys.items():
            _check_keys(f"paramwise_cfg.custom_keys.{key}", options, ("lr_mult", "decay_mult"))
        bases = (("lr", self.base_lr, "lr_mult"), ("weight_decay", self.base_wd, "decay_mult"))
        for name, base, suffix in bases:
            mults = [key for key in _mult_keys(cfg) if key.endswith(suffix)]
            if base is None and mults:
                raise ConfigError(
                    f"paramwise_cfg: {mults[0]} multiplies the optimizer's {name}, which should not"
                    f" be None: add {name}=... to the optimizer"
                )

    def _warn_of_idle_keys(self, model: nn.Module) -> None:
        names = [f".{name}" for name, _ in model.named_parameters()]
        for key in self.paramwise_cfg.get("custom_keys", {}):
            if not any(key in name for name in names):
                logger.warning("paramwise_cfg.custom_keys: no parameter's name contains %r", key)


def _times(base: float | None, mult: float) -> float | None:
    return None if base is None else base * mult


def _check_keys(section: str, cfg: Mapping[str, Any], known: tuple[str, ...]) -> None:
    for key in cfg:
        if key not in known:
            hint = did_you_mean(key, known)
            raise ConfigError(
                f"{section} got an unexpected key {key!r}{hint} (possible: {', '.join(known)})"
            )


def _mult_keys(cfg: Mapping[str, Any]) -> Iterator[str]:
    yield from cfg
    for options in cfg.get("custom_keys", {}).values():
        yield from options
