"""What an ``init_cfg`` describes: initialisers for all layers of some kinds within a module.

init_cfg=[dict(type='Kaiming', layer='Conv2d'),
          dict(type='Constant', val=1, layer=['_BatchNorm', 'GroupNorm'])]
"""

from __future__ import annotations

import copy
import logging
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from mmcv.cnn.registry import INITIALIZERS
from mmcv.cnn.weight_init import (
    bias_init_with_prob,
    constant_init,
    kaiming_init,
    normal_init,
    trunc_normal_init,
    uniform_init,
    xavier_init,
)
from mmcv.registry import ConfigError, build_from_cfg

logger = logging.getLogger(__name__)

# So many values are enough to notice that an initialiser changed a parameter.
FINGERPRINT_SIZE = 1024


class BaseInit:
    """Initialises every submodule whose class, or a direct base of it, is named in ``layer``.

    Args:
        bias: value of the biases.
        bias_prob: the probability a sigmoid gives at that bias; replaces ``bias``.
        layer: class name or names; without any nothing is initialised, except where an
            ``override`` names the module itself.
    """

    def __init__(
        self,
        *,
        bias: float = 0,
        bias_prob: float | None = None,
        layer: str | list[str] | None = None,
    ) -> None:
        self.wholemodule = False
        if not isinstance(bias, (int, float)):
            raise TypeError(f"bias must be a number, but got a {type(bias)}")
        if bias_prob is not None and not isinstance(bias_prob, float):
            raise TypeError(f"bias_prob type must be float, but got {type(bias_prob)}")
        if layer is not None and not isinstance(layer, (str, list)):
            raise TypeError(f"layer must be a str or a list of str, but got a {type(layer)}")
        self.bias = bias if bias_prob is None else bias_init_with_prob(bias_prob)
        self.layer = [layer] if isinstance(layer, str) else (layer or [])

    def __call__(self, module: nn.Module) -> None:
        """Initialises ``module`` and everything below it."""
        module.apply(self._visit)
        if hasattr(module, "_params_init_info"):
            update_init_info(module, init_info=self._get_init_info())

    def _visit(self, module: nn.Module) -> None:
        if self.wholemodule or self._names(module) & set(self.layer):
            self.init_layer(module)

    def init_layer(self, layer: nn.Module) -> None:
        """Initialises one layer in place."""
        raise NotImplementedError

    @staticmethod
    def _names(module: nn.Module) -> set[str]:
        return {type(module).__name__, *(base.__name__ for base in type(module).__bases__)}

    def _get_init_info(self) -> str:
        hidden = ("wholemodule", "layer")
        values = ", ".join(f"{k}={v}" for k, v in vars(self).items() if k not in hidden)
        return f"{type(self).__name__}: {values}"


@INITIALIZERS.register_module(name="Constant")
class ConstantInit(BaseInit):
    """Weights ``val``."""

    def __init__(self, val: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.val = val

    def init_layer(self, layer: nn.Module) -> None:
        """Initialises one layer in place."""
        constant_init(layer, self.val, self.bias)


@INITIALIZERS.register_module(name="Xavier")
class XavierInit(BaseInit):
    """Glorot's initialisation."""

    def __init__(self, gain: float = 1, distribution: str = "normal", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.gain = gain
        self.distribution = distribution

    def init_layer(self, layer: nn.Module) -> None:
        """Initialises one layer in place."""
        xavier_init(layer, self.gain, self.bias, self.distribution)


@INITIALIZERS.register_module(name="Normal")
class NormalInit(BaseInit):
    """Weights from N(mean, std²)."""

    def __init__(self, mean: float = 0, std: float = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.mean = mean
        self.std = std

    def init_layer(self, layer: nn.Module) -> None:
        """Initialises one layer in place."""
        normal_init(layer, self.mean, self.std, self.bias)


@INITIALIZERS.register_module(name="TruncNormal")
class TruncNormalInit(BaseInit):
    """Weights from N(mean, std²) cut to [a, b]."""

    def __init__(
        self, mean: float = 0, std: float = 1, a: float = -2, b: float = 2, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.mean = mean
        self.std = std
        self.a = a
        self.b = b

    def init_layer(self, layer: nn.Module) -> None:
        """Initialises one layer in place."""
        trunc_normal_init(layer, self.mean, self.std, self.a, self.b, self.bias)


@INITIALIZERS.register_module(name="Uniform")
class UniformInit(BaseInit):
    """Weights from U(a, b)."""

    def __init__(self, a: float = 0, b: float = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.a = a
        self.b = b

    def init_layer(self, layer: nn.Module) -> None:
        """Initialises one layer in place."""
        uniform_init(layer, self.a, self.b, self.bias)


@INITIALIZERS.register_module(name="Kaiming")
class KaimingInit(BaseInit):
    """He's initialisation."""

    def __init__(
        self,
        a: float = 0,
        mode: str = "fan_out",
        nonlinearity: str = "relu",
        distribution: str = "normal",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.a = a
        self.mode = mode
        self.nonlinearity = nonlinearity
        self.distribution = distribution

    def init_layer(self, layer: nn.Module) -> None:
        """Initialises one layer in place."""
        kaiming_init(layer, self.a, self.mode, self.nonlinearity, self.bias, self.distribution)


@INITIALIZERS.register_module(name="Caffe2Xavier")
class Caffe2XavierInit(KaimingInit):
    """Caffe2's XavierFill."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            a=1, mode="fan_in", nonlinearity="leaky_relu", distribution="uniform", **kwargs
        )


@INITIALIZERS.register_module(name="Pretrained")
class PretrainedInit:
    """Loads a checkpoint, or the part of it below ``prefix``.

    Args:
        checkpoint: path or URL, anything the checkpoint loader takes.
        prefix: key prefix in the checkpoint that corresponds to the module, such as "backbone.".
        map_location: as in ``torch.load``.
    """

    def __init__(
        self, checkpoint: str, prefix: str | None = None, map_location: str | None = None
    ) -> None:
        self.checkpoint = checkpoint
        self.prefix = prefix
        self.map_location = map_location

    def __call__(self, module: nn.Module) -> None:
        """Loads the weights into ``module``."""
        # Imported here: the runner builds on this package.
        from mmcv.runner.checkpoint import (
            _load_checkpoint_with_prefix,
            load_checkpoint,
            load_state_dict,
        )

        logger.info("load model from: %s", self.checkpoint)
        location = self.map_location
        if self.prefix is None:
            load_checkpoint(module, self.checkpoint, map_location=location, strict=False)
        else:
            part = _load_checkpoint_with_prefix(self.prefix, self.checkpoint, location)
            load_state_dict(module, part, strict=False)
        if hasattr(module, "_params_init_info"):
            update_init_info(module, init_info=self._get_init_info())

    def _get_init_info(self) -> str:
        return f"{type(self).__name__}: load from {self.checkpoint}"


def initialize(module: nn.Module, init_cfg: Mapping[str, Any] | list[Any]) -> None:
    """Initialises ``module`` as ``init_cfg`` says.

    Args:
        module: changed in place.
        init_cfg: one initialiser or several, applied in turn. ``override`` (one or several dicts
            with ``name``) initialises an attribute of the module as a whole; without further keys
            it takes those of the outer dict.

    Raises:
        ConfigError: unknown initialiser or key, or an ``override`` without name or type.
    """
    if not isinstance(init_cfg, (Mapping, list)):
        raise TypeError(f"init_cfg must be a dict or a list of dict, but got {type(init_cfg)}")
    for cfg in [init_cfg] if isinstance(init_cfg, Mapping) else init_cfg:
        cfg = copy.deepcopy(dict(cfg))
        override = cfg.pop("override", None)
        build_from_cfg(cfg, INITIALIZERS)(module)
        if override is not None:
            cfg.pop("layer", None)  # an override initialises whatever kind of layer it names
            _initialize_override(module, override, cfg)


def _initialize_override(module: nn.Module, override: Any, outer: Mapping[str, Any]) -> None:
    if not isinstance(override, (Mapping, list)):
        raise TypeError(f"override must be a dict or a list of dict, but got {type(override)}")
    for cfg in [override] if isinstance(override, Mapping) else override:
        cfg = copy.deepcopy(dict(cfg))
        name = cfg.pop("name", None)
        if name is None:
            raise ConfigError(f'`override` must contain the key "name", but got {cfg}')
        if cfg and "type" not in cfg:
            raise ConfigError(f'`override` needs the key "type", but got {cfg}')
        if not hasattr(module, name):
            raise RuntimeError(f"{type(module).__name__} has no attribute {name!r}: {override}")
        init = build_from_cfg(cfg or dict(outer), INITIALIZERS)
        init.wholemodule = True
        init(getattr(module, name))


def fingerprint(param: Tensor) -> Tensor:
    """Returns the mean of the first values: differs, in practice, once a parameter is set."""
    return param.detach().reshape(-1)[:FINGERPRINT_SIZE].float().mean()


@torch.no_grad()
def update_init_info(module: nn.Module, init_info: str) -> None:
    """Notes ``init_info`` for every parameter of ``module`` that changed since the last call.

    Args:
        module: has ``_params_init_info``, set by ``BaseModule.init_weights``.
        init_info: one line that says who initialised.
    """
    infos: Any = module._params_init_info
    for name, param in module.named_parameters():
        assert param in infos, (
            f"{name} of {type(module).__name__} was replaced during `init_weights`; change"
            " parameters in place"
        )
        if param.is_meta:
            continue
        value = fingerprint(param)
        if infos[param]["tmp_mean_value"] != value:
            infos[param]["init_info"] = init_info
            infos[param]["tmp_mean_value"] = value
