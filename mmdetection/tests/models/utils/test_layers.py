"""Small layers and heat maps against loops and closed forms."""

import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from mmdet.models.utils import (
    ConvUpsample,
    DyReLU,
    NormedConv2d,
    NormedLinear,
    SELayer,
    build_linear_layer,
    gaussian_radius,
    gen_gaussian_target,
    interpolate_as,
    make_divisible,
    sigmoid_geometric_mean,
)
from mmdet.models.utils.gaussian_target import (
    gaussian2D,
    get_local_maximum,
    get_topk_from_heatmap,
    transpose_and_gather_feat,
)


def test_interpolate_as():
    source = torch.rand(2, 5, 4, 4)
    for target in (torch.rand(1, 1, 16, 8), np.zeros((16, 8)), torch.rand(1, 16, 8)):
        got = interpolate_as(source, target)
        torch.testing.assert_close(got, F.interpolate(source, size=(16, 8), mode="bilinear"))
    assert interpolate_as(source[:, 0], torch.rand(16, 16)).shape == (2, 16, 16)
    assert interpolate_as(source, torch.rand(4, 4)) is source


def test_sigmoid_geometric_mean():
    x, y = (torch.randn(3, 4, dtype=torch.double, requires_grad=True) for _ in range(2))
    torch.testing.assert_close(sigmoid_geometric_mean(x, y), (x.sigmoid() * y.sigmoid()).sqrt())
    torch.autograd.gradcheck(sigmoid_geometric_mean, (x, y))
    far = torch.tensor([-400.0], requires_grad=True)
    sigmoid_geometric_mean(far, far).sum().backward()
    assert far.grad.isfinite().all()


def test_se_layer():
    layer = SELayer(16, ratio=4)
    x = torch.randn(2, 16, 3, 5)
    pooled = x.mean((2, 3), keepdim=True)
    weights = layer.conv2.conv(layer.conv1.conv(pooled).relu()).sigmoid()
    torch.testing.assert_close(layer(x), x * weights)
    for wrong in ((dict(type="ReLU"),), [dict(type="ReLU"), dict(type="Sigmoid")]):
        with pytest.raises(AssertionError):
            SELayer(16, act_cfg=wrong)


def test_dyrelu():
    layer = DyReLU(8, ratio=4)
    x = torch.randn(2, 8, 3, 5)
    hidden = layer.conv1.conv(x.mean((2, 3), keepdim=True)).relu()
    c = ((layer.conv2.conv(hidden) + 3) / 6).clamp(0, 1) - 0.5
    lines = [x * (2 * c[:, :8] + 1) + c[:, 8:16], x * 2 * c[:, 16:24] + c[:, 24:]]
    torch.testing.assert_close(layer(x), torch.maximum(*lines))
    with pytest.raises(AssertionError):
        DyReLU(8, act_cfg=(dict(type="ReLU"),) * 3)


@pytest.mark.parametrize("layers, resized, scale", [(2, None, 4), (3, 1, 2), (1, 0, 1)])
def test_conv_upsample(layers, resized, scale):
    layer = ConvUpsample(3, 5, layers, resized)
    assert layer(torch.randn(1, 3, 4, 6)).shape == (1, 5, 4 * scale, 6 * scale)
    assert [conv.in_channels for conv in layer.conv] == [3, 5, 5][:layers]
    with pytest.raises(AssertionError):
        ConvUpsample(3, 5, 1, 2)


def test_normed_layers():
    x = torch.randn(4, 6)
    linear = NormedLinear(6, 3, tempearture=10)
    cosine = F.cosine_similarity(x[:, None], linear.weight[None], dim=-1)
    torch.testing.assert_close(linear(x), 10 * cosine + linear.bias, rtol=1e-3, atol=1e-3)
    x = torch.randn(2, 6, 5, 4)
    conv = NormedConv2d(6, 3, 1, bias=False)
    cosine = F.cosine_similarity(x[:, None], conv.weight[None], dim=2)
    torch.testing.assert_close(conv(x), 20 * cosine, rtol=1e-4, atol=1e-4)
    conv = NormedConv2d(6, 3, 3, padding=1, norm_over_kernel=True)
    kernel = torch.stack([k / (k.norm() + 1e-6) for k in conv.weight])
    unit = x / (x.norm(dim=1, keepdim=True) + 1e-6) * 20
    torch.testing.assert_close(conv(x), F.conv2d(unit, kernel, conv.bias, padding=1))


def test_build_linear_layer():
    assert type(build_linear_layer(None, 3, 4)) is nn.Linear
    layer = build_linear_layer(
        dict(type="NormedLinear", tempearture=5), in_features=3, out_features=4
    )
    assert isinstance(layer, NormedLinear) and layer.tempearture == 5
    with pytest.raises(KeyError, match="did you mean 'NormedLinear'"):
        build_linear_layer(dict(type="NormedLinar"), 3, 4)


def test_make_divisible():
    assert [make_divisible(n, 8) for n in (1, 11, 12, 30, 100)] == [8, 16, 16, 32, 104]
    assert make_divisible(3, 4, min_value=12) == 12


def test_gaussian_peak():
    kernel = gaussian2D(2, 1.5)
    for i in range(5):
        for j in range(5):
            value = math.exp(-((i - 2) ** 2 + (j - 2) ** 2) / (2 * 1.5**2))
            assert kernel[i, j] == pytest.approx(value)
    heatmap = torch.zeros(6, 8)
    assert gen_gaussian_target(heatmap, [1, 5], 2) is heatmap
    gen_gaussian_target(heatmap, [3, 5], 2)
    for y in range(6):
        for x in range(8):
            peaks = [
                math.exp(-((x - cx) ** 2 + (y - 5) ** 2) / (2 * (5 / 6) ** 2))
                for cx in (1, 3)
                if abs(x - cx) <= 2 and abs(y - 5) <= 2
            ]
            assert heatmap[y, x] == pytest.approx(max(peaks, default=0), abs=1e-7)


@pytest.mark.parametrize("size, overlap", [((20, 30), 0.7), ((8, 8), 0.3), ((5, 90), 0.5)])
def test_gaussian_radius_keeps_the_overlap(size, overlap):
    height, width = size
    r = gaussian_radius(size, overlap)
    area = height * width
    shifted = (height - r) * (width - r)
    assert shifted / (2 * area - shifted) >= overlap - 1e-6
    assert (height - 2 * r) * (width - 2 * r) / area >= overlap - 1e-6


def test_reading_heat_maps():
    heat = torch.rand(2, 3, 5, 4)
    peaks = get_local_maximum(heat)
    for index in np.ndindex(2, 3, 5, 4):
        b, c, y, x = index
        around = heat[b, c, max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2]
        assert peaks[index] == (heat[index] if heat[index] == around.max() else 0)
    scores, inds, classes, ys, xs = get_topk_from_heatmap(heat, 4)
    for b in range(2):
        for k in range(4):
            found = heat[b, classes[b, k], ys[b, k].int(), xs[b, k].int()]
            assert scores[b, k] == found and inds[b, k] == ys[b, k] * 4 + xs[b, k]
    feats = transpose_and_gather_feat(heat, inds)
    assert torch.equal(feats[1, 2], heat[1, :, ys[1, 2].int(), xs[1, 2].int()])
