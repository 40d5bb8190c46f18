import math

import pytest
import torch
from torch import nn

from mmcv.cnn import weight_init
from mmcv.cnn.initializers import initialize
from mmcv.cnn.registry import INITIALIZERS
from mmcv.registry import ConfigError


def big_conv():
    return nn.Conv2d(64, 128, 3)


FAN_IN, FAN_OUT = 64 * 9, 128 * 9


@pytest.mark.parametrize(
    "name, kwargs, mean, std",
    [
        ("constant", dict(val=3.0), 3.0, 0.0),
        ("normal", dict(mean=1.0, std=0.5), 1.0, 0.5),
        ("uniform", dict(a=-1.0, b=3.0), 1.0, 4 / math.sqrt(12)),
        ("xavier", dict(gain=2.0), 0.0, 2 * math.sqrt(2 / (FAN_IN + FAN_OUT))),
        ("xavier", dict(distribution="uniform"), 0.0, math.sqrt(2 / (FAN_IN + FAN_OUT))),
        ("kaiming", dict(), 0.0, math.sqrt(2 / FAN_OUT)),
        ("kaiming", dict(mode="fan_in", distribution="uniform"), 0.0, math.sqrt(2 / FAN_IN)),
        ("kaiming", dict(a=0.2, nonlinearity="leaky_relu"), 0.0, math.sqrt(2 / 1.04 / FAN_OUT)),
        ("caffe2_xavier", dict(), 0.0, math.sqrt(1 / FAN_IN)),
    ],
)
def test_distribution(name, kwargs, mean, std):
    torch.manual_seed(0)
    conv = big_conv()
    getattr(weight_init, f"{name}_init")(conv, **kwargs, bias=0.25)
    weight = conv.weight.detach()
    assert weight.mean().item() == pytest.approx(mean, abs=0.02 * max(std, 0.1))
    assert weight.std().item() == pytest.approx(std, rel=0.02)
    assert bool((conv.bias == 0.25).all())


def test_truncated_normal_stays_within_its_bounds():
    conv = big_conv()
    weight_init.trunc_normal_init(conv, mean=1.0, std=2.0, a=0.0, b=1.5)
    assert conv.weight.min() >= 0 and conv.weight.max() <= 1.5
    assert conv.weight.std() > 0.3


def test_layers_without_weight_or_bias_are_left_alone():
    weight_init.constant_init(nn.BatchNorm2d(2, affine=False), 1)
    weight_init.kaiming_init(nn.Conv2d(1, 1, 1, bias=False))


def test_bias_gives_the_probability():
    bias = weight_init.bias_init_with_prob(0.01)
    assert torch.sigmoid(torch.tensor(bias)).item() == pytest.approx(0.01)


def test_unknown_distribution():
    with pytest.raises(ValueError, match="distribution must be 'uniform' or 'normal'"):
        weight_init.xavier_init(nn.Linear(1, 1), distribution="cauchy")


def model():
    return nn.Sequential(nn.Conv2d(1, 2, 1), nn.Linear(2, 3), nn.Sequential(nn.Linear(3, 4)))


def test_initializers_reach_the_named_layers_only():
    net = model()
    before = net[0].weight.clone()
    initialize(net, dict(type="Constant", layer="Linear", val=1, bias=2))
    assert bool((net[1].weight == 1).all() and (net[2][0].bias == 2).all())
    torch.testing.assert_close(net[0].weight, before)


def test_initializers_reach_subclasses_by_their_base():
    net = nn.Sequential(nn.BatchNorm2d(3), nn.BatchNorm1d(3))
    initialize(net, dict(type="Constant", layer="_BatchNorm", val=4))
    assert all(bool((norm.weight == 4).all()) for norm in net)


def test_without_layers_nothing_happens():
    net = model()
    before = [p.clone() for p in net.parameters()]
    initialize(net, dict(type="Constant", val=1))
    torch.testing.assert_close(list(net.parameters()), before)


def test_bias_from_a_probability():
    net = model()
    initialize(net, dict(type="Normal", layer="Linear", std=0.01, bias_prob=0.1))
    assert net[1].bias[0].sigmoid().item() == pytest.approx(0.1)


@pytest.mark.parametrize("name", sorted(INITIALIZERS.module_dict))
def test_every_initializer_is_described(name):
    required = {"Constant": dict(val=1), "Pretrained": dict(checkpoint="x.pth")}
    init = INITIALIZERS.build(dict(type=name, **required.get(name, {})))
    assert init._get_init_info().startswith(name + "Init:")


@pytest.mark.parametrize(
    "cfg, error, message",
    [
        (1, TypeError, "init_cfg must be a dict"),
        (dict(type="Norml"), ConfigError, "'Norml' is not a registered initializer; did you"),
        (dict(type="Normal", layer=1), TypeError, "layer must be a str or a list"),
        (dict(type="Normal", bias="0"), TypeError, "bias must be a number"),
        (dict(type="Normal", bias_prob="0"), TypeError, "bias_prob type must be float"),
        (dict(type="Normal", override=1), TypeError, "override must be a dict"),
        (dict(type="Normal", override=dict(std=1)), ConfigError, 'must contain the key "name"'),
        (dict(type="Normal", override=dict(name="0", std=1)), ConfigError, 'needs the key "type"'),
        (dict(type="Normal", override=dict(name="x")), RuntimeError, "no attribute 'x'"),
    ],
)
def test_bad_configs_are_named(cfg, error, message):
    with pytest.raises(error, match=message):
        initialize(model(), cfg)
