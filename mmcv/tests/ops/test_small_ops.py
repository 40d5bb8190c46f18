"""The smaller operators against loops and closed forms."""

import math

import pytest
import torch
import torch.nn.functional as F

from mmcv import ops
from mmcv.cnn import build_conv_layer, build_plugin_layer, build_upsample_layer


def randomise(module):
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.3)
    return module


def loop_carafe(features, masks, kernel, groups, scale):
    n, channels, height, width = features.shape
    out = torch.zeros(n, channels, height * scale, width * scale, dtype=features.dtype)
    for b, c, y, x in torch.cartesian_prod(*(torch.arange(s) for s in out.shape)).tolist():
        group = c // (channels // groups)
        for i in range(kernel):
            for j in range(kernel):
                row, column = y // scale - kernel // 2 + i, x // scale - kernel // 2 + j
                if 0 <= row < height and 0 <= column < width:
                    share = masks[b, (group * kernel + i) * kernel + j, y, x]
                    out[b, c, y, x] += features[b, c, row, column] * share
    return out


@pytest.mark.parametrize("kernel, groups, scale", [(3, 1, 2), (5, 2, 1), (1, 4, 3)])
def test_carafe_equals_loops(kernel, groups, scale):
    features = torch.randn(2, 4, 3, 4, dtype=torch.float64)
    masks = torch.randn(2, groups * kernel**2, 3 * scale, 4 * scale, dtype=torch.float64)
    expected = loop_carafe(features, masks, kernel, groups, scale)
    assert torch.allclose(ops.carafe(features, masks, kernel, groups, scale), expected)
    assert torch.allclose(ops.CARAFENaive(kernel, groups, scale)(features, masks), expected)
    with pytest.raises(AssertionError, match="masks must be"):
        ops.carafe(features, masks[:, :, 1:], kernel, groups, scale)


def test_carafe_pack_upsamples_with_kernels_that_sum_to_one():
    cfg = dict(type="carafe", channels=6, scale_factor=2, up_group=2, compressed_channels=4)
    pack = randomise(build_upsample_layer(cfg))
    assert {k: tuple(v.shape) for k, v in pack.state_dict().items()} == {
        "channel_compressor.weight": (4, 6, 1, 1),
        "channel_compressor.bias": (4,),
        "content_encoder.weight": (2 * 25 * 4, 4, 3, 3),
        "content_encoder.bias": (200,),
    }
    x = torch.randn(1, 6, 3, 3)
    mask = F.pixel_shuffle(pack.content_encoder(pack.channel_compressor(x)), 2)
    kernels = torch.cat([part.softmax(1) for part in mask.split(25, dim=1)], 1)
    assert torch.allclose(pack(x), loop_carafe(x, kernels, 5, 2, 2), atol=1e-5)


def test_masked_convolution_is_zero_elsewhere():
    conv = ops.MaskedConv2d(3, 4, 3, padding=1)
    x, mask = torch.randn(1, 3, 5, 6), torch.rand(1, 5, 6) > 0.5
    plain = F.conv2d(x, conv.weight, conv.bias, padding=1)
    expected = plain * mask[:, None]
    assert torch.allclose(conv(x, mask), expected) and torch.allclose(conv(x), plain)
    assert torch.allclose(ops.masked_conv2d(x, mask, conv.weight, conv.bias, 1), expected)
    with pytest.raises(ValueError, match="stride must be 1"):
        ops.masked_conv2d(x, mask, conv.weight, conv.bias, 1, stride=2)
    with pytest.raises(ValueError, match=r"mask must be \(1, 5, 6\)"):
        conv(x, mask[:, 1:])
    with pytest.raises(AssertionError, match="features must be"):
        conv(torch.cat([x, x]), mask)


@pytest.mark.parametrize("mode", ["top", "bottom", "left", "right"])
def test_corner_pool_equals_loops(mode):
    x = torch.randn(2, 3, 4, 5)
    expected = torch.zeros_like(x)
    for i in range(4):
        for j in range(5):
            part = {
                "top": x[:, :, i:, j], "bottom": x[:, :, : i + 1, j],
                "left": x[:, :, i, j:], "right": x[:, :, i, : j + 1],
            }[mode]  # fmt: skip
            expected[:, :, i, j] = part.amax(-1)
    assert torch.equal(ops.CornerPool(mode)(x), expected)
    with pytest.raises(AssertionError, match="'up'"):
        ops.CornerPool("up")


@pytest.mark.parametrize("psa_type", ["collect", "distribute"])
@pytest.mark.parametrize("size", [(3, 5), (7, 7)])
def test_psa_mask_equals_loops(psa_type, size):
    height, width = 4, 3
    x = torch.randn(2, size[0] * size[1], height, width, requires_grad=True)
    expected = torch.zeros(2, height * width, height, width)
    for h in range(height):
        for w in range(width):
            for i in range(size[0]):
                for j in range(size[1]):
                    y, column = h + i - (size[0] - 1) // 2, w + j - (size[1] - 1) // 2
                    if 0 <= y < height and 0 <= column < width:
                        value = x[:, i * size[1] + j, h, w]
                        if psa_type == "collect":
                            expected[:, y * width + column, h, w] = value
                        else:
                            expected[:, h * width + w, y, column] = value
    out = ops.PSAMask(psa_type, size)(x)
    assert torch.equal(out, expected)
    out.sum().backward()
    assert x.grad.sum() == (expected != 0).sum()
    with pytest.raises(AssertionError, match="channels"):
        ops.PSAMask(psa_type, 2)(x)
    with pytest.raises(AssertionError, match="psa_type"):
        ops.PSAMask("gather", 2)


def test_criss_cross_attention_equals_loops():
    _, module = build_plugin_layer(dict(type="CrissCrossAttention"), in_channels=8)
    randomise(module)
    assert "gamma.scale" in module.state_dict()
    x = torch.randn(2, 8, 3, 4)
    query, key, value = module.query_conv(x), module.key_conv(x), module.value_conv(x)
    out = torch.zeros_like(x)
    for b, i, j in torch.cartesian_prod(*(torch.arange(s) for s in (2, 3, 4))).tolist():
        places = [(r, j) for r in range(3) if r != i] + [(i, c) for c in range(4)]
        logits = torch.stack([query[b, :, i, j] @ key[b, :, r, c] for r, c in places])
        for weight, (r, c) in zip(logits.softmax(0), places, strict=True):
            out[b, :, i, j] += weight * value[b, :, r, c]
    assert torch.allclose(module(x), x + module.gamma.scale * out, atol=1e-5)


@pytest.mark.parametrize("use_deform", [False, True])
def test_switchable_atrous_convolution(use_deform):
    options = dict(kernel_size=3, padding=1, bias=False, use_deform=use_deform)
    conv = build_conv_layer(dict(type="SAC"), 4, 6, **options)
    x = torch.randn(2, 4, 6, 7)
    flat = conv.weight.flatten(1)
    deviation = (flat.var(1, keepdim=True) + 1e-5).sqrt()
    weight = ((flat - flat.mean(1, keepdim=True)) / deviation).view_as(conv.weight)
    assert torch.allclose(conv(x), F.conv2d(x, weight, padding=1), atol=1e-5)  # as it starts
    for name, layer in conv.named_children():
        if not name.startswith("offset"):
            randomise(layer)
    torch.nn.init.normal_(conv.weight_diff)
    mean = x.mean((2, 3), keepdim=True)
    inner = x + F.conv2d(mean, conv.pre_context.weight, conv.pre_context.bias)
    padded = F.pad(inner, (2, 2, 2, 2), mode="reflect")
    around = F.conv2d(padded, torch.full((4, 1, 5, 5), 1 / 25), groups=4)
    switch = F.conv2d(around, conv.switch.weight, conv.switch.bias)
    out = switch * F.conv2d(inner, weight, padding=1)
    out = out + (1 - switch) * F.conv2d(inner, weight + conv.weight_diff, padding=3, dilation=3)
    context = F.conv2d(out.mean((2, 3), keepdim=True), conv.post_context.weight)
    expected = out + context + conv.post_context.bias.view(-1, 1, 1)
    assert torch.allclose(conv(x), expected, atol=1e-4)
    layers = ["switch", "pre_context", "post_context"] + ["offset_s", "offset_l"] * use_deform
    names = {f"{layer}.{p}" for layer in layers for p in ("weight", "bias")}
    own = {"weight", "weight_diff", "weight_gamma", "weight_beta"}
    assert set(conv.state_dict()) == names | own


@pytest.mark.parametrize("up, down", [(1, 1), (2, 1), (1, 2), ((3, 2), (2, 3))])
@pytest.mark.parametrize("pad", [(1, 2), (2, -1, 0, 1)])
def test_upfirdn_equals_loops(up, down, pad):
    x, kernel = torch.randn(2, 2, 4, 5), torch.randn(2, 3)
    up_x, up_y = up if isinstance(up, tuple) else (up, up)
    down_x, down_y = down if isinstance(down, tuple) else (down, down)
    left, right, top, bottom = pad if len(pad) == 4 else pad * 2
    spread = torch.zeros(2, 2, 4 * up_y + 8, 5 * up_x + 8)  # four pixels around everything
    spread[:, :, 4 : 4 + 4 * up_y : up_y, 4 : 4 + 5 * up_x : up_x] = x
    spread = spread[:, :, 4 - top : 4 + 4 * up_y + bottom, 4 - left : 4 + 5 * up_x + right]
    height = (spread.shape[2] - 2) // down_y + 1
    width = (spread.shape[3] - 3) // down_x + 1
    expected = torch.zeros(2, 2, height, width)
    for i in range(height):
        for j in range(width):
            for a in range(2):
                for b in range(3):
                    pixel = spread[:, :, i * down_y + a, j * down_x + b]
                    expected[:, :, i, j] += pixel * kernel[1 - a, 2 - b]
    assert torch.allclose(ops.upfirdn2d(x, kernel, up, down, pad), expected, atol=1e-5)


def test_fused_bias_leaky_relu():
    module = randomise(ops.FusedBiasLeakyReLU(3))
    for shape in ((2, 3), (2, 3, 4), (2, 3, 4, 5)):
        x = torch.randn(shape)
        for c in range(3):
            shifted = x[:, c] + module.bias[c]
            expected = torch.where(shifted > 0, shifted, 0.2 * shifted) * math.sqrt(2)
            assert torch.allclose(module(x)[:, c], expected)


def test_merge_cells_combine_maps():
    x1, x2 = torch.randn(2, 4, 6, 6), torch.randn(2, 4, 3, 3)
    larger = x2.repeat_interleave(2, 2).repeat_interleave(2, 3)
    plain = dict(with_out_conv=False)
    assert torch.allclose(ops.SumCell(4, 4, **plain)(x1, x2), x1 + larger)
    assert torch.allclose(ops.ConcatCell(4, 4, **plain)(x1, x2), torch.cat([x1, larger], 1))
    gate = larger.mean((2, 3), keepdim=True).sigmoid()
    assert torch.allclose(ops.GlobalPoolingCell(**plain)(x1, x2), larger + gate * x1)
    smaller = F.max_pool2d(x1, 2)
    assert torch.allclose(ops.SumCell(4, 4, **plain)(x1, x2, (3, 3)), smaller + x2)
    odd = F.max_pool2d(F.pad(x1, (1, 1, 1, 1)), 2)
    assert torch.allclose(ops.SumCell(4, 4, **plain)(x1, x1, (4, 4)), 2 * odd)


def test_merge_cells_convolve():
    options = dict(kernel_size=3, padding=1, bias=False)
    cell = ops.ConcatCell(4, 5, out_conv_cfg=options, out_norm_cfg=dict(type="BN"))
    x = torch.randn(2, 4, 3, 3)
    conv = cell.out_conv.conv
    expected = F.conv2d(torch.cat([x, x], 1).relu(), conv.weight, padding=1)
    assert torch.allclose(cell.eval()(x, x), expected / math.sqrt(1 + 1e-5), atol=1e-5)
    with_inputs = ops.SumCell(4, 4, with_input1_conv=True, with_input2_conv=True)
    assert "input2_conv.conv.bias" in with_inputs.state_dict()
    with pytest.raises(AssertionError, match="'area'"):
        ops.SumCell(4, 4, upsample_mode="area")


def test_paths_of_1x():
    from mmcv.ops.modulated_deform_conv import ModulatedDeformConv2d
    from mmcv.ops.multi_scale_deform_attn_optimized import MultiScaleDeformableAttentionOptimized
    from mmcv.ops.roi_pool import RoIPool
    from mmcv.ops.sync_bn import SyncBatchNorm

    assert ModulatedDeformConv2d is ops.ModulatedDeformConv2d and RoIPool is ops.RoIPool
    assert SyncBatchNorm is ops.SyncBatchNorm and callable(ops.roi_pool)
    assert issubclass(MultiScaleDeformableAttentionOptimized, ops.MultiScaleDeformableAttention)
    assert ops.get_onnxruntime_op_path() == "" and ops.get_compiler_version() == "n/a"
    assert isinstance(ops.get_compiling_cuda_version(), str)


@pytest.mark.parametrize("name", ["box_iou_rotated", "DeformRoIPool", "knn", "Voxelization"])
def test_what_is_out_of_scope_says_so(name):
    with pytest.raises(ImportError, match=f"mmcv.ops.{name} is not available"):
        getattr(ops, name)


def test_seeded_deformable_convolutions_start_as_in_1x():
    torch.manual_seed(0)
    first = ops.DeformConv2dPack(4, 6, 3, padding=1)
    assert first.weight.abs().max() <= math.sqrt(6 / 36)  # He et al., uniform, gain of ReLU
    assert first.weight.abs().max() > 1 / math.sqrt(36)
    torch.manual_seed(0)
    second = ops.ModulatedDeformConv2dPack(4, 6, 3, padding=1)
    torch.manual_seed(0)
    shape = second.weight.shape
    torch.empty(shape).uniform_()
    torch.nn.Conv2d(4, 27, 3)  # drawn between the two draws of the kernel
    expected = torch.empty(shape).uniform_(-1 / 6, 1 / 6)
    assert torch.equal(second.weight, expected)
    assert not second.conv_offset.weight.any() and not second.bias.any()
