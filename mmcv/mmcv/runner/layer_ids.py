"""Which layer a parameter belongs to, by its name: the arithmetic behind layer-wise learning rates.

Every rule takes ``(name, num_layers, depths)`` and returns a number from 0 (nearest to the image)
to ``num_layers + 1`` (heads and everything else outside the backbone's layers). ``depths`` are the
numbers of blocks per stage; only hierarchical backbones with one layer per block need them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mmcv.registry import ConfigError

LayerRule = Callable[[str, int, Sequence[int]], int]

EMBEDDINGS = (
    "backbone.cls_token",
    "backbone.mask_token",
    "backbone.pos_embed",
    "backbone.absolute_pos_embed",
)


def vit_layer(name: str, num_layers: int, depths: Sequence[int] = ()) -> int:
    """Plain transformers: embeddings 0, block i gets i + 1."""
    # Composite backbones hold their parts in cb_modules; some hold their blocks in levels.
    plain = name.replace("cb_modules.0.", "").replace("cb_modules.1.", "")
    plain = plain.replace("levels.", "layers.")
    if plain in EMBEDDINGS or plain.startswith(("backbone.visual_embed", "backbone.patch_embed")):
        return 0
    if plain.startswith(("backbone.blocks", "backbone.layers")):
        return _checked(int(plain.split(".")[2]) + 1, name, num_layers)
    return num_layers + 1


def convnext_layer(name: str, num_layers: int, depths: Sequence[int] = ()) -> int:
    """ConvNeXt: stages 1, 2 and 4 are a layer each, in stage 3 three blocks make one."""
    if name in EMBEDDINGS:
        return 0
    downsample = _number_after("backbone.downsample_layers.", name)
    if downsample is not None:
        return (0, 2, 3, num_layers)[downsample]
    stage = _number_after("backbone.stages.", name)
    if stage is None:
        return num_layers + 1
    block = int(name.split(".")[3])
    return (1, 2, 3 + block // 3, num_layers)[stage]


def convnext_stage(name: str, num_layers: int, depths: Sequence[int] = ()) -> int:
    """ConvNeXt by stages: the stem and all down-sampling layers are 0, stage i is i + 1."""
    if name in EMBEDDINGS or name.startswith("backbone.downsample_layers"):
        return 0
    stage = _number_after("backbone.stages.", name)
    return num_layers + 1 if stage is None else stage + 1


def swin_layer(name: str, num_layers: int, depths: Sequence[int]) -> int:
    """Swin block by block; the merging layer behind a stage goes with the stage's last block."""
    if name in EMBEDDINGS or name.startswith("backbone.patch_embed"):
        return 0
    stage = _number_after("backbone.stages.", name)
    if stage is None:
        return num_layers + 1
    block = _number_after(f"backbone.stages.{stage}.blocks.", name)
    before = sum(depths[:stage])
    return _checked(before + (depths[stage] if block is None else block + 1), name, num_layers)


def swin_stage(name: str, num_layers: int, depths: Sequence[int] = ()) -> int:
    """Swin by stages: embeddings 0, stage i with the merging layer behind it i + 1."""
    if name in EMBEDDINGS or name.startswith("backbone.patch_embed"):
        return 0
    stage = _number_after("backbone.stages.", name)
    return num_layers + 1 if stage is None else stage + 1


# decay_type -> part of the backbone's class name -> rule
RULES: dict[str, dict[str, LayerRule]] = {
    "layer_wise": {
        "ConvNeXt": convnext_layer,
        "BEiT": vit_layer,
        "MAE": vit_layer,
        "VisionTransformer": vit_layer,
        "InternViT": vit_layer,
        "Swin": swin_layer,
    },
    "stage_wise": {"ConvNeXt": convnext_stage, "Swin": swin_stage},
}


def find_rule(decay_type: str, backbone: str) -> LayerRule:
    """Returns the rule for a ``decay_type`` and the class name of a backbone."""
    # As in 1.x a type that only contains it will do (layer_wise_vit).
    kind = "layer_wise" if "layer_wise" in decay_type else decay_type
    if kind not in RULES:
        possible = ", ".join(RULES)
        raise ConfigError(f"paramwise_cfg.decay_type: {decay_type!r} is not one of {possible}")
    for family, rule in RULES[kind].items():
        if family in backbone:
            return rule
    raise ConfigError(
        f"paramwise_cfg.decay_type={kind!r} is not known for a backbone of type {backbone}"
        f" (possible: {', '.join(RULES[kind])})"
    )


def _number_after(prefix: str, name: str) -> int | None:
    return int(name[len(prefix) :].split(".")[0]) if name.startswith(prefix) else None


def _checked(layer: int, name: str, num_layers: int) -> int:
    if layer > num_layers:
        raise ConfigError(
            f"paramwise_cfg.num_layers={num_layers}, but the backbone has more layers: {name}"
        )
    return layer
