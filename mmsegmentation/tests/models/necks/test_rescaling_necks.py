"""Feature2Pyramid and MultiLevelNeck: maps of one size in, a pyramid out."""

import pytest
import torch
from torch.nn import functional as F

from mmcv.registry import ConfigError
from mmseg.models import build_neck


def maps(count=4, channels=4):
    return [torch.randn(2, channels, 8, 8) for _ in range(count)]


@pytest.mark.parametrize(
    ("rescales", "sizes"), [([4, 2, 1, 0.5], [32, 16, 8, 4]), ((2, 1, 0.5, 0.25), [16, 8, 4, 2])]
)
def test_feature2pyramid(rescales, sizes):
    neck = build_neck(dict(type="Feature2Pyramid", embed_dim=4, rescales=rescales))
    outs = neck(maps())
    assert [out.shape for out in outs] == [(2, 4, n, n) for n in sizes]


def test_feature2pyramid_keys_and_errors():
    neck = build_neck(dict(type="Feature2Pyramid", embed_dim=4))
    assert {"upsample_4x.0.weight", "upsample_4x.3.weight", "upsample_2x.0.bias"} <= set(
        neck.state_dict()
    )
    with pytest.raises(ConfigError, match="rescales"):
        build_neck(dict(type="Feature2Pyramid", embed_dim=4, rescales=[8, 4, 2, 1]))


@pytest.mark.parametrize("count", [1, 4])
def test_multilevel_neck(count):
    neck = build_neck(dict(type="MultiLevelNeck", in_channels=[4] * count, out_channels=3))
    neck.init_weights()
    inputs = maps(count)
    outs = neck(inputs)
    assert [out.shape for out in outs] == [(2, 3, n, n) for n in (4, 8, 16, 32)]
    i = min(2, count - 1)
    big = F.interpolate(neck.lateral_convs[i](inputs[i]), (16, 16), mode="bilinear")
    torch.testing.assert_close(outs[2], neck.convs[2](big))
    bound = (6 / (4 * 1 + 3 * 1)) ** 0.5  # Glorot's uniform bound of the 1x1 convolution
    assert neck.lateral_convs[0].conv.weight.abs().max() <= bound
