"""Layers by name: convolution, norm, activation, padding, upsampling, plugin, dropout."""

import importlib
import pkgutil

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

import mmcv.cnn as cnn
from mmcv.cnn.norm import infer_abbr
from mmcv.cnn.plugin import infer_abbr as infer_plugin_abbr
from mmcv.registry import ConfigError


@pytest.mark.parametrize(
    "build, args",
    [
        (cnn.build_conv_layer, (3, 8, 1)),
        (cnn.build_norm_layer, (3,)),
        (cnn.build_padding_layer, (1,)),
        (cnn.build_upsample_layer, ()),
        (cnn.build_plugin_layer, ()),
        (cnn.build_activation_layer, ()),
        (cnn.build_dropout, ()),
    ],
)
def test_configs_need_a_known_type(build, args):
    with pytest.raises(TypeError, match="cfg must be a dict"):
        build("Conv2d", *args)
    with pytest.raises(KeyError, match='must contain the key "type"'):
        build(dict(kernel_size=3), *args)
    with pytest.raises(KeyError, match="'Fancy' is not a registered model"):
        build(dict(type="Fancy"), *args)


@pytest.mark.parametrize(
    "name, kind",
    [
        (None, nn.Conv2d),
        ("Conv1d", nn.Conv1d),
        ("Conv2d", nn.Conv2d),
        ("Conv3d", nn.Conv3d),
        ("Conv", nn.Conv2d),
        ("ConvWS", nn.Conv2d),
        ("ConvAWS", nn.Conv2d),
        ("Conv2dAdaptivePadding", nn.Conv2d),
        ("deconv", nn.ConvTranspose2d),
        ("ConvTranspose2d", nn.ConvTranspose2d),
        ("deconv3d", nn.ConvTranspose3d),
    ],
)
def test_convolutions(name, kind):
    cfg = dict(type=name) if name else None
    conv = cnn.build_conv_layer(cfg, 4, 8, kernel_size=3, groups=2, dilation=2, bias=False)
    assert isinstance(conv, kind)
    assert conv.groups == 2 and conv.bias is None and set(conv.dilation) == {2}


@pytest.mark.parametrize(
    "name, kind, abbreviation",
    [
        ("BN", nn.BatchNorm2d, "bn"),
        ("BN1d", nn.BatchNorm1d, "bn"),
        ("BN2d", nn.BatchNorm2d, "bn"),
        ("BN3d", nn.BatchNorm3d, "bn"),
        ("SyncBN", _BatchNorm, "bn"),
        ("MMSyncBN", _BatchNorm, "bn"),
        ("GN", nn.GroupNorm, "gn"),
        ("LN", nn.LayerNorm, "ln"),
        ("IN", nn.InstanceNorm2d, "in"),
        ("IN1d", nn.InstanceNorm1d, "in"),
        ("IN2d", nn.InstanceNorm2d, "in"),
        ("IN3d", nn.InstanceNorm3d, "in"),
    ],
)
def test_norms(name, kind, abbreviation):
    cfg = dict(type=name, requires_grad=False, **(dict(num_groups=2) if name == "GN" else {}))
    key, norm = cnn.build_norm_layer(cfg, 4, postfix=1)
    assert key == abbreviation + "1" and isinstance(norm, kind) and norm.eps == 1e-5
    assert not any(p.requires_grad for p in norm.parameters())
    assert cnn.build_norm_layer(cfg, 4, postfix="_x")[0] == abbreviation + "_x"
    assert cnn.is_norm(norm) and not cnn.is_norm(norm, exclude=kind)
    assert cfg["type"] == name


def test_group_norm_needs_groups():
    with pytest.raises(ConfigError, match="type 'GN' needs num_groups"):
        cnn.build_norm_layer(dict(type="GN"), 4)


def test_norm_names_are_inferred():
    class Own:
        _abbr_ = "own"

    class FancyBatchNorm:
        pass

    class FancyInstanceNorm:
        pass

    class Fancy:
        pass

    assert infer_abbr(Own) == "own"
    assert infer_abbr(FancyBatchNorm) == "bn" and infer_abbr(FancyInstanceNorm) == "in"
    assert infer_abbr(Fancy) == "norm_layer"
    with pytest.raises(TypeError):
        infer_abbr(0)


def test_is_norm():
    assert not cnn.is_norm(nn.Conv2d(3, 8, 1))
    assert cnn.is_norm(nn.BatchNorm2d(3), exclude=(nn.GroupNorm, nn.LayerNorm))
    with pytest.raises(TypeError):
        cnn.is_norm(nn.BatchNorm2d(3), exclude="BN")


@pytest.mark.parametrize(
    "cfg, function",
    [
        (dict(type="ReLU"), torch.relu),
        (dict(type="LeakyReLU", negative_slope=0.2), lambda x: torch.where(x > 0, x, 0.2 * x)),
        (dict(type="ReLU6"), lambda x: x.clamp(0, 6)),
        (dict(type="ELU"), lambda x: torch.where(x > 0, x, x.exp() - 1)),
        (dict(type="Sigmoid"), lambda x: 1 / (1 + (-x).exp())),
        (dict(type="Tanh"), torch.tanh),
        (dict(type="PReLU"), lambda x: torch.where(x > 0, x, 0.25 * x)),
        (dict(type="GELU"), lambda x: x * (1 + torch.erf(x / 2**0.5)) / 2),
        (dict(type="SiLU"), lambda x: x * torch.sigmoid(x)),
        (dict(type="Swish"), lambda x: x * torch.sigmoid(x)),
        (dict(type="HSwish"), lambda x: x * (x + 3).clamp(0, 6) / 6),
        (dict(type="HSigmoid"), lambda x: ((x + 3) / 6).clamp(0, 1)),
        (dict(type="HSigmoid", bias=1, divisor=2), lambda x: ((x + 1) / 2).clamp(0, 1)),
        (dict(type="Clip", max=0.5), lambda x: x.clamp(-1, 0.5)),
        (dict(type="Clamp", min=0), lambda x: x.clamp(0, 1)),
    ],
)
def test_activations(cfg, function):
    x = torch.linspace(-8, 8, 101)
    torch.testing.assert_close(cnn.build_activation_layer(cfg)(x), function(x))


def test_hswish_class():
    x = torch.linspace(-8, 8, 101)
    torch.testing.assert_close(cnn.HSwish()(x), x * (x + 3).clamp(0, 6) / 6)


@pytest.mark.parametrize("name, mode", [("reflect", "reflect"), ("replicate", "replicate")])
def test_paddings(name, mode):
    x = torch.randn(1, 2, 5, 5)
    torch.testing.assert_close(
        cnn.build_padding_layer(dict(type=name), 2)(x), F.pad(x, (2, 2, 2, 2), mode=mode)
    )
    zero = cnn.build_padding_layer(dict(type="zero"), padding=1)
    torch.testing.assert_close(zero(x), F.pad(x, (1, 1, 1, 1)))


def test_upsampling():
    x = torch.randn(1, 3, 4, 4)
    for mode in ("nearest", "bilinear"):
        up = cnn.build_upsample_layer(dict(type=mode, scale_factor=2))
        torch.testing.assert_close(up(x), F.interpolate(x, scale_factor=2, mode=mode))
    up = cnn.build_upsample_layer(dict(type="deconv"), 3, 5, kernel_size=2, stride=2)
    assert up(x).shape == (1, 5, 8, 8)
    cfg = dict(type="pixel_shuffle", in_channels=3, out_channels=2, scale_factor=3)
    up = cnn.build_upsample_layer(dict(cfg, upsample_kernel=3))
    assert up(x).shape == (1, 2, 12, 12)
    assert list(up.state_dict()) == ["upsample_conv.weight", "upsample_conv.bias"]


def test_plugins_are_named_after_their_class():
    name, block = cnn.build_plugin_layer(dict(type="ContextBlock", ratio=0.5), in_channels=8)
    assert name == "context_block" and isinstance(block, cnn.ContextBlock)
    assert cnn.build_plugin_layer(dict(type="NonLocal2d"), 2, in_channels=8)[0] == "nonlocal_block2"
    assert infer_plugin_abbr(cnn.GeneralizedAttention) == "gen_attention_block"
    assert infer_plugin_abbr(cnn.ConvModule) == "conv_block"

    class FancyHTTPBlock2:
        pass

    assert infer_plugin_abbr(FancyHTTPBlock2) == "fancy_http_block2"


def test_drop_path_drops_whole_samples_and_keeps_the_mean():
    torch.manual_seed(0)
    drop = cnn.build_dropout(dict(type="DropPath", drop_prob=0.25))
    x = torch.ones(4000, 2, 3)
    y = drop(x)
    values = y.flatten(1)
    assert bool((values == values[:, :1]).all())
    assert sorted(values[:, 0].unique().tolist()) == pytest.approx([0, 4 / 3])
    assert y.mean().item() == pytest.approx(1, abs=0.05)
    torch.testing.assert_close(drop.eval()(x), x)
    assert "drop_prob=0.250" in repr(drop)


def test_drop_path_draws_like_timm():
    from timm.layers import DropPath

    x = torch.randn(8, 5)
    torch.manual_seed(1)
    expected = DropPath(0.4)(x)
    torch.manual_seed(1)
    torch.testing.assert_close(cnn.DropPath(0.4)(x), expected)


def test_dropout_by_its_1x_argument():
    assert cnn.build_dropout(dict(type="Dropout", drop_prob=0.3)).p == 0.3
    assert cnn.build_dropout(dict(type="Dropout"), dict(drop_prob=0.2)).p == 0.2


def test_scale():
    scale = cnn.Scale(2.5)
    torch.testing.assert_close(scale(torch.ones(2)), torch.full((2,), 2.5))
    assert scale.scale.shape == () and scale.scale.dtype == torch.float


@pytest.mark.parametrize("stride, kernel, size", [(1, 3, 11), (2, 3, 11), (3, 5, 10), (2, 1, 7)])
def test_adaptive_padding_keeps_the_size(stride, kernel, size):
    conv = cnn.Conv2dAdaptivePadding(3, 4, kernel, stride=stride)
    assert conv(torch.randn(1, 3, size, size)).shape[2:] == (-(-size // stride),) * 2


def test_standardised_convolution():
    conv = cnn.ConvWS2d(3, 4, 3, padding=1)
    x = torch.randn(2, 3, 5, 5)
    rows = []
    for kernel in conv.weight.detach():
        rows.append((kernel - kernel.mean()) / (kernel.std() + 1e-5))
    expected = F.conv2d(x, torch.stack(rows), conv.bias, padding=1)
    torch.testing.assert_close(conv(x), expected)


def test_adaptive_standardisation_starts_from_plain_weights():
    plain = nn.Conv2d(3, 4, 3)
    conv = cnn.ConvAWS2d(3, 4, 3)
    conv.load_state_dict(plain.state_dict())
    x = torch.randn(2, 3, 5, 5)
    torch.testing.assert_close(conv(x), plain(x), atol=1e-5, rtol=1e-5)
    again = cnn.ConvAWS2d(3, 4, 3)
    again.load_state_dict(conv.state_dict())
    torch.testing.assert_close(again(x), conv(x))


def test_model_from_a_list_of_configs():
    cfgs = [dict(type="Conv2d", in_channels=3, out_channels=4, kernel_size=1), dict(type="ReLU")]
    net = cnn.build_model_from_cfg(cfgs, cnn.MODELS)
    assert [type(m) for m in net] == [nn.Conv2d, nn.ReLU]
    assert isinstance(cnn.build_model_from_cfg(cfgs[1], cnn.MODELS), nn.ReLU)


@pytest.mark.parametrize("package", ["mmcv.cnn.bricks", "mmcv.cnn.utils"])
def test_1x_modules_have_what_they_list(package):
    folder = importlib.import_module(package)
    names = [package, *(f"{package}.{m.name}" for m in pkgutil.iter_modules(folder.__path__))]
    assert len(names) > 4
    for name in names:
        module = importlib.import_module(name)
        assert all(hasattr(module, public) for public in getattr(module, "__all__", ()))


def test_1x_import_paths():
    from mmcv.cnn import bricks, utils
    from mmcv.cnn.bricks import registry
    from mmcv.cnn.bricks.drop import build_dropout
    from mmcv.cnn.bricks.transformer import FFN, build_attention
    from mmcv.cnn.bricks.wrappers import NewEmptyTensorOp, obsolete_torch_version
    from mmcv.cnn.utils.flops_counter import flops_to_string
    from mmcv.cnn.utils.weight_init import trunc_normal_

    assert bricks.ConvModule is cnn.ConvModule and utils.constant_init is cnn.constant_init
    assert registry.ATTENTION is cnn.MODELS and build_dropout is cnn.build_dropout
    assert FFN is cnn.FFN and callable(build_attention) and callable(flops_to_string)
    assert callable(trunc_normal_) and obsolete_torch_version((1, 3), (1, 4))
    x = torch.ones(2, requires_grad=True)
    NewEmptyTensorOp.apply(x, (0, 3)).sum().backward()
    assert x.grad is not None


@pytest.mark.parametrize(
    "layer, shape",
    [
        (cnn.Conv2d(3, 4, 3), (0, 3, 8, 8)),
        (cnn.ConvTranspose2d(3, 4, 3), (0, 3, 8, 8)),
        (cnn.MaxPool2d(2), (0, 3, 8, 8)),
        (cnn.Linear(3, 4), (0, 3)),
    ],
)
def test_layers_take_empty_batches(layer, shape):
    y = layer(torch.zeros(shape, requires_grad=True))
    assert y.shape[0] == 0 and y.shape[1:] == layer(torch.zeros(1, *shape[1:])).shape[1:]
