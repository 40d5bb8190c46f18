"""Functions that initialise one layer in place, under their 1.x names and defaults."""

from __future__ import annotations

import math
from typing import Any

from torch import Tensor, nn


def _fill_bias(module: nn.Module, value: float) -> None:
    bias = getattr(module, "bias", None)
    if bias is not None:
        nn.init.constant_(bias, value)


def _weight(module: nn.Module) -> Tensor | None:
    """Returns the weight tensor, or None for layers without one (affine=False norms)."""
    return getattr(module, "weight", None)


def constant_init(module: nn.Module, val: float, bias: float = 0) -> None:
    """Fills the weight with ``val`` and the bias with ``bias``."""
    weight = _weight(module)
    if weight is not None:
        nn.init.constant_(weight, val)
    _fill_bias(module, bias)


def xavier_init(
    module: nn.Module, gain: float = 1, bias: float = 0, distribution: str = "normal"
) -> None:
    """Glorot initialisation (2010); ``distribution`` is "uniform" or "normal"."""
    _check_distribution(distribution)
    weight = _weight(module)
    if weight is not None:
        fill = nn.init.xavier_uniform_ if distribution == "uniform" else nn.init.xavier_normal_
        fill(weight, gain=gain)
    _fill_bias(module, bias)


def normal_init(module: nn.Module, mean: float = 0, std: float = 1, bias: float = 0) -> None:
    """Draws the weight from N(mean, std²)."""
    weight = _weight(module)
    if weight is not None:
        nn.init.normal_(weight, mean, std)
    _fill_bias(module, bias)


def trunc_normal_init(
    module: nn.Module, mean: float = 0, std: float = 1, a: float = -2, b: float = 2, bias: float = 0
) -> None:
    """Draws the weight from N(mean, std²) cut to the absolute bounds [a, b]."""
    weight = _weight(module)
    if weight is not None:
        trunc_normal_(weight, mean, std, a, b)
    _fill_bias(module, bias)


def trunc_normal_(
    tensor: Tensor, mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0
) -> Tensor:
    """Fills ``tensor`` in place from N(mean, std²) cut to [a, b] and returns it."""
    return nn.init.trunc_normal_(tensor, mean, std, a, b)


def uniform_init(module: nn.Module, a: float = 0, b: float = 1, bias: float = 0) -> None:
    """Draws the weight from U(a, b)."""
    weight = _weight(module)
    if weight is not None:
        nn.init.uniform_(weight, a, b)
    _fill_bias(module, bias)


def kaiming_init(
    module: nn.Module,
    a: float = 0,
    mode: Any = "fan_out",
    nonlinearity: Any = "relu",
    bias: float = 0,
    distribution: str = "normal",
) -> None:
    """He initialisation (2015); ``a`` is the negative slope of a leaky ReLU."""
    _check_distribution(distribution)
    weight = _weight(module)
    if weight is not None:
        fill = nn.init.kaiming_uniform_ if distribution == "uniform" else nn.init.kaiming_normal_
        fill(weight, a=a, mode=mode, nonlinearity=nonlinearity)
    _fill_bias(module, bias)


def caffe2_xavier_init(module: nn.Module, bias: float = 0) -> None:
    """Caffe2's XavierFill, which is He's uniform initialisation over the fan-in with gain 1."""
    kaiming_init(
        module, a=1, mode="fan_in", nonlinearity="leaky_relu", bias=bias, distribution="uniform"
    )


def bias_init_with_prob(prior_prob: float) -> float:
    """Returns the bias at which a sigmoid gives ``prior_prob`` (RetinaNet, section 4.1)."""
    return float(-math.log((1 - prior_prob) / prior_prob))


def _check_distribution(distribution: str) -> None:
    if distribution not in ("uniform", "normal"):
        raise ValueError(f"distribution must be 'uniform' or 'normal', but got {distribution!r}")
