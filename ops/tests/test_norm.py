import math

import pytest
import torch

from mmops.norm import LayerNorm2d, RMSNorm, rms_norm


def test_rms_norm_equals_loops():
    torch.manual_seed(0)
    x, weight = torch.randn(3, 4, 6, dtype=torch.float64), torch.randn(6, dtype=torch.float64)
    expected = torch.empty_like(x)
    for i in range(3):
        for j in range(4):
            rms = math.sqrt(sum(v.item() ** 2 for v in x[i, j]) / 6 + 1e-6)
            expected[i, j] = x[i, j] / rms * weight
    assert torch.allclose(rms_norm(x, weight), expected, atol=1e-12)


def test_rms_norm_multiplies_after_the_cast():
    torch.manual_seed(0)
    x, weight = torch.randn(8, 64).bfloat16(), torch.randn(64).bfloat16()
    wide = x.float()
    normalised = wide / (wide.pow(2).mean(-1, keepdim=True) + 1e-6).sqrt()
    assert torch.equal(rms_norm(x, weight), normalised.bfloat16() * weight)


def test_rms_norm_of_zeros_is_zero():
    # Windowed attention relies on it: padded tokens give zero queries and keys.
    assert torch.equal(RMSNorm(8)(torch.zeros(2, 8)), torch.zeros(2, 8))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_layer_norm_2d_equals_layer_norm_over_channels(dtype):
    torch.manual_seed(0)
    norm = LayerNorm2d(6).to(dtype)
    torch.nn.init.normal_(norm.weight)
    torch.nn.init.normal_(norm.bias)
    x = torch.randn(2, 6, 3, 5).to(dtype)
    oracle = torch.nn.functional.layer_norm(
        x.float().permute(0, 2, 3, 1), (6,), norm.weight.float(), norm.bias.float(), 1e-6
    )
    out = norm(x)
    assert out.dtype == dtype
    tolerance = 1e-6 if dtype == torch.float32 else 2e-2
    assert torch.allclose(out.float(), oracle.permute(0, 3, 1, 2), atol=tolerance)
