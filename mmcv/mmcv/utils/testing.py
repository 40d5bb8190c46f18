"""Comparisons for tests of plug-ins, as 1.x offered them; each returns whether it holds."""

from __future__ import annotations

import runpy
import shlex
import sys
from collections.abc import Iterable, Mapping
from typing import Any


def check_python_script(cmd: str) -> None:
    """Runs ``python script.py --flag`` (the word ``python`` is optional) in this process."""
    args = shlex.split(cmd)
    args = args[1:] if args[0] == "python" else args
    before = sys.argv
    sys.argv = args
    try:
        runpy.run_path(args[0], run_name="__main__")
    finally:
        sys.argv = before


def assert_dict_contains_subset(
    dict_obj: Mapping[Any, Any], expected_subset: Mapping[Any, Any]
) -> bool:
    """Whether the dict has these keys with these values."""
    return all(
        key in dict_obj and _equal(dict_obj[key], value) for key, value in expected_subset.items()
    )


def assert_attrs_equal(obj: Any, expected_attrs: Mapping[str, Any]) -> bool:
    """Whether the object has these attributes with these values."""
    return all(
        hasattr(obj, name) and _equal(getattr(obj, name), value)
        for name, value in expected_attrs.items()
    )


def assert_dict_has_keys(obj: Mapping[str, Any], expected_keys: Iterable[str]) -> bool:
    """Whether the dict has these keys."""
    return set(expected_keys) <= set(obj)


def assert_keys_equal(result_keys: Iterable[str], target_keys: Iterable[str]) -> bool:
    """Whether both hold the same keys."""
    return set(result_keys) == set(target_keys)


def assert_is_norm_layer(module: Any) -> bool:
    """Whether the module normalises: batch, instance, group or layer norm."""
    from torch import nn

    from mmcv.utils.parrots_wrapper import _BatchNorm, _InstanceNorm

    return isinstance(module, (_BatchNorm, _InstanceNorm, nn.GroupNorm, nn.LayerNorm))


def assert_params_all_zeros(module: Any) -> bool:
    """Whether the module's weight, and bias if it has one, are zero."""
    params = [module.weight, getattr(module, "bias", None)]
    return all(bool((p == 0).all()) for p in params if p is not None)


def _equal(a: Any, b: Any) -> bool:
    """Whether two values are equal; arrays and tensors in every element."""
    if getattr(a, "shape", None) != getattr(b, "shape", None):
        return False
    result = a == b
    return bool(result.all()) if hasattr(result, "all") else bool(result)
