"""Writes a vision transformer as a folder that Hugging Face's libraries read."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from mmcv.registry import ConfigError
from mmcv.weights.layouts import depth_of, from_intern_vit_keys

GIGABYTE = 10**9
# Width -> heads of the published models; weights do not tell.
HEADS = {3200: 25, 1024: 16}
# What transformers and the custom code call the same settings.
NAMES = {
    "internvl": dict(qkv_bias="qkv_bias", qk_normalization="qk_normalization"),
    "transformers": dict(qkv_bias="attention_bias", qk_normalization="use_qk_norm"),
}
MODELS = {
    "internvl": dict(architectures=["InternVisionModel"], model_type="intern_vit_6b"),
    "transformers": dict(architectures=["InternVLVisionModel"], model_type="internvl_vision"),
}


def describe(weights: Mapping[str, Tensor], num_heads: int | None = None) -> dict[str, Any]:
    """Returns the settings of ``InternViT6B`` that fit given weights.

    Args:
        weights: under the original's names.
        num_heads: must be given unless the width is that of a published model.

    Raises:
        ConfigError: these are no such weights, or the heads are not known.
    """
    missing = {"patch_embed.proj.weight", "pos_embed", "blocks.0.mlp.fc1.weight"} - weights.keys()
    if missing:
        raise ConfigError(f"no vision transformer: there is no {sorted(missing)[0]}")
    kernel = weights["patch_embed.proj.weight"]
    width = kernel.shape[0]
    heads = num_heads or HEADS.get(width)
    if heads is None:
        raise ConfigError(f"the number of heads of a ViT of width {width} must be given")
    first = "blocks.0."
    return {
        "embed_dim": width,
        "depth": depth_of(weights),
        "num_heads": heads,
        "mlp_ratio": weights[f"{first}mlp.fc1.weight"].shape[0] / width,
        "patch_size": kernel.shape[-1],
        "img_size": math.isqrt(weights["pos_embed"].shape[1] - 1) * kernel.shape[-1],
        "qkv_bias": f"{first}attn.qkv.bias" in weights,
        "qk_normalization": f"{first}attn.q_norm.weight" in weights,
        "norm_type": "layer_norm" if f"{first}norm1.bias" in weights else "rms_norm",
    }


def write_folder(
    folder: str | Path,
    weights: Mapping[str, Tensor],
    layout: str,
    *,
    num_heads: int | None = None,
    shard_bytes: int = 5 * GIGABYTE,
) -> list[Path]:
    """Writes ``*.safetensors``, their index and ``config.json``.

    Args:
        folder: made if it does not exist.
        weights: under the original's names.
        layout: ``internvl`` or ``transformers``.
        num_heads: see ``describe``.
        shard_bytes: size at which a new file is begun.

    Returns:
        The files of weights.
    """
    from safetensors.torch import save_file

    folder = Path(folder)
    settings = describe(weights, num_heads)
    folder.mkdir(parents=True, exist_ok=True)
    shards = _split(from_intern_vit_keys(weights, layout), shard_bytes)
    names = _shard_names(len(shards))
    for name, shard in zip(names, shards, strict=True):
        tensors = {key: value.contiguous() for key, value in shard.items()}
        save_file(tensors, folder / name, metadata={"format": "pt"})
    if len(shards) > 1:
        sizes = [_bytes(value) for shard in shards for value in shard.values()]
        index = {
            "metadata": {"total_size": sum(sizes)},
            "weight_map": {k: n for n, s in zip(names, shards, strict=True) for k in s},
        }
        _write_json(folder / "model.safetensors.index.json", index)
    _write_json(folder / "config.json", _config(settings, weights, layout))
    return [folder / name for name in names]


def _config(
    settings: Mapping[str, Any], weights: Mapping[str, Tensor], layout: str
) -> dict[str, Any]:
    """Returns the ``config.json`` of the layout."""
    names = NAMES[layout]
    return {
        **MODELS[layout],
        "hidden_size": settings["embed_dim"],
        "num_hidden_layers": settings["depth"],
        "num_attention_heads": settings["num_heads"],
        "intermediate_size": weights["blocks.0.mlp.fc1.weight"].shape[0],
        "image_size": settings["img_size"],
        "patch_size": settings["patch_size"],
        "norm_type": settings["norm_type"],
        "layer_norm_eps": 1e-6,
        "hidden_act": "gelu",
        names["qkv_bias"]: settings["qkv_bias"],
        names["qk_normalization"]: settings["qk_normalization"],
        "dtype": str(weights["pos_embed"].dtype).removeprefix("torch."),
    }


def _split(weights: Mapping[str, Tensor], shard_bytes: int) -> list[dict[str, Tensor]]:
    shards: list[dict[str, Tensor]] = [{}]
    size = 0
    for name, value in weights.items():
        if shards[-1] and size + _bytes(value) > shard_bytes:
            shards.append({})
            size = 0
        shards[-1][name] = value
        size += _bytes(value)
    return shards


def _shard_names(count: int) -> list[str]:
    if count == 1:
        return ["model.safetensors"]
    return [f"model-{i:05d}-of-{count:05d}.safetensors" for i in range(1, count + 1)]


def _bytes(value: Tensor) -> int:
    return value.numel() * value.element_size()


def _write_json(file: Path, content: Any) -> None:
    file.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
