"""Layer-wise learning rates: groups, rates and decay against the published arithmetic."""

from __future__ import annotations

import json
import logging

import pytest
import torch
from torch import nn

from mmcv.registry import ConfigError
from mmcv.runner.layer_decay import (
    CustomLayerDecayOptimizerConstructor,
    LayerDecayOptimizerConstructor,
    LearningRateDecayOptimizerConstructor,
)

LR, WD = 4e-5, 0.05
ADAMW = dict(type="AdamW", lr=LR, betas=(0.9, 0.999), weight_decay=WD)


class InternViT(nn.Module):
    def __init__(self, depth=4, blocks="blocks"):
        super().__init__()
        self.cls_token = nn.Parameter(torch.zeros(1, 1, 2))
        self.pos_embed = nn.Parameter(torch.zeros(1, 5, 2))
        self.patch_embed = nn.Conv2d(3, 2, 2)
        setattr(self, blocks, nn.ModuleList(nn.Linear(2, 2) for _ in range(depth)))
        self.up1 = nn.Linear(2, 2)


class Segmentor(nn.Module):
    def __init__(self, backbone):
        super().__init__()
        self.backbone = backbone
        self.decode_head = nn.Linear(2, 2)


def custom(model, **paramwise):
    paramwise = dict(num_layers=4, layer_decay_rate=0.5, **paramwise)
    return CustomLayerDecayOptimizerConstructor(ADAMW, paramwise)(model).param_groups


def test_custom_layer_decay_makes_two_groups_per_layer():
    model = Segmentor(InternViT())
    groups = {group["group_name"]: group for group in custom(model)}
    params = dict(model.named_parameters())
    assert [p.shape for p in groups["layer_5_decay"]["params"]] == [(2, 2), (2, 2)]
    expected = {
        # position embedding and class token have weight decay, as in the published runs
        "layer_0_decay": ["cls_token", "pos_embed", "patch_embed.weight"],
        "layer_0_no_decay": ["patch_embed.bias"],
        **{f"layer_{i + 1}_decay": [f"blocks.{i}.weight"] for i in range(4)},
        **{f"layer_{i + 1}_no_decay": [f"blocks.{i}.bias"] for i in range(4)},
        "layer_5_decay": ["up1.weight", "decode_head.weight"],
        "layer_5_no_decay": ["up1.bias", "decode_head.bias"],
    }
    assert groups.keys() == expected.keys()
    for key, names in expected.items():
        names = [name if "decode_head" in name else f"backbone.{name}" for name in names]
        layer, group = int(key.split("_")[1]), groups[key]
        assert group["param_names"] == names
        assert all(p is params[n] for p, n in zip(group["params"], names, strict=True))
        assert group["lr_scale"] == 0.5 ** (5 - layer)
        assert group["lr"] == pytest.approx(LR * 0.5 ** (5 - layer))
        assert group["weight_decay"] == (0.0 if key.endswith("no_decay") else WD)
        assert group["betas"] == (0.9, 0.999)


def test_groups_come_in_the_order_of_the_parameters():
    names = [group["group_name"] for group in custom(Segmentor(InternViT(depth=1)))]
    assert names == [
        "layer_0_decay",
        "layer_0_no_decay",
        "layer_1_decay",
        "layer_1_no_decay",
        "layer_5_decay",
        "layer_5_no_decay",
    ]


def test_rates_of_the_published_recipe():
    paramwise = dict(num_layers=48, layer_decay_rate=0.95)
    model = Segmentor(InternViT(depth=48))
    groups = CustomLayerDecayOptimizerConstructor(ADAMW, paramwise)(model).param_groups
    scale = {group["group_name"]: group["lr_scale"] for group in groups}
    assert scale["layer_0_decay"] == pytest.approx(0.95**49)
    assert scale["layer_0_decay"] == pytest.approx(0.081, abs=5e-4)
    assert scale["layer_48_decay"] == pytest.approx(0.95)
    assert scale["layer_49_decay"] == 1.0


def test_names_can_be_exempt_from_decay():
    groups = custom(Segmentor(InternViT()), no_decay_names=("pos_embed", "cls_token"))
    exempt = [
        name for group in groups if not group["weight_decay"] for name in group["param_names"]
    ]
    assert {"backbone.pos_embed", "backbone.cls_token"} < set(exempt)
    assert "backbone.patch_embed.weight" not in exempt


def test_frozen_parameters_have_no_group():
    model = Segmentor(InternViT())
    model.backbone.requires_grad_(False)
    names = [group["param_names"] for group in custom(model)]
    assert names == [["decode_head.weight"], ["decode_head.bias"]]


@pytest.mark.parametrize("prefix", ["", "cb_modules.0.", "cb_modules.1."])
def test_composite_backbones_and_levels_are_understood(prefix):
    backbone = InternViT(depth=2, blocks="levels")
    for part in filter(None, reversed(prefix.split("."))):
        outer = nn.Module()
        outer.add_module(part, backbone)
        backbone = outer
    groups = custom(Segmentor(backbone))
    of_name = {name: group["lr_scale"] for group in groups for name in group["param_names"]}
    assert of_name[f"backbone.{prefix}levels.1.weight"] == 0.5**3
    assert of_name[f"backbone.{prefix}pos_embed"] == 0.5**5


def test_the_groups_are_logged_as_json(caplog):
    with caplog.at_level(logging.INFO, logger="mmcv"):
        custom(Segmentor(InternViT(depth=1)))
    (text,) = [r.getMessage() for r in caplog.records if "Param groups" in r.getMessage()]
    shown = json.loads(text.partition("=")[2])
    assert shown["layer_5_decay"] == {
        "weight_decay": WD,
        "param_names": ["backbone.up1.weight", "decode_head.weight"],
        "lr_scale": 1.0,
        "lr": LR,
    }


def test_too_few_layers_are_an_error():
    with pytest.raises(ConfigError, match=r"num_layers=4, but .*backbone\.blocks\.4\.weight"):
        custom(Segmentor(InternViT(depth=5)))


class ConvNeXt(nn.Module):
    depths = (3, 3, 9, 3)

    def __init__(self):
        super().__init__()
        self.downsample_layers = nn.ModuleList(nn.Linear(2, 2) for _ in self.depths)
        self.stages = nn.ModuleList(
            nn.ModuleList(nn.Linear(2, 2) for _ in range(depth)) for depth in self.depths
        )
        self.norm0 = nn.LayerNorm(2)


class SwinStage(nn.Module):
    def __init__(self, depth):
        super().__init__()
        self.blocks = nn.ModuleList(nn.Linear(2, 2) for _ in range(depth))
        self.downsample = nn.Linear(2, 2)


class SwinTransformer(nn.Module):
    def __init__(self):
        super().__init__()
        self.patch_embed = nn.Conv2d(3, 2, 2)
        self.stages = nn.ModuleList(SwinStage(depth) for depth in (2, 1))
        self.norm1 = nn.LayerNorm(2)


class BEiT(InternViT):
    def __init__(self):
        super().__init__(depth=3, blocks="layers")


class MAE(BEiT):
    pass


def layers_of(model, constructor=LearningRateDecayOptimizerConstructor, **paramwise):
    groups = constructor(dict(type="AdamW", lr=1.0, weight_decay=WD), paramwise)(model).param_groups
    for group in groups:
        assert group["lr"] == group["lr_scale"]
        assert group["weight_decay"] == (0.0 if group["group_name"].endswith("no_decay") else WD)
    return {
        name: int(group["group_name"].split("_")[1])
        for group in groups
        for name in group["param_names"]
        if name.endswith("weight")
    }, {int(group["group_name"].split("_")[1]): group["lr_scale"] for group in groups}


def test_convnext_by_layers():
    layers, scale = layers_of(Segmentor(ConvNeXt()), num_layers=12, decay_rate=2)
    for stage, expected in enumerate(([1] * 3, [2] * 3, [3, 3, 3, 4, 4, 4, 5, 5, 5], [12] * 3)):
        found = [layers[f"backbone.stages.{stage}.{i}.weight"] for i in range(len(expected))]
        assert found == expected
    found = [layers[f"backbone.downsample_layers.{i}.weight"] for i in range(4)]
    assert found == [0, 2, 3, 12]
    assert layers["decode_head.weight"] == layers["backbone.norm0.weight"] == 13
    assert scale == {layer: 2 ** (13 - layer) for layer in scale}


def test_convnext_by_stages():
    layers, scale = layers_of(
        Segmentor(ConvNeXt()), num_layers=6, decay_rate=2, decay_type="stage_wise"
    )
    assert {layers[f"backbone.downsample_layers.{i}.weight"] for i in range(4)} == {0}
    assert [layers[f"backbone.stages.{i}.0.weight"] for i in range(4)] == [1, 2, 3, 4]
    assert layers["decode_head.weight"] == 7
    assert scale == {layer: 2 ** (7 - layer) for layer in scale}


@pytest.mark.parametrize("backbone", [BEiT, MAE])
def test_transformers_by_layers(backbone):
    layers, scale = layers_of(Segmentor(backbone()), num_layers=3, decay_rate=2)
    assert layers["backbone.patch_embed.weight"] == 0
    assert [layers[f"backbone.layers.{i}.weight"] for i in range(3)] == [1, 2, 3]
    assert layers["decode_head.weight"] == 4
    assert scale == {layer: 2 ** (4 - layer) for layer in scale}


def test_swin_by_layers_and_by_stages():
    model = Segmentor(SwinTransformer())
    layers, _ = layers_of(model, num_layers=3, decay_rate=0.9)
    assert layers == {
        "backbone.patch_embed.weight": 0,
        "backbone.stages.0.blocks.0.weight": 1,
        "backbone.stages.0.blocks.1.weight": 2,
        "backbone.stages.0.downsample.weight": 2,
        "backbone.stages.1.blocks.0.weight": 3,
        "backbone.stages.1.downsample.weight": 3,
        "backbone.norm1.weight": 4,
        "decode_head.weight": 4,
    }
    layers, _ = layers_of(model, num_layers=2, decay_rate=0.9, decay_type="stage_wise")
    assert layers["backbone.stages.0.downsample.weight"] == 1
    assert layers["backbone.stages.1.blocks.0.weight"] == 2
    assert layers["decode_head.weight"] == 3


def test_the_deprecated_name_says_what_to_use_instead(caplog):
    old = layers_of(
        Segmentor(BEiT()), LayerDecayOptimizerConstructor, num_layers=3, layer_decay_rate=2
    )
    assert old == layers_of(Segmentor(BEiT()), num_layers=3, decay_rate=2)
    assert "use LearningRateDecayOptimizerConstructor" in caplog.text


@pytest.mark.parametrize(
    ("paramwise_cfg", "message"),
    [
        (dict(decay_rate=0.9), "needs the key 'num_layers'"),
        (dict(num_layers=3), "needs the key 'decay_rate'"),
        (dict(num_layers=3, decay_rte=1), "unexpected key 'decay_rte'; did you mean 'decay_rate'"),
        (dict(num_layers=3, decay_rate=1, decay_type="stagewise"), "'stagewise' is not one of"),
        (dict(num_layers=3, decay_rate=1, decay_type="stage_wise"), "not known for .* type BEiT"),
    ],
)
def test_wrong_options_are_named(paramwise_cfg, message):
    with pytest.raises(ConfigError, match=message):
        LearningRateDecayOptimizerConstructor(ADAMW, paramwise_cfg)(Segmentor(BEiT()))
