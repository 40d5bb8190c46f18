"""Names of InternViT's tensors in the three layouts that its weights are published in.

``original``: the ``.pth`` files that this project's configs name. ``internvl``: Hugging Face
repositories with custom code, such as OpenGVLab/InternViT-6B-448px-V1-0. ``transformers``: those
that transformers' own InternVL classes read; queries, keys and values are separate tensors there.

Legend: C channels, L blocks.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from mmcv.registry import ConfigError

logger = logging.getLogger(__name__)

# Original name -> name in the layout. Those of blocks come without their ``blocks.N.``.
_INTERNVL_STEM = {
    "cls_token": "embeddings.class_embedding",
    "pos_embed": "embeddings.position_embedding",
    "patch_embed.proj": "embeddings.patch_embedding",
}
_TRANSFORMERS_STEM = {
    "cls_token": "embeddings.cls_token",
    "pos_embed": "embeddings.position_embeddings",
    "patch_embed.proj": "embeddings.patch_embeddings.projection",
}
_TRANSFORMERS_BLOCK = {
    "norm1": "layernorm_before",
    "norm2": "layernorm_after",
    "attn.q_norm": "attention.q_norm",
    "attn.k_norm": "attention.k_norm",
    "attn.proj": "attention.projection_layer",
    "ls1.gamma": "lambda_1",
    "ls2.gamma": "lambda_2",
}


class Layout(NamedTuple):
    """How a layout names things.

    Attributes:
        blocks: what stands before the number of a block.
        stem: original name -> own name, outside of blocks.
        block: the same within blocks; other names are equal.
        qkv: names of queries, keys and values where they are separate tensors.
    """

    blocks: str
    stem: Mapping[str, str]
    block: Mapping[str, str]
    qkv: tuple[str, str, str] | None = None


LAYOUTS = {
    "original": Layout("blocks.", {name: name for name in _INTERNVL_STEM}, {}),
    "internvl": Layout("encoder.layers.", _INTERNVL_STEM, {"ls1.gamma": "ls1", "ls2.gamma": "ls2"}),
    "transformers": Layout(
        "encoder.layer.",
        _TRANSFORMERS_STEM,
        _TRANSFORMERS_BLOCK,
        qkv=("attention.q_proj", "attention.k_proj", "attention.v_proj"),
    ),
}


class Found(NamedTuple):
    """Where the vision transformer of a checkpoint is: layout and prefix of its names."""

    layout: str
    prefix: str


def find_layout(names: Iterable[str]) -> Found | None:
    """Returns the layout of a state dict and the prefix of the ViT's names in it.

    Args:
        names: of tensors; ``vision_model.``, ``model.vision_tower.``, ``backbone.`` and the like
            may stand before those of the ViT.

    Raises:
        ConfigError: there are several vision transformers.
    """
    found = find_layouts(names)
    if len(found) > 1:
        raise ConfigError(
            "the checkpoint has several vision transformers:"
            f" {', '.join(repr(f.prefix) for f in found)}"
        )
    return found[0] if found else None


def find_layouts(names: Iterable[str]) -> list[Found]:
    """Returns all vision transformers of a state dict."""
    names = list(names)
    found = []
    for layout, table in LAYOUTS.items():
        anchor = table.stem["patch_embed.proj"] + ".weight"
        ends = [name for name in names if name == anchor or name.endswith("." + anchor)]
        found += [Found(layout, name[: -len(anchor)]) for name in ends]
    return found


def to_intern_vit_keys(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Returns the weights of the vision transformer under the original's names.

    Tensors are not copied, except that separate queries, keys and values are joined. What is not
    part of the ViT (a language model, a decode head) is left out if the ViT's names have a prefix.
    A state dict in no known layout is returned as it is.

    Args:
        weights: in any layout of ``LAYOUTS``.

    Raises:
        ConfigError: a part of queries, keys and values is missing.
    """
    found = find_layout(weights)
    if found is None:
        return dict(weights)
    own = {
        k.removeprefix(found.prefix): v for k, v in weights.items() if k.startswith(found.prefix)
    }
    if len(own) < len(weights):
        left_out = sorted({k.split(".")[0] for k in weights if not k.startswith(found.prefix)})
        logger.info(
            "%d tensors outside of %r are not used: %s",
            len(weights) - len(own),
            found.prefix,
            ", ".join(left_out),
        )
    table = LAYOUTS[found.layout]
    stem = {theirs: ours for ours, theirs in table.stem.items()}
    block = {theirs: ours for ours, theirs in table.block.items()}
    renamed: dict[str, Tensor] = {}
    for name, value in _join_qkv(own, table).items():
        number, rest = _split(name, table.blocks)
        if number is None:
            renamed[_rename(rest, stem)] = value
        else:
            renamed[f"blocks.{number}.{_rename(rest, block)}"] = value
    return renamed


def from_intern_vit_keys(weights: Mapping[str, Tensor], layout: str) -> dict[str, Tensor]:
    """Returns the weights under the names of another layout; the inverse of the above.

    Args:
        weights: of a vision transformer, under the original's names.
        layout: one of ``LAYOUTS``.
    """
    if layout not in LAYOUTS:
        raise ConfigError(f"layout must be one of {', '.join(LAYOUTS)}, but is {layout!r}")
    table = LAYOUTS[layout]
    renamed: dict[str, Tensor] = {}
    for name, value in weights.items():
        number, rest = _split(name, "blocks.")
        if number is None:
            renamed[_rename(rest, table.stem)] = value
        elif table.qkv and rest.startswith("attn.qkv."):
            parts = zip(table.qkv, value.chunk(3), strict=True)
            kind = rest.rsplit(".", 1)[1]
            renamed |= {f"{table.blocks}{number}.{part}.{kind}": v for part, v in parts}
        else:
            renamed[f"{table.blocks}{number}.{_rename(rest, table.block)}"] = value
    return renamed


def is_vit_key(name: str) -> bool:
    """Whether the original's plain ViT has a tensor of this name (pyramids and heads have not)."""
    number, rest = _split(name, "blocks.")
    starts = ("norm1.", "norm2.", "attn.", "mlp.", "ls1.", "ls2.") if number else _INTERNVL_STEM
    return rest.startswith(tuple(starts))


def depth_of(weights: Iterable[str]) -> int:
    """Returns L, of weights under the original's names."""
    numbers = [number for name in weights if (number := _split(name, "blocks.")[0]) is not None]
    return max((int(number) + 1 for number in numbers), default=0)


def _split(name: str, blocks: str) -> tuple[str | None, str]:
    """Returns the number of the block, None outside of blocks, and the rest of the name."""
    match = re.match(rf"{re.escape(blocks)}(\d+)\.(.+)", name)
    return (match[1], match[2]) if match else (None, name)


def _rename(name: str, table: Mapping[str, str]) -> str:
    """Replaces the module's part of a name: exactly, or before ``.weight`` and ``.bias``."""
    if name in table:
        return table[name]
    module, _, kind = name.rpartition(".")
    return f"{table[module]}.{kind}" if module in table else name


def _join_qkv(weights: Mapping[str, Tensor], table: Layout) -> dict[str, Tensor]:
    """Replaces separate queries, keys and values by one tensor each, (3C, C) or (3C,)."""
    if table.qkv is None:
        return dict(weights)
    query, *others = table.qkv
    joined: dict[str, Tensor] = {}
    for name, value in weights.items():
        if f".{query}." in name:
            names = [name, *(name.replace(query, other) for other in others)]
            missing = [part for part in names if part not in weights]
            if missing:
                raise ConfigError(f"the checkpoint has {name}, but not {missing[0]}")
            joined[name.replace(query, "attn.qkv")] = torch.cat([weights[part] for part in names])
        elif not any(f".{other}." in name for other in others):
            joined[name] = value
    return joined
