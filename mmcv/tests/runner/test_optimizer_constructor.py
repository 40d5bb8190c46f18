"""paramwise_cfg, parameter by parameter, on a model with every kind of layer."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from mmcv.registry import ConfigError
from mmcv.runner.optimizer_constructor import DefaultOptimizerConstructor

LR, WD = 0.01, 1e-4
SGD = dict(type="SGD", lr=LR, weight_decay=WD, momentum=0.9)
ALL_RULES = dict(
    bias_lr_mult=2,
    bias_decay_mult=0.5,
    norm_decay_mult=0,
    dwconv_decay_mult=0.1,
    dcn_offset_lr_mult=0.2,
)


class DeformConv2d(nn.Module):
    """Stands in for the real one, which is recognised by its name."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(2, 2))
        self.bias = nn.Parameter(torch.zeros(2))
        self.conv_offset = nn.Conv2d(2, 18, 3)


class Sub(nn.Module):
    def __init__(self):
        super().__init__()
        self.depthwise = nn.Conv2d(2, 2, 1, groups=2)
        self.norm = nn.GroupNorm(1, 2)
        self.scale = nn.Parameter(torch.zeros(1))


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.zeros(1))
        self.conv = nn.Conv2d(3, 4, 1, bias=False)
        self.fc = nn.Linear(4, 4)
        self.bn = nn.BatchNorm2d(4)
        self.sub = Sub()
        self.dcn = DeformConv2d()


# name -> (lr, weight decay) as multiples, by the rules above
RULED = {
    "scale": (1, 1),
    "conv.weight": (1, 1),
    "fc.weight": (1, 1),
    "fc.bias": (2, 0.5),
    "bn.weight": (1, 0),
    "bn.bias": (1, 0),
    "sub.scale": (1, 1),
    "sub.depthwise.weight": (1, 0.1),
    "sub.depthwise.bias": (2, 0.1),
    "sub.norm.weight": (1, 0),
    "sub.norm.bias": (1, 0),
    "dcn.weight": (1, 1),
    # The deformable convolution itself is no "child of one": its bias is like any other.
    "dcn.bias": (2, 0.5),
    "dcn.conv_offset.weight": (0.2, 1),
    "dcn.conv_offset.bias": (0.2, 1),
}


def settings_by_name(optimizer, model):
    names = {id(param): name for name, param in model.named_parameters()}
    return {
        names[id(group["params"][0])]: (group["lr"], group["weight_decay"])
        for group in optimizer.param_groups
    }


def test_without_paramwise_cfg_there_is_one_group():
    model = Model()
    optimizer = DefaultOptimizerConstructor(SGD)(model)
    assert isinstance(optimizer, torch.optim.SGD)
    (group,) = optimizer.param_groups
    assert [id(p) for p in group["params"]] == [id(p) for p in model.parameters()]
    assert (group["lr"], group["weight_decay"], group["momentum"]) == (LR, WD, 0.9)


@pytest.mark.parametrize("is_wrapped", [False, True])
def test_every_rule_applies_to_its_kind_of_parameter(is_wrapped):
    model = Model()
    wrapped = nn.Module()
    wrapped.module = model
    optimizer = DefaultOptimizerConstructor(SGD, ALL_RULES)(wrapped if is_wrapped else model)
    assert [id(group["params"][0]) for group in optimizer.param_groups] == [
        id(param) for param in model.parameters()
    ]
    expected = {name: (LR * lr, pytest.approx(WD * wd)) for name, (lr, wd) in RULED.items()}
    assert settings_by_name(optimizer, model) == expected


def test_without_weight_decay_only_rates_are_set():
    model = Model()
    cfg = dict(type="SGD", lr=LR)
    optimizer = DefaultOptimizerConstructor(cfg, dict(bias_lr_mult=2))(model)
    assert settings_by_name(optimizer, model)["fc.bias"] == (2 * LR, 0)


def test_frozen_parameters_get_the_plain_settings():
    model = Model()
    for param in model.parameters():
        param.requires_grad = False
    optimizer = DefaultOptimizerConstructor(SGD, ALL_RULES)(model)
    assert set(settings_by_name(optimizer, model).values()) == {(LR, WD)}
    assert len(optimizer.param_groups) == len(RULED)


def test_the_longest_custom_key_in_the_name_wins_and_switches_the_rules_off():
    model = Model()
    custom_keys = {
        "sub": dict(lr_mult=3),
        "sub.norm": dict(lr_mult=5, decay_mult=7),
        "fc": dict(decay_mult=0),
        ".bias": dict(lr_mult=11),
        "onv.w": dict(lr_mult=13),
        "conv.": dict(lr_mult=17),
    }
    cfg = dict(ALL_RULES, custom_keys=custom_keys)
    found = settings_by_name(DefaultOptimizerConstructor(SGD, cfg)(model), model)
    for name, expected in {
        "sub.scale": (3, 1),
        "sub.depthwise.weight": (3, 1),
        "sub.depthwise.bias": (11, 1),
        "sub.norm.bias": (5, 7),
        "fc.weight": (1, 0),
        "fc.bias": (11, 1),
        "conv.weight": (17, 1),  # of two keys of one length the alphabetically first
        "bn.weight": (1, 0),
        "bn.bias": (11, 1),
    }.items():
        assert found[name] == pytest.approx((LR * expected[0], WD * expected[1])), name


def test_a_shared_module_can_be_bypassed():
    model = nn.Module()
    model.a = nn.Linear(2, 2)
    model.b = nn.Sequential(model.a)
    with pytest.raises(ValueError, match="more than one parameter group"):
        DefaultOptimizerConstructor(SGD, dict(bias_lr_mult=2))(model)
    constructor = DefaultOptimizerConstructor(SGD, dict(bias_lr_mult=2, bypass_duplicate=True))
    with pytest.warns(UserWarning, match=r"b\.0 is duplicate"):
        optimizer = constructor(model)
    assert len(optimizer.param_groups) == 2


def test_a_custom_key_without_effect_is_reported(caplog):
    custom_keys = {"bakbone": dict(lr_mult=2), "sub.": dict(lr_mult=2)}
    DefaultOptimizerConstructor(SGD, dict(custom_keys=custom_keys))(Model())
    (message,) = [record.getMessage() for record in caplog.records]
    assert "no parameter's name contains 'bakbone'" in message


def test_without_a_rate_of_its_own_the_optimizers_default_stays():
    model = Model()
    cfg = dict(type="AdamW", weight_decay=WD)
    optimizer = DefaultOptimizerConstructor(cfg, dict(bias_decay_mult=0.0))(model)
    assert settings_by_name(optimizer, model)["fc.bias"] == (1e-3, 0)


@pytest.mark.parametrize(
    ("optimizer_cfg", "paramwise_cfg", "message"),
    [
        (SGD, dict(bias_lr_mul=2), "unexpected key 'bias_lr_mul'; did you mean 'bias_lr_mult'"),
        (SGD, dict(custom_keys={"a": dict(lr_multi=1)}), "custom_keys.a .*did you mean 'lr_mult'"),
        (dict(type="SGD", lr=1), dict(norm_decay_mult=0), "weight_decay"),
        (dict(type="SGD", lr=1), dict(custom_keys={"a": dict(decay_mult=0)}), "weight_decay"),
        (SGD, dict(custom_keys=[]), "custom_keys must be a dict"),
        (SGD, 5, "paramwise_cfg should be None or a dict"),
        ([], None, "optimizer_cfg should be a dict"),
        (dict(type="SGD"), dict(bias_lr_mult=2), "multiplies the optimizer's lr"),
    ],
)
def test_wrong_options_are_named(optimizer_cfg, paramwise_cfg, message):
    with pytest.raises(ConfigError, match=message):
        DefaultOptimizerConstructor(optimizer_cfg, paramwise_cfg)


def test_a_projects_own_constructor_may_have_its_own_keys():
    class Own(DefaultOptimizerConstructor):
        def add_params(self, params, module, **kwargs):
            params.append({"params": list(module.parameters()), "lr": self.paramwise_cfg["mine"]})

    optimizer = Own(SGD, dict(mine=0.5))(Model())
    assert optimizer.param_groups[0]["lr"] == 0.5
