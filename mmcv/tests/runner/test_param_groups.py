"""The config's optimizer section."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from mmcv.registry import OPTIMIZER_BUILDERS, OPTIMIZERS, ConfigError
from mmcv.runner.param_groups import (
    TORCH_OPTIMIZERS,
    build_optimizer,
    build_optimizer_constructor,
)


def test_every_torch_optimizer_is_registered():
    known = {"SGD", "Adam", "AdamW", "Adagrad", "RMSprop", "LBFGS", "NAdam", "RAdam", "SparseAdam"}
    assert known <= set(TORCH_OPTIMIZERS)
    assert all(OPTIMIZERS.get(name) is getattr(torch.optim, name) for name in TORCH_OPTIMIZERS)


def test_constructors_are_registered():
    for name in (
        "DefaultOptimizerConstructor",
        "CustomLayerDecayOptimizerConstructor",
        "LearningRateDecayOptimizerConstructor",
        "LayerDecayOptimizerConstructor",
    ):
        assert OPTIMIZER_BUILDERS.get(name).__name__ == name


def test_build_optimizer_leaves_the_config_alone():
    cfg = dict(type="AdamW", lr=1e-3, paramwise_cfg=dict(bias_lr_mult=2.0))
    before = dict(cfg, paramwise_cfg=dict(cfg["paramwise_cfg"]))
    optimizer = build_optimizer(nn.Linear(2, 2), cfg)
    assert cfg == before
    assert isinstance(optimizer, torch.optim.AdamW)
    assert [group["lr"] for group in optimizer.param_groups] == [1e-3, 2e-3]


def test_build_optimizer_constructor_takes_a_class_name():
    cfg = dict(type="DefaultOptimizerConstructor", optimizer_cfg=dict(type="SGD", lr=0.1))
    optimizer = build_optimizer_constructor(cfg)(nn.Linear(2, 2))
    assert isinstance(optimizer, torch.optim.SGD)


@pytest.mark.parametrize(
    ("cfg", "message"),
    [
        (dict(type="AdmW", lr=1), "optimizer: 'AdmW' is not a registered .*did you mean 'AdamW'"),
        (dict(type="AdamW", lrr=1), "optimizer: AdamW got an unexpected key 'lrr'"),
        (
            dict(type="AdamW", lr=1, constructor="CustomLayerDecay"),
            "optimizer: 'CustomLayerDecay' is not a registered optimizer constructor",
        ),
        (
            dict(type="AdamW", lr=1, paramwise_cfg=dict(norm_decay=0)),
            "optimizer: paramwise_cfg got an unexpected key 'norm_decay'",
        ),
    ],
)
def test_errors_name_the_section_and_the_key(cfg, message):
    with pytest.raises(ConfigError, match=message):
        build_optimizer(nn.Linear(2, 2), cfg)


def test_a_model_without_trainable_parameters_is_an_error():
    model = nn.Linear(2, 2).requires_grad_(False)
    with pytest.raises(ConfigError, match="none of the model's 2 parameters is trainable"):
        build_optimizer(model, dict(type="SGD", lr=0.1))
    cfg = dict(
        type="SGD",
        lr=0.1,
        weight_decay=0.0,
        constructor="CustomLayerDecayOptimizerConstructor",
        paramwise_cfg=dict(num_layers=1, layer_decay_rate=1.0),
    )
    with pytest.raises(ConfigError, match="none of the model's 2 parameters is trainable"):
        build_optimizer(model, cfg)


def test_zero_adamw_needs_a_process_group():
    with pytest.raises(ConfigError, match="needs a distributed run"):
        build_optimizer(nn.Linear(2, 2), dict(type="ZeroAdamW", lr=0.1))
    with pytest.raises(ConfigError, match="unexpected key 'lrr'"):
        build_optimizer(nn.Linear(2, 2), dict(type="ZeroAdamW", lrr=0.1))


def test_zero_adamw_equals_adamw_in_a_world_of_one(tmp_path):
    torch.manual_seed(0)
    models = nn.Linear(3, 2), nn.Linear(3, 2)
    models[1].load_state_dict(models[0].state_dict())
    cfg = dict(lr=0.1, weight_decay=0.2, paramwise_cfg=dict(bias_lr_mult=2.0, bias_decay_mult=0.0))
    x = torch.randn(4, 3)
    torch.distributed.init_process_group("gloo", f"file://{tmp_path}/store", rank=0, world_size=1)
    try:
        for model, kind in zip(models, ("AdamW", "ZeroAdamW"), strict=True):
            optimizer = build_optimizer(model, dict(cfg, type=kind))
            for _ in range(3):
                optimizer.zero_grad()
                model(x).square().sum().backward()
                optimizer.step()
    finally:
        torch.distributed.destroy_process_group()
    for a, b in zip(models[0].parameters(), models[1].parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=0)
