"""What a checkpoint file holds, in the layout of 1.x: ``meta``, ``state_dict``, ``optimizer``."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn
from torch.optim import Optimizer

import mmcv
from mmcv.parallel import is_module_wrapper
from mmcv.runner.external import RECORD
from mmcv.runner.files import CheckpointError, plain, save_file


def get_state_dict(
    module: nn.Module,
    destination: OrderedDict[str, Any] | None = None,
    prefix: str = "",
    keep_vars: bool = False,
) -> OrderedDict[str, Any]:
    """Returns ``module.state_dict()`` without the ``module.`` of wrappers at any depth."""
    module = unwrapped(module)
    if destination is None:
        destination = OrderedDict()
        destination._metadata = OrderedDict()  # type: ignore[attr-defined]
    local = {"version": module._version}
    destination._metadata[prefix[:-1]] = local  # type: ignore[attr-defined]
    module._save_to_state_dict(destination, prefix, keep_vars)
    for name, child in module._modules.items():
        if child is not None:
            get_state_dict(child, destination, f"{prefix}{name}.", keep_vars)
    for hook in module._state_dict_hooks.values():
        destination = hook(module, destination, prefix, local) or destination
    return destination


def weights_to_cpu(state_dict: Mapping[str, Any]) -> OrderedDict[str, Any]:
    """Returns the state dict with its tensors on the CPU."""
    on_cpu = OrderedDict((key, _compact(value)) for key, value in state_dict.items())
    on_cpu._metadata = getattr(state_dict, "_metadata", OrderedDict())  # type: ignore[attr-defined]
    return on_cpu


def _compact(value: Any) -> Any:
    if not isinstance(value, Tensor):
        return value
    value = value.detach().cpu()
    # A view would be stored together with all of the tensor that it looks at.
    is_view = value.untyped_storage().nbytes() > value.numel() * value.element_size()
    return value.clone() if is_view else value


def save_checkpoint(
    model: nn.Module,
    filename: str | Path,
    optimizer: Optimizer | Mapping[str, Optimizer] | None = None,
    meta: Mapping[str, Any] | None = None,
    file_client_args: Mapping[str, Any] | None = None,
) -> None:
    """Saves a model, atomically, in the layout of 1.x: ``meta``, ``state_dict``, ``optimizer``.

    Args:
        model: may be in a parallel wrapper.
        filename: path; its folder is made.
        optimizer: one, or several by name.
        meta: what to store beside; versions, time and the model's ``CLASSES`` are added.
        file_client_args: only ``dict(backend='disk')``.
    """
    if meta is not None and not isinstance(meta, Mapping):
        raise TypeError(f"meta must be a dict or None, but got {type(meta)}")
    if (file_client_args or {}).get("backend", "disk") != "disk":
        raise CheckpointError(f"file_client_args={file_client_args}: only the disk is supported")
    Path(filename).parent.mkdir(parents=True, exist_ok=True)
    save_file(filename, checkpoint_of(model, optimizer, {"meta": dict(meta or {})}))


def checkpoint_of(
    model: nn.Module,
    optimizer: Any,
    state: Mapping[str, Any],
    external: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Returns what a checkpoint file holds: ``state``, completed by weights and optimizer.

    Args:
        model: may be in a parallel wrapper.
        optimizer: one, several by name, or None.
        state: further entries.
        external: record of weights that are left out; see ``ExternalWeights``.
    """
    meta = {"mmcv_version": mmcv.__version__, "time": time.asctime(), **state.get("meta", {})}
    classes = getattr(unwrapped(model), "CLASSES", None)
    if classes is not None:
        meta.setdefault("CLASSES", classes)
    checkpoint: dict[str, Any] = {"meta": plain(meta)}
    weights = get_state_dict(model)
    for name in external or {}:
        del weights[name]
    checkpoint["state_dict"] = weights_to_cpu(weights)
    if external:
        checkpoint[RECORD] = dict(external)
    if isinstance(optimizer, Mapping):
        checkpoint["optimizer"] = {name: o.state_dict() for name, o in optimizer.items()}
    elif optimizer is not None:
        checkpoint["optimizer"] = optimizer.state_dict()
    checkpoint.update({key: value for key, value in state.items() if key != "meta"})
    return checkpoint


def unwrapped(module: nn.Module) -> nn.Module:
    """Returns what is in a parallel wrapper, or the module itself."""
    return module.module if is_module_wrapper(module) else module  # type: ignore[return-value]
