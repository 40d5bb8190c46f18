"""Containers for what belongs to one image: free fields beside meta information that stays."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mmdet.boxes.nice_repr import NiceRepr

PRIVATE = ("_meta_info_fields", "_data_fields")


class GeneralData(NiceRepr):
    """Holds fields that can be set, read and deleted as attributes or items.

    Args:
        meta_info: facts of the image; copied; they cannot be changed afterwards.
        data: the first fields.
    """

    _meta_info_fields: set[str]
    _data_fields: set[str]

    def __init__(
        self, meta_info: Mapping[str, Any] | None = None, data: Mapping[str, Any] | None = None
    ) -> None:
        self._meta_info_fields = set()
        self._data_fields = set()
        if meta_info is not None:
            self.set_meta_info(meta_info)
        if data is not None:
            self.set_data(data)

    def set_meta_info(self, meta_info: Mapping[str, Any]) -> None:
        """Adds meta information.

        Raises:
            KeyError: a key has another value already, or is the name of a field.
        """
        assert isinstance(meta_info, dict), f"meta should be a `dict` but get {meta_info}"
        for key, value in copy.deepcopy(meta_info).items():
            if key in self._data_fields:
                raise KeyError(f"{key} is the name of a field and cannot be meta information")
            if key not in self._meta_info_fields:
                self._meta_info_fields.add(key)
                self.__dict__[key] = value
            elif not np.all(np.asarray(getattr(self, key) == value)):
                raise KeyError(
                    f"{key} has been set as {getattr(self, key)} before, which is immutable"
                )

    def set_data(self, data: Mapping[str, Any]) -> None:
        """Sets fields."""
        assert isinstance(data, dict), f"data should be a `dict` but get {data}"
        for key, value in data.items():
            setattr(self, key, value)

    def new(
        self, meta_info: Mapping[str, Any] | None = None, data: Mapping[str, Any] | None = None
    ) -> Any:
        """Returns an object of the same class and meta information, without the fields."""
        made = type(self)()
        made.set_meta_info(dict(self.meta_info_items()))
        if meta_info is not None:
            made.set_meta_info(meta_info)
        if data is not None:
            made.set_data(data)
        return made

    def keys(self) -> list[str]:
        """Returns the names of the fields in the order they were set."""
        return [key for key in self.__dict__ if key in self._data_fields]

    def meta_info_keys(self) -> list[str]:
        """Returns the names of the meta information."""
        return [key for key in self.__dict__ if key in self._meta_info_fields]

    def values(self) -> list[Any]:
        """Returns the fields."""
        return [getattr(self, key) for key in self.keys()]

    def meta_info_values(self) -> list[Any]:
        """Returns the meta information."""
        return [getattr(self, key) for key in self.meta_info_keys()]

    def items(self) -> Iterator[tuple[str, Any]]:
        """Yields the names and values of the fields."""
        yield from zip(self.keys(), self.values(), strict=True)

    def meta_info_items(self) -> Iterator[tuple[str, Any]]:
        """Yields the names and values of the meta information."""
        yield from zip(self.meta_info_keys(), self.meta_info_values(), strict=True)

    def __setattr__(self, name: str, val: Any) -> None:
        if name in PRIVATE:
            if name in self.__dict__:
                raise AttributeError(f"{name} is a private attribute, which is immutable")
        elif name in self._meta_info_fields:
            raise AttributeError(f"{name} is used in meta information, which is immutable")
        else:
            self._data_fields.add(name)
        super().__setattr__(name, val)

    def __delattr__(self, item: str) -> None:
        if item in PRIVATE:
            raise AttributeError(f"{item} is a private attribute, which is immutable")
        if item in self._meta_info_fields:
            raise KeyError(f"{item} is used in meta information, which is immutable")
        super().__delattr__(item)
        self._data_fields.discard(item)

    __setitem__ = __setattr__
    __delitem__ = __delattr__

    def __getitem__(self, name: Any) -> Any:
        return getattr(self, name)

    def __contains__(self, item: str) -> bool:
        return item in self._data_fields or item in self._meta_info_fields

    def get(self, name: str, *default: Any) -> Any:
        """Returns a field or meta information, or the default (None)."""
        assert len(default) < 2, "`get` get more than 2 arguments"
        return self.__dict__.get(name, *default)

    def pop(self, name: str, *default: Any) -> Any:
        """Removes and returns a field, or returns the default."""
        assert len(default) < 2, "`pop` get more than 2 arguments"
        if name in self._meta_info_fields:
            raise KeyError(f"{name} is a key in meta information, which is immutable")
        if name in self._data_fields:
            self._data_fields.remove(name)
            return self.__dict__.pop(name)
        if default:
            return default[0]
        raise KeyError(name)

    def to(self, *args: Any, **kwargs: Any) -> Any:
        """Returns a copy with ``.to(...)`` called on all fields that have it."""
        return self._map("to", object, *args, **kwargs)

    def cpu(self) -> Any:
        """Returns a copy with its tensors on the CPU."""
        return self._map("cpu")

    def cuda(self) -> Any:
        """Returns a copy with its tensors on the GPU."""
        return self._map("cuda")

    def detach(self) -> Any:
        """Returns a copy with its tensors detached."""
        return self._map("detach")

    def numpy(self) -> Any:
        """Returns a copy with arrays in place of its tensors."""
        return self.detach().cpu()._map("numpy")

    def _map(self, method: str, kind: type = Tensor, *args: Any, **kwargs: Any) -> Any:
        made = self.new()
        for key, value in self.items():
            if isinstance(value, kind) and hasattr(value, method):
                value = getattr(value, method)(*args, **kwargs)
            made[key] = value
        return made

    def __nice__(self) -> str:
        lines = ["\n", "  META INFORMATION "]
        lines += [f"{key}: {value} " for key, value in self.meta_info_items()]
        lines += ["", "   DATA FIELDS "]
        for key, value in self.items():
            has_shape = isinstance(value, (Tensor, np.ndarray))
            lines.append(f"shape of {key}: {value.shape} " if has_shape else f"{key}: {value} ")
        return "\n".join(lines) + "\n\n"


class InstanceData(GeneralData):
    """Fields that all have one entry per instance: tensors, arrays or lists of one length."""

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in PRIVATE:
            kinds = (Tensor, np.ndarray, list)
            assert isinstance(value, kinds), f"Can set {type(value)}, only support {kinds}"
            if self._data_fields:
                assert len(value) == len(self), (
                    f"the length of {name} ({len(value)}) is not consistent with the length of"
                    f" this InstanceData ({len(self)})"
                )
        super().__setattr__(name, value)

    __setitem__ = __setattr__

    def __len__(self) -> int:
        if not self._data_fields:
            raise AssertionError("This is an empty `InstanceData`.")
        return len(self.values()[0])

    def __getitem__(self, item: Any) -> Any:
        """Returns a field by name, or the instances that an index, slice or tensor chooses."""
        if isinstance(item, str):
            return getattr(self, item)
        number = len(self)
        if isinstance(item, int):
            if not -number <= item < number:
                raise IndexError(f"Index {item} out of range!")
            item = slice(item, None, number)
        made = self.new()
        if isinstance(item, slice):
            return self.new(data={key: value[item] for key, value in self.items()})
        assert isinstance(item, Tensor), f"cannot index with {type(item)}"
        assert item.dim() == 1, "Only support to get the values along the first dimension."
        if item.dtype == torch.bool:
            assert len(item) == number, f"a mask of {len(item)} for {number} instances"
        indices = item.nonzero().view(-1) if item.dtype == torch.bool else item
        for key, value in self.items():
            made[key] = _take(value, item, indices.tolist())
        return made

    @staticmethod
    def cat(instances_list: Sequence[InstanceData]) -> InstanceData:
        """Joins instances; fields and meta information are those of the first."""
        assert len(instances_list) > 0
        assert all(isinstance(results, InstanceData) for results in instances_list)
        first = instances_list[0]
        if len(instances_list) == 1:
            return first
        made = first.new()
        for key in first.keys():  # noqa: SIM118
            made[key] = _join([results[key] for results in instances_list])
        return made


def _take(value: Any, item: Tensor, indices: list[int]) -> Any:
    if isinstance(value, Tensor):
        return value[item]
    if isinstance(value, np.ndarray):
        return value[item.cpu().numpy()]
    return [value[index] for index in indices]


def _join(values: list[Any]) -> Any:
    if isinstance(values[0], Tensor):
        return torch.cat(values)
    return (
        np.concatenate(values)
        if isinstance(values[0], np.ndarray)
        else list(itertools.chain(*values))
    )
