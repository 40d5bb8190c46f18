"""Frozen weights, written once: every further checkpoint of the run links to the same file.

A frozen 6B backbone is 12 GB that no iteration changes. A hard link costs nothing, and each
checkpoint directory stays complete by itself, whatever is pruned.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from mmcv.runner.dist_utils import all_gather_objects
from mmcv.runner.external import ATTRIBUTE, fingerprint
from mmcv.runner.zero.directory import FROZEN_FILE, Link, Writer, save_tensors
from mmcv.runner.zero.partition import Partition

MIN_BYTES = 256 * 2**20  # Below, writing again costs less than explaining a second file.


class FrozenWeights:
    """The frozen parameters of a model, and where they are on disk already.

    Args:
        module: the bare model; what is frozen now stays so.
        partition: of its engine.
        but_pretrained: leave out those that came from a pretrained file.

    Attributes:
        names: keys of the frozen parameters in the state dict; empty if they are small.
    """

    def __init__(
        self, module: nn.Module, partition: Partition, *, but_pretrained: bool = False
    ) -> None:
        self._module = module
        self._partition = partition
        self._but_pretrained = but_pretrained
        self._params: dict[str, nn.Parameter] = {}
        self.names: tuple[str, ...] = ()
        self._file: Path | None = None
        self._entry: Mapping[str, Any] = {}
        self._fingerprint: list[int] = []
        self.choose()

    def choose(self) -> None:
        """Decides which parameters go into the file."""
        frozen = {
            name: value
            for name, value in self._module.state_dict(keep_vars=True).items()
            if isinstance(value, nn.Parameter) and not value.requires_grad
            if not (self._but_pretrained and hasattr(value, ATTRIBUTE))
        }
        size = self._partition.numel
        num_bytes = sum(size(value) * value.element_size() for value in frozen.values())
        self._params = frozen if num_bytes >= MIN_BYTES else {}
        self.names = tuple(self._params)

    def must_write(self) -> bool:
        """Whether the weights are on disk nowhere, or have changed since. Collective."""
        is_known = self._file is not None and self._file.exists()
        unchanged = is_known and self._fingerprint == self._take_fingerprint()
        return bool(self.names) and not all(all_gather_objects(unchanged))

    def writer(self, state: Mapping[str, Tensor] | None) -> Writer:
        """Returns what puts the file into a checkpoint: the weights given, or else a link."""
        if state is not None:
            return save_tensors({"module": dict(state)})
        assert self._file is not None
        return Link(self._file, self._entry)

    def remember(self, path: Path, manifest: Mapping[str, Any]) -> None:
        """Notes that the weights are as in the checkpoint ``path``, just written or read."""
        for name, entry in manifest["files"].items():
            if name.endswith(FROZEN_FILE):
                is_linked = entry == self._entry
                self._file, self._entry = path / name, entry
                self._fingerprint = self._fingerprint if is_linked else self._take_fingerprint()

    def _take_fingerprint(self) -> list[int]:
        return fingerprint(self._partition.local(param) for param in self._params.values())
