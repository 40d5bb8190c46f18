import pytest
import torch
import torch.nn.functional as F
from torch import nn

from mmcv.cnn import ConvModule, DepthwiseSeparableConvModule
from mmcv.registry import MODELS, ConfigError


def test_keys_are_conv_and_the_norm():
    module = ConvModule(3, 8, 2, norm_cfg=dict(type="BN"))
    stats = ["running_mean", "running_var", "num_batches_tracked"]
    keys = ["conv.weight", "bn.weight", "bn.bias", *(f"bn.{s}" for s in stats)]
    assert list(module.state_dict()) == keys
    assert list(ConvModule(3, 8, 2).state_dict()) == ["conv.weight", "conv.bias"]
    module = ConvModule(3, 8, 2, norm_cfg=dict(type="GN", num_groups=2))
    assert module.norm_name == "gn" and module.norm is module.gn


def test_computes_convolution_norm_activation():
    module = ConvModule(3, 8, 3, padding=1, norm_cfg=dict(type="BN")).eval()
    x = torch.randn(2, 3, 6, 6)
    conv = F.conv2d(x, module.conv.weight, padding=1) / (1 + 1e-5) ** 0.5
    torch.testing.assert_close(module(x), conv.relu())
    torch.testing.assert_close(module(x, activate=False), conv)
    torch.testing.assert_close(
        module(x, norm=False, activate=False), F.conv2d(x, module.conv.weight, padding=1)
    )


@pytest.mark.parametrize(
    "order, norm_channels",
    [(("norm", "conv", "act"), 3), (("conv", "norm", "act"), 8), (("act", "norm", "conv"), 3)],
)
def test_order(order, norm_channels):
    module = ConvModule(3, 8, 1, norm_cfg=dict(type="BN"), order=order).eval()
    assert module.norm.num_features == norm_channels
    x = torch.randn(2, 3, 4, 4)
    steps = dict(conv=module.conv, norm=module.norm, act=torch.relu)
    expected = x
    for name in order:
        expected = steps[name](expected)
    torch.testing.assert_close(module(x.clone()), expected)


def test_bias_is_for_modules_without_norm():
    assert ConvModule(3, 8, 2).conv.bias is not None
    assert ConvModule(3, 8, 2, norm_cfg=dict(type="BN")).conv.bias is None
    assert ConvModule(3, 8, 2, bias=False).conv.bias is None
    with pytest.warns(UserWarning, match="Unnecessary conv bias before batch/instance norm"):
        ConvModule(3, 8, 2, bias=True, norm_cfg=dict(type="BN"))
    ConvModule(3, 8, 2, bias=True, norm_cfg=dict(type="GN", num_groups=1))


@pytest.mark.parametrize("mode", ["zeros", "reflect", "replicate", "circular"])
def test_padding_modes(mode):
    module = ConvModule(3, 8, 3, padding=2, padding_mode=mode, act_cfg=None)
    x = torch.randn(1, 3, 6, 6)
    padded = F.pad(x, (2, 2, 2, 2), mode="constant" if mode == "zeros" else mode)
    expected = F.conv2d(padded, module.conv.weight, module.conv.bias)
    torch.testing.assert_close(module(x), expected)
    assert module.padding == 2
    assert hasattr(module, "padding_layer") == (mode in ("reflect", "replicate"))


@pytest.mark.parametrize("name", ["ReLU", "LeakyReLU", "GELU", "Tanh", "PReLU", "HSwish", "Swish"])
def test_activations_work_in_place_where_they_can(name):
    module = ConvModule(3, 8, 2, act_cfg=dict(type=name))
    assert getattr(module.activate, "inplace", None) in (
        (True,) if name in ("ReLU", "LeakyReLU", "HSwish") else (None,)
    )
    assert ConvModule(3, 8, 2, inplace=False).activate.inplace is False
    assert not ConvModule(3, 8, 2, act_cfg=None).with_activation


def test_attributes_of_the_convolution():
    module = ConvModule(3, 8, 3, stride=2, dilation=2, padding=1)
    assert (module.in_channels, module.out_channels) == (3, 8)
    assert (module.kernel_size, module.stride, module.dilation) == ((3, 3), (2, 2), (2, 2))
    assert module.groups == 1 and not module.transposed and module.output_padding == (0, 0)


def test_spectral_norm():
    module = ConvModule(3, 8, 3, with_spectral_norm=True)
    module(torch.randn(1, 3, 6, 6))
    assert "conv.weight_orig" in module.state_dict()


def test_convolutions_with_own_initialisation_keep_it():
    @MODELS.register_module(name="ConvOfThisTest")
    class Own(nn.Conv2d):
        def init_weights(self):
            raise AssertionError("called by ConvModule")

    try:
        ConvModule(3, 8, 1, conv_cfg=dict(type="ConvOfThisTest"))
    finally:
        del MODELS.module_dict["ConvOfThisTest"]


def test_initialised_after_he():
    torch.manual_seed(0)
    module = ConvModule(64, 128, 3, act_cfg=dict(type="LeakyReLU", negative_slope=0.5))
    assert module.conv.weight.std().item() == pytest.approx((2 / 1.25 / 1152) ** 0.5, rel=0.02)
    assert bool((module.conv.bias == 0).all())


def test_bad_arguments():
    with pytest.raises(TypeError, match="norm_cfg must be a dict or None"):
        ConvModule(3, 8, 2, norm_cfg="BN")
    with pytest.raises(ValueError, match="order must contain 'conv', 'norm' and 'act' once"):
        ConvModule(3, 8, 2, order=("conv", "norm"))
    with pytest.raises(ConfigError, match="did you mean 'reflect'"):
        ConvModule(3, 8, 2, padding=1, padding_mode="reflekt")


def test_depthwise_separable():
    module = DepthwiseSeparableConvModule(
        4, 8, 3, padding=1, norm_cfg=dict(type="BN"), dw_act_cfg=None, pw_norm_cfg=None
    )
    assert module.depthwise_conv.groups == 4 and module.depthwise_conv.with_norm
    assert not module.depthwise_conv.with_activation and module.pointwise_conv.with_activation
    assert not module.pointwise_conv.with_norm
    x = torch.randn(1, 4, 5, 5)
    torch.testing.assert_close(module(x), module.pointwise_conv(module.depthwise_conv(x)))
    assert module(x).shape == (1, 8, 5, 5)
    with pytest.raises(ValueError, match="groups should not be specified"):
        DepthwiseSeparableConvModule(4, 8, 3, groups=2)
