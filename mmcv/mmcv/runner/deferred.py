"""Building a model without allocating and initialising the parameters that a file will fill.

A constructor is run twice. First every large tensor it makes is on the meta device, which costs
nothing and shows the names of all parameters; then only those stay there that the file has. What it
does not have, and everything small, is made and initialised as ever, whatever the constructor does.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from mmcv.runner.seed import get_rng_state, set_rng_state

logger = logging.getLogger(__name__)

MIN_NUMEL = 2**18  # of a tensor that is worth it
FACTORIES = frozenset((torch.empty, torch.zeros, torch.ones, torch.full, torch.rand, torch.randn))


class _Deferring(TorchFunctionMode):
    """Makes large tensors on the meta device; counts them.

    Args:
        chosen: the numbers of those that go there, in the order in which they are made; None: all.
    """

    def __init__(self, chosen: set[int] | None = None) -> None:
        super().__init__()
        self._chosen = chosen
        self.numbers: dict[int, int] = {}  # by the address of the storage
        self._kept: list[Tensor] = []  # or addresses would be used again
        self._count = 0

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        kwargs = dict(kwargs or {})
        if func not in FACTORIES or kwargs.get("device") not in (None, "cpu", torch.device("cpu")):
            return func(*args, **kwargs)
        size = _numel(func, args, kwargs)
        if size < MIN_NUMEL:
            return func(*args, **kwargs)
        number, self._count = self._count, self._count + 1
        if self._chosen is not None and number not in self._chosen:
            return func(*args, **kwargs)
        made = func(*args, **{**kwargs, "device": "meta"})
        self.numbers[made.untyped_storage()._cdata] = number
        self._kept.append(made)
        return made


def build_deferred(
    build: Callable[[], nn.Module], covered: Callable[[nn.Module], set[str]]
) -> nn.Module:
    """Builds a model; parameters that a file will fill are on the meta device.

    Args:
        build: the constructor.
        covered: returns the names of those parameters; it is given the model on the meta device.
    """
    skeleton = _build_skeleton(build)
    if skeleton is None:
        return build()
    model, numbers = skeleton
    names = covered(model)
    chosen = {
        numbers[param.untyped_storage()._cdata]
        for name, param in model.named_parameters()
        if name in names and param.is_meta and param.untyped_storage()._cdata in numbers
    }
    del skeleton, model
    with _Deferring(chosen):
        return build()


def _build_skeleton(
    build: Callable[[], nn.Module],
) -> tuple[nn.Module, dict[int, int]] | None:
    """Returns the model without large tensors, or None if its constructor needs their values."""
    state, was_disabled = get_rng_state(), logging.root.manager.disable
    mode = _Deferring()
    try:
        logging.disable(logging.CRITICAL)
        with mode, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return build(), mode.numbers
    except Exception as error:  # if it is the user's, the real constructor says so
        logging.disable(was_disabled)
        logger.debug("built with all of its weights: %s", error)
        return None
    finally:
        logging.disable(was_disabled)
        set_rng_state(state)


def is_deferred(model: nn.Module) -> bool:
    """Whether parameters wait for their values."""
    return any(param.is_meta for param in model.parameters())


def assign_deferred(model: nn.Module, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Gives parameters on the meta device their values, without a copy if the dtype is right.

    Args:
        model: parameters keep their identity; their memory is that of the weights.
        weights: by parameter name.

    Returns:
        The weights, in which the parameters themselves stand for those that are assigned: loading
        them again does nothing.
    """
    rest = dict(weights)
    for name, param in model.named_parameters():
        value = weights.get(name)
        if not param.is_meta or value is None or value.shape != param.shape:
            continue
        filled = nn.Parameter(value.detach().to(param.dtype), requires_grad=param.requires_grad)
        torch.utils.swap_tensors(param, filled)
        rest[name] = param
    return rest


def check_assigned(model: nn.Module, source: str) -> None:
    """Raises if the file did not fill what it was to fill."""
    left = [name for name, param in model.named_parameters() if param.is_meta]
    if left:
        raise RuntimeError(f"{source} has not filled {len(left)} parameters, such as {left[0]}")


def cast_deferred(model: nn.Module, dtype_of: Callable[[str], torch.dtype | None]) -> None:
    """Decides the dtype in which parameters on the meta device will be kept.

    Args:
        model: changed in place.
        dtype_of: given the name of a parameter; None: as constructed.
    """
    for name, param in model.named_parameters():
        dtype = dtype_of(name)
        if param.is_meta and dtype is not None and param.is_floating_point():
            param.data = param.data.to(dtype)


def _numel(func: Any, args: Any, kwargs: Mapping[str, Any]) -> int:
    """Returns the size that a factory is asked for; 0 if it cannot be told."""
    size = kwargs.get("size", args[0] if func is torch.full and args else args)
    while isinstance(size, (tuple, list)) and len(size) == 1 and isinstance(size[0], (tuple, list)):
        size = size[0]
    sizes = size if isinstance(size, (tuple, list)) else (size,)
    total = 1
    for length in sizes:
        if not isinstance(length, int):
            return 0
        total *= length
    return total if sizes else 0
