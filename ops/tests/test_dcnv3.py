"""DCNv3 against loops over pixels, groups and taps."""

import math

import pytest
import torch

from mmops.dcnv3 import DCNv3, DCNv3_pytorch, DCNv3Function, dcnv3, dcnv3_core_pytorch


def pixel(image, y, x):
    """Bilinear value of ``image`` (H, W, C), zero outside."""
    top, left = math.floor(y), math.floor(x)
    total = torch.zeros(image.shape[-1], dtype=image.dtype)
    for row in (top, top + 1):
        for column in (left, left + 1):
            if 0 <= row < image.shape[0] and 0 <= column < image.shape[1]:
                total += (1 - abs(y - row)) * (1 - abs(x - column)) * image[row, column]
    return total


def loops(x, offset, mask, *, kernel, stride, pad, dilation, group, offset_scale):
    images, height, width = mask.shape[:3]
    channels = x.shape[-1] // group
    out = x.new_zeros(images, height, width, x.shape[-1])
    offset = offset.view(images, height, width, group, kernel[1], kernel[0], 2)
    mask = mask.view(images, height, width, group, kernel[1], kernel[0])
    half = [dilation[i] * (kernel[i] - 1) // 2 for i in range(2)]
    for n, i, j, g in torch.cartesian_prod(
        *(torch.arange(s) for s in (images, height, width, group))
    ).tolist():
        part = slice(g * channels, (g + 1) * channels)
        for tap_x in range(kernel[1]):
            for tap_y in range(kernel[0]):
                move_x, move_y = offset[n, i, j, g, tap_x, tap_y].tolist()
                y = i * stride[0] - pad[0] + half[0]
                y += offset_scale * (tap_y * dilation[0] - half[0] + move_y)
                column = j * stride[1] - pad[1] + half[1]
                column += offset_scale * (tap_x * dilation[1] - half[1] + move_x)
                weight = mask[n, i, j, g, tap_x, tap_y]
                out[n, i, j, part] += weight * pixel(x[n, :, :, part], y, column)
    return out


CASES = [
    dict(kernel=(3, 3), stride=(1, 1), pad=(1, 1), dilation=(1, 1), group=2, offset_scale=1.0),
    dict(kernel=(3, 2), stride=(2, 1), pad=(0, 2), dilation=(1, 2), group=1, offset_scale=0.5),
    dict(kernel=(1, 3), stride=(1, 2), pad=(1, 0), dilation=(2, 1), group=3, offset_scale=2.0),
]


def make(options, height=5, width=4, channels=6, dtype=torch.float64):
    torch.manual_seed(0)
    size = [
        (side + 2 * pad - step * (k - 1) - 1) // stride + 1
        for side, pad, step, k, stride in zip(
            (height, width),
            *(options[name] for name in ("pad", "dilation", "kernel", "stride")),
            strict=True,
        )
    ]
    samples = options["group"] * math.prod(options["kernel"])
    x = torch.randn(2, height, width, channels, dtype=dtype)
    offset = torch.randn(2, *size, samples * 2, dtype=dtype)
    return x, offset, torch.rand(2, *size, samples, dtype=dtype)


def published_arguments(options, channels=6):
    pairs = (options[name] for name in ("kernel", "stride", "pad", "dilation"))
    flat = [n for pair in pairs for n in pair]
    group = options["group"]
    return *flat, group, channels // group, options["offset_scale"]


@pytest.mark.parametrize("options", CASES)
def test_all_forms_equal_the_loops(options):
    inputs = make(options)
    expected = loops(*inputs, **options)
    arguments = [*inputs, *published_arguments(options)]
    for got in (
        dcnv3(*inputs, **options),
        dcnv3_core_pytorch(*arguments),
        DCNv3Function.apply(*[*arguments, 256]),
    ):
        assert torch.allclose(got, expected, atol=1e-12)


@pytest.mark.parametrize("options", CASES)
def test_gradients_of_the_fast_form_equal_the_reference(options):
    grads = []
    for backend in ("auto", "reference"):
        inputs = [t.requires_grad_() for t in make(options)]
        output = dcnv3(*inputs, **options, backend=backend)
        grads.append(torch.autograd.grad(output.square().sum(), inputs))
    for got, want in zip(*grads, strict=True):
        assert torch.allclose(got, want, atol=1e-10)


def test_without_offsets_it_is_a_depthwise_average():
    options = CASES[0]
    x, offset, mask = make(options)
    got = dcnv3(x, torch.zeros_like(offset), torch.full_like(mask, 1 / 9), **options)
    average = torch.nn.functional.avg_pool2d(x.permute(0, 3, 1, 2), 3, 1, 1)
    assert torch.allclose(got, average.permute(0, 2, 3, 1), atol=1e-12)


def test_sizes_that_do_not_fit_name_the_argument():
    options = CASES[0]
    x, offset, mask = make(options)
    with pytest.raises(ValueError, match="offset must be"):
        dcnv3(x, offset[:, 1:], mask, **options)
    with pytest.raises(ValueError, match="mask must be"):
        dcnv3(x, offset, mask[..., 1:], **options)
    with pytest.raises(ValueError, match="x must be"):
        dcnv3(x[..., 1:], offset, mask, **options)
    with pytest.raises(ValueError, match="channels = 6"):
        DCNv3(channels=6, group=4)
    with pytest.raises(ValueError, match="norm_layer"):
        DCNv3(norm_layer="GN")
    with pytest.raises(ValueError, match="act_layer"):
        DCNv3(act_layer="Tanh")


PROJECTIONS = ["offset", "mask", "input_proj", "output_proj"]


@pytest.mark.parametrize(
    "options, norm_keys",
    [
        ({}, ["dw_conv.1.1.weight", "dw_conv.1.1.bias"]),
        (
            {"norm_layer": "BN", "center_feature_scale": True},
            [f"dw_conv.1.0.{name}" for name in ("weight", "bias", "running_mean", "running_var")]
            + ["dw_conv.1.0.num_batches_tracked"]
            + [f"center_feature_scale_proj_{name}" for name in ("weight", "bias")],
        ),
    ],
)
def test_keys(options, norm_keys):
    state = DCNv3(channels=8, group=2, dw_kernel_size=5, **options).state_dict()
    layers = [f"{n}.{p}" for n in ["dw_conv.0", *PROJECTIONS] for p in ("weight", "bias")]
    assert set(state) == {*layers, *norm_keys}
    assert state["dw_conv.0.weight"].shape == (8, 1, 5, 5)
    assert state["offset.weight"].shape == (36, 8) and state["mask.weight"].shape == (18, 8)


@pytest.mark.parametrize("center", [False, True])
def test_the_layer_equals_its_formula(center):
    torch.manual_seed(0)
    layer = DCNv3(8, group=2, act_layer="SiLU", center_feature_scale=center).double()
    for parameter in layer.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    x = torch.randn(1, 4, 5, 8, dtype=torch.float64)
    state = layer.state_dict()
    features = torch.nn.functional.conv2d(
        x.permute(0, 3, 1, 2), state["dw_conv.0.weight"], state["dw_conv.0.bias"], 1, 1, 1, 8
    ).permute(0, 2, 3, 1)
    features = (features - features.mean(-1, keepdim=True)) / (
        features.var(-1, keepdim=True, unbiased=False) + 1e-6
    ).sqrt()
    features = features * state["dw_conv.1.1.weight"] + state["dw_conv.1.1.bias"]
    features = features * features.sigmoid()
    offset, mask, projected = (
        t @ state[f"{n}.weight"].T + state[f"{n}.bias"]
        for n, t in (("offset", features), ("mask", features), ("input_proj", x))
    )
    mask = mask.view(1, 4, 5, 2, 9).exp()
    mask = (mask / mask.sum(-1, keepdim=True)).flatten(-2)
    out = loops(projected, offset, mask, **CASES[0])
    if center:
        name = "center_feature_scale_proj"
        share = (features @ state[f"{name}_weight"].T + state[f"{name}_bias"]).sigmoid()
        share = torch.cat([share[..., g : g + 1].expand(1, 4, 5, 4) for g in range(2)], dim=-1)
        out = out * (1 - share) + projected * share
    expected = out @ state["output_proj.weight"].T + state["output_proj.bias"]
    assert torch.allclose(layer(x), expected, atol=1e-10)
    plain = DCNv3_pytorch(8, group=2, act_layer="SiLU", center_feature_scale=center).double()
    plain.load_state_dict(state)
    assert torch.allclose(plain(x), expected, atol=1e-10)


def test_it_is_built_and_run_on_the_meta_device():
    with torch.device("meta"):
        out = DCNv3(16, center_feature_scale=True)(torch.empty(2, 6, 7, 16))
    assert out.is_meta and out.shape == (2, 6, 7, 16)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_stays_near_fp32(dtype):
    options = CASES[0]
    x, offset, mask = make(options, dtype=torch.float32)
    got = dcnv3(x.to(dtype), offset.to(dtype), mask.to(dtype), **options)
    expected = dcnv3(
        x.to(dtype).float(), offset.to(dtype).float(), mask.to(dtype).float(), **options
    )
    assert got.dtype == dtype
    assert torch.allclose(got.float(), expected, atol=3e-2)


def test_autocast_lowers_the_map_and_keeps_offsets():
    x, offset, mask = make(CASES[0], dtype=torch.float32)
    with torch.autocast("cpu", torch.bfloat16):
        out = dcnv3(x, offset, mask, **CASES[0])
        layer = DCNv3(8, group=2)
        assert layer(torch.randn(1, 4, 5, 8)).dtype == torch.bfloat16
    expected = dcnv3(x.bfloat16().double(), offset, mask, **CASES[0])
    assert out.dtype == torch.bfloat16 and (out.double() - expected).abs().max() < 0.05


def test_without_pixels():
    x, offset, mask = make(CASES[0])
    out = dcnv3(x[:0], offset[:0], mask[:0], **CASES[0])
    assert out.shape == (0, 5, 4, 6)
