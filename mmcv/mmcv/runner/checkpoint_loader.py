"""Where checkpoints come from: files, DeepSpeed directories and URLs, chosen by prefix."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import torch
import torch.distributed as dist
from torch import Tensor

from mmcv.runner.dist_utils import get_dist_info, is_distributed
from mmcv.runner.files import CheckpointError, read_file

Loader = Callable[..., Any]


class CheckpointLoader:
    """Chooses a function by the beginning of a file name; users may register their own."""

    _schemes: dict[str, Loader] = {}

    @classmethod
    def register_scheme(
        cls, prefixes: str | list[str] | tuple[str, ...], loader: Loader | None = None, force=False
    ) -> Any:
        """Registers ``loader(filename, map_location)``, directly or as a decorator.

        Args:
            prefixes: such as ``"s3://"``; the longest one that fits wins.
            loader: reads a checkpoint.
            force: replace a loader of the same prefix.
        """

        def register(loader: Loader) -> Loader:
            for prefix in [prefixes] if isinstance(prefixes, str) else prefixes:
                if prefix in cls._schemes and not force:
                    raise KeyError(
                        f"{prefix} is already registered as a loader backend, add force=True to"
                        " replace it"
                    )
                cls._schemes[prefix] = loader
            return loader

        return register(loader) if loader is not None else register

    @classmethod
    def _get_checkpoint_loader(cls, path: str) -> Loader:
        fitting = [prefix for prefix in cls._schemes if path.startswith(prefix)]
        return cls._schemes[max(fitting, key=len)]

    @classmethod
    def load_checkpoint(
        cls, filename: str, map_location: Any = None, logger: logging.Logger | None = None
    ) -> Any:
        """Returns the checkpoint behind ``filename``.

        Args:
            filename: path, URL, or another registered prefix.
            map_location: as for ``torch.load``.
            logger: told where the checkpoint comes from.
        """
        loader = cls._get_checkpoint_loader(filename)
        if get_dist_info()[0] == 0:
            log = logger or logging.getLogger(__name__)
            log.info("load checkpoint from %s path: %s", loader.__name__[10:], filename)
        return loader(filename, map_location)


@CheckpointLoader.register_scheme(prefixes="")
def load_from_local(filename: str, map_location: Any = None) -> Any:
    """Reads a file, a DeepSpeed directory or a Hugging Face folder; ``~`` is the home folder."""
    from mmcv.runner.external import join_external
    from mmcv.runner.zero.directory import MODEL_FILE, read_directory
    from mmcv.weights.folder import is_weights_folder, read_folder

    path = Path(filename).expanduser()
    if is_weights_folder(path):
        return {"state_dict": read_folder(path)}
    # A folder's model file may have its frozen weights in a file beside it.
    if path.is_dir() or (path.name == MODEL_FILE and path.exists()):
        return join_external(read_directory(path), "module", path)
    return join_external(read_file(path, map_location), "state_dict", path)


@CheckpointLoader.register_scheme(prefixes=("http://", "https://"))
def load_from_http(filename: str, map_location: Any = None, model_dir: str | None = None) -> Any:
    """Downloads once (rank 0 of each run) into torch's cache, then reads the file."""
    folder = Path(model_dir or Path(torch.hub.get_dir()) / "checkpoints")
    target = folder / Path(urlparse(filename).path).name
    if get_dist_info()[0] == 0 and not target.exists():
        folder.mkdir(parents=True, exist_ok=True)
        torch.hub.download_url_to_file(filename, str(target))
    if is_distributed():
        dist.barrier()
    return read_file(target, map_location)


@CheckpointLoader.register_scheme(prefixes="hf://")
def load_from_huggingface(filename: str, map_location: Any = None) -> Any:
    """Downloads once per machine into Hugging Face's cache: ``hf://OWNER/REPO[@REVISION]``."""
    from mmcv.weights.reading import load_from_hub

    return load_from_hub(filename, map_location)


@CheckpointLoader.register_scheme(prefixes=("modelzoo://", "torchvision://"))
def load_from_torchvision(filename: str, map_location: Any = None) -> Any:
    """Reads ImageNet weights of torchvision's models, such as ``torchvision://resnet50``."""
    from torchvision.models import get_model_weights

    name = filename.split("://", 1)[1]
    try:
        weights = get_model_weights(name)["IMAGENET1K_V1"]  # type: ignore[index]
    except (ValueError, KeyError) as error:
        raise CheckpointError(f"{filename}: torchvision has no weights of that name") from error
    return load_from_http(weights.url, map_location)


@CheckpointLoader.register_scheme(prefixes=("open-mmlab://", "openmmlab://", "mmcls://"))
def load_from_openmmlab(filename: str, map_location: Any = None) -> Any:
    """Explains that the host of these names is gone."""
    raise CheckpointError(
        f"{filename}: the download server of OpenMMLab no longer exists; give the path of a copy"
        " (torchvision://resnet50 and https:// addresses work)"
    )


def find_weights(checkpoint: Mapping[str, Any]) -> Mapping[str, Tensor]:
    """Returns the weights in a checkpoint: under ``state_dict``, ``module``, ``model``, or bare."""
    for key in ("state_dict", "module", "model"):
        if isinstance(checkpoint.get(key), Mapping):
            return checkpoint[key]
    return checkpoint
