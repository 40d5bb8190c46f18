"""Weights that a checkpoint does not hold because a pretrained file does: recorded by digest.

A frozen 6B backbone is 12 GB that the user has on disk already. A checkpoint names the file, and
for each tensor the name in it, the dtype and the sha256 of its bytes; whoever reads the checkpoint
gets the tensors from that file, and an error if they are no longer the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from mmcv.runner.checkpoint_loader import CheckpointLoader, find_weights
from mmcv.runner.dist_utils import all_gather_objects, get_dist_info
from mmcv.runner.files import CheckpointError
from mmcv.weights.reading import fit_keys

RECORD = "external_weights"  # key in checkpoints
MIN_BYTES = 256 * 2**20  # Below, a checkpoint that is complete by itself is worth more.
ATTRIBUTE = "pretrained_origin"  # of parameters


class Origin(NamedTuple):
    """Where a parameter's value came from.

    Attributes:
        file: pretrained file, as an absolute path, or a URL.
        name: of the tensor, as ``read_backbone`` calls it.
    """

    file: str
    name: str


def note_origin(param: nn.Parameter, file: str | Path, name: str) -> None:
    """Notes that ``param`` was just filled from a pretrained file."""
    text = str(file) if "://" in str(file) else str(Path(file).expanduser().absolute())
    setattr(param, ATTRIBUTE, Origin(text, name))


def read_backbone(path: str | Path) -> dict[str, Tensor]:
    """Returns the weights of the backbone in a file, without prefixes, mapped where possible."""
    weights = find_weights(CheckpointLoader.load_checkpoint(str(path), "cpu"))
    tensors = {k.removeprefix("module."): v for k, v in weights.items() if isinstance(v, Tensor)}
    backbone = {k[9:]: v for k, v in tensors.items() if k.startswith("backbone.")}
    return dict(fit_keys(backbone or tensors, ()))


def note_recorded(model: nn.Module, record: Mapping[str, Any]) -> None:
    """Notes the origins that a checkpoint records, whose weights the model has now."""
    params = dict(model.named_parameters()) if record else {}
    for name, entry in record.items():
        if name in params:
            note_origin(params[name], entry["file"], entry["name"])


class ExternalWeights:
    """The frozen parameters of a model that checkpoints need not hold. Methods are collective.

    Args:
        module: the bare model.
        whole: gives the whole of a parameter, of which a rank may hold a part. Collective.
        local: gives what this rank holds.
        enabled: else there are none.
    """

    def __init__(
        self,
        module: nn.Module,
        *,
        whole: Callable[[Tensor], Tensor] = Tensor.detach,
        local: Callable[[Tensor], Tensor] = Tensor.detach,
        enabled: bool = True,
    ) -> None:
        self._module = module
        self._whole, self._local = whole, local
        self._enabled = enabled
        self._record: dict[str, Any] = {}
        self._fingerprint: list[int] = []
        self._is_current = False

    def record(self) -> dict[str, Any]:
        """Returns what a checkpoint stores instead of the tensors; {} if it must hold them all."""
        if not self._enabled:
            return {}
        params = self._candidates()
        unchanged = self._is_current and self._fingerprint == fingerprint(map(self._local, params))
        if not all(all_gather_objects(unchanged)):
            self._record = self._compare(params)
            self._fingerprint = fingerprint(map(self._local, params))
            self._is_current = True
        return self._record

    def _candidates(self) -> dict[nn.Parameter, str]:
        return {
            param: name
            for name, param in self._module.named_parameters()
            if not param.requires_grad and hasattr(param, ATTRIBUTE)
        }

    def _compare(self, params: Mapping[nn.Parameter, str]) -> dict[str, Any]:
        """Returns entries of the parameters that are as in their files, with their digests."""
        rank, world_size = get_dist_info()
        files: dict[str, Mapping[str, Tensor]] = {}
        entries, num_bytes = {}, 0
        for i, (param, name) in enumerate(params.items()):
            value = self._whole(param)
            num_bytes += value.numel() * value.element_size()
            if i % world_size != rank:  # the ranks share the work
                continue
            origin: Origin = getattr(param, ATTRIBUTE)
            if origin.file not in files:
                files[origin.file] = _try_to_read(origin.file)
            stored = files[origin.file].get(origin.name)
            on_cpu = value.cpu()
            if stored is not None and torch.equal(stored.to(on_cpu.dtype), on_cpu):
                entries[name] = {**origin._asdict(), **describe(on_cpu)}
        found = {k: v for part in all_gather_objects(entries) for k, v in part.items()}
        return found if num_bytes >= MIN_BYTES else {}


def read_external(
    record: Mapping[str, Any], checkpoint: Path, *, share: bool = False
) -> dict[str, Tensor]:
    """Returns the weights that a checkpoint records, from the files where they are, verified.

    Args:
        record: of the checkpoint.
        checkpoint: its path, beside which moved files are looked for.
        share: let each rank verify a part of them. Collective then; errors reach all ranks.

    Raises:
        CheckpointError: a file is missing, or has another tensor than when it was recorded.
    """
    rank, world_size = get_dist_info() if share else (0, 1)
    problem, weights = None, {}
    try:
        sources = {file: _locate(file, checkpoint) for file in _files_of(record)}
        contents = {file: read_backbone(source) for file, source in sources.items()}
        for i, (name, entry) in enumerate(record.items()):
            stored = contents[entry["file"]].get(entry["name"])
            value = None if stored is None else stored.to(getattr(torch, entry["dtype"]))
            if i % world_size == rank and (value is None or describe(value) != _described(entry)):
                raise CheckpointError(_complaint(name, entry, sources[entry["file"]], checkpoint))
            if value is not None:
                weights[name] = value
    except (CheckpointError, OSError) as error:
        problem = str(error)
    problems = all_gather_objects(problem) if share else [problem]
    for text in filter(None, problems):
        raise CheckpointError(text)
    return weights


def join_external(content: Any, key: str, checkpoint: Path) -> Any:
    """Adds to ``content[key]`` the weights that the checkpoint records; returns ``content``."""
    if isinstance(content, dict) and content.get(RECORD):
        content[key] = {**content[key], **read_external(content[RECORD], checkpoint)}
    return content


def describe(value: Tensor) -> dict[str, Any]:
    """Returns what a tensor is recognised by: dtype, shape, sha256 of its bytes."""
    flat = value.detach().contiguous().reshape(-1)
    digest = hashlib.sha256(flat.view(torch.uint8).numpy().data) if flat.numel() else b""
    return {
        "dtype": str(value.dtype).removeprefix("torch."),
        "shape": list(value.shape),
        "sha256": digest.hexdigest() if digest else "",
    }


def fingerprint(parts: Iterable[Tensor]) -> list[int]:
    """Returns sums over the bits of tensors, which a change by chance changes."""
    integers = {1: torch.int8, 2: torch.int16, 4: torch.int32, 8: torch.int64}
    sums = []
    for part in parts:
        bits = part.detach().reshape(-1).view(integers[part.element_size()])
        sums += [bits.sum(dtype=torch.int64), bits[::3].sum(dtype=torch.int64)]
    return torch.stack(sums).tolist() if sums else []


def _described(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {key: entry[key] for key in ("dtype", "shape", "sha256")}


def _files_of(record: Mapping[str, Any]) -> set[str]:
    return {entry["file"] for entry in record.values()}


def _try_to_read(file: str) -> Mapping[str, Tensor]:
    """Returns nothing if the file has gone: then the checkpoint must hold the weights."""
    try:
        return read_backbone(file)
    except (CheckpointError, OSError):
        return {}


def _locate(file: str, checkpoint: Path) -> str:
    """Returns where the file is now: where it was, or beside the checkpoint."""
    if "://" in file:
        return file
    name = Path(file).name
    for place in (Path(file), checkpoint.parent / name, checkpoint / name):
        if place.exists():
            return str(place)
    raise CheckpointError(
        f"{checkpoint}: its frozen weights are those of {file}, which is missing; put the file, or"
        f" a link to it, beside the checkpoint: {checkpoint.parent / name}"
    )


def _complaint(name: str, entry: Mapping[str, Any], source: str, checkpoint: Path) -> str:
    return (
        f"{source}: its tensor {entry['name']!r} is not the one that {checkpoint} was trained with"
        f" as {name!r} (sha256 {entry['sha256'][:16]}...): the file was changed or replaced"
    )
