"""One function for every place where weights may be, and the check that they are of this model."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from mmcv.registry import ConfigError
from mmcv.weights.folder import read_folder
from mmcv.weights.hub import download
from mmcv.weights.layouts import depth_of, find_layouts, to_intern_vit_keys

logger = logging.getLogger(__name__)

# Depth -> what is published with it.
PUBLISHED = {
    48: "InternViT-6B-224px, configs/intern_vit_6b",
    45: "InternViT-6B-448px (V1-0, V1-2, V1-5, V2.5), configs/intern_vit_6b_448px_*",
    24: "InternViT-300M-448px, configs/intern_vit_300m_448px",
}


def read_weights(source: str | Path) -> dict[str, Tensor]:
    """Reads the tensors of a checkpoint under the names they are stored with.

    Args:
        source: file, DeepSpeed directory, folder of a Hugging Face repository,
            ``hf://OWNER/REPO``, or a URL.
    """
    from mmcv.runner.checkpoint_loader import CheckpointLoader, find_weights

    content: Any = CheckpointLoader.load_checkpoint(str(source), "cpu")
    weights = find_weights(content)
    return {k.removeprefix("module."): v for k, v in weights.items() if isinstance(v, Tensor)}


def load_from_hub(address: str, map_location: Any = None) -> dict[str, Any]:
    """Reads ``hf://...``: the loader that ``CheckpointLoader`` has for this prefix."""
    from mmcv.runner.files import read_file

    target = download(address)
    return read_file(target) if target.is_file() else {"state_dict": read_folder(target)}


def fit_keys(weights: Mapping[str, Tensor], model_keys: Any) -> Mapping[str, Tensor]:
    """Renames weights in a layout of Hugging Face to what a model of ours calls them.

    Args:
        weights: of a checkpoint.
        model_keys: names of the model's state dict, of a bare ViT or with ``backbone.``.

    Returns:
        ``weights`` itself unless its names are Hugging Face's.
    """
    foreign = [found for found in find_layouts(weights) if found.layout != "original"]
    if len(foreign) != 1:
        return weights
    prefix = "backbone." if any(key.startswith("backbone.") for key in model_keys) else ""
    return {prefix + key: value for key, value in to_intern_vit_keys(weights).items()}


def check_depth(weights: Mapping[str, Tensor], depth: int, source: str | Path, key: str) -> None:
    """Compares the number of blocks in a checkpoint with the config's.

    Args:
        weights: under the original's names.
        depth: of the config.
        source: where the weights are from.
        key: config key that says so, such as ``model.backbone.pretrained``.

    Raises:
        ConfigError: the checkpoint has fewer blocks than the model.
    """
    given = depth_of(weights)
    if given == 0 or given == depth:
        return
    known = f" ({PUBLISHED[given]})" if given in PUBLISHED else ""
    text = f"{key}: {source} has {given} blocks{known}, but the config has depth = {depth}"
    if given > depth:
        logger.warning("%s: the last %d blocks are not used", text, given - depth)
        return
    raise ConfigError(
        f"{text}: {depth - given} blocks would stay random. Set model.backbone.depth={given},"
        f" out_indices up to {given - 1} and optimizer.paramwise_cfg.num_layers={given}, or take"
        " the config made for these weights"
    )
