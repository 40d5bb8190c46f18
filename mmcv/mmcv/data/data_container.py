"""The wrapper with which 1.x pipelines say how a value is to be batched."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from mmcv.image.checks import require


class DataContainer:
    """Holds a value and how to batch it. Our pipelines need none; plug-in pipelines build it.

    Args:
        data: the value.
        stack: batch by stacking tensors (else: a list).
        padding_value: fills tensors that are smaller than the largest of the batch.
        cpu_only: never moved to a device; for values that are no tensors.
        pad_dims: how many of the last dimensions may differ between samples and are padded:
            1, 2, 3, or None.
    """

    def __init__(
        self,
        data: Any,
        stack: bool = False,
        padding_value: float = 0,
        cpu_only: bool = False,
        pad_dims: int | None = 2,
    ) -> None:
        require(
            pad_dims in (None, 1, 2, 3), f"pad_dims must be None, 1, 2 or 3, but got {pad_dims}"
        )
        self._data = data
        self._stack = stack
        self._padding_value = padding_value
        self._cpu_only = cpu_only
        self._pad_dims = pad_dims

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.data!r})"

    def __len__(self) -> int:
        return len(self._data)

    @property
    def data(self) -> Any:
        """The value."""
        return self._data

    @property
    def datatype(self) -> type | str:
        """Type of the value; for tensors the name, as "torch.FloatTensor"."""
        return self.data.type() if isinstance(self.data, torch.Tensor) else type(self.data)

    @property
    def stack(self) -> bool:
        """Whether batching stacks."""
        return self._stack

    @property
    def padding_value(self) -> float:
        """What smaller tensors are padded with."""
        return self._padding_value

    @property
    def cpu_only(self) -> bool:
        """Whether the value stays on the CPU."""
        return self._cpu_only

    @property
    def pad_dims(self) -> int | None:
        """How many of the last dimensions are padded."""
        return self._pad_dims

    def size(self, *args: int) -> Any:
        """Size of a tensor value."""
        self._require_sized("size")
        return self.data.size(*args)

    def dim(self) -> int:
        """Number of dimensions of a tensor or array value."""
        self._require_sized("dim")
        return self.data.ndim

    def _require_sized(self, name: str) -> None:
        if not isinstance(self.data, (torch.Tensor, np.ndarray)):
            raise AttributeError(f"a DataContainer of {type(self.data)} has no {name}()")
