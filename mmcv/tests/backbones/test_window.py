import pytest
import torch

from mmcv.backbones.intern_vit_block import Attention
from mmcv.backbones.window import pad_to_windows, window_partition, window_reverse


@pytest.mark.parametrize("grid", [(4, 4), (5, 6), (2, 7), (1, 1)])
@pytest.mark.parametrize("size", [2, 3, 8])
def test_reverse_undoes_partition(grid, size):
    x = torch.randn(2, *grid, 5)
    windows = window_partition(x, size)
    count = -(-grid[0] // size) * -(-grid[1] // size)
    assert windows.shape == (2 * count, size * size, 5)
    torch.testing.assert_close(window_reverse(windows, size, grid), x)


def test_windows_are_numbered_row_by_row():
    x = torch.arange(12.0).view(1, 2, 6, 1)
    windows = window_partition(x, 2)[..., 0]
    assert windows.tolist() == [[0, 1, 6, 7], [2, 3, 8, 9], [4, 5, 10, 11]]


def test_padding_is_at_the_bottom_and_right():
    padded = pad_to_windows(torch.ones(1, 3, 2, 1), 4)[0, ..., 0]
    assert padded.shape == (4, 4)
    assert padded.sum() == 6 and padded[:3, :2].sum() == 6


def pad_before(attention, x, grid):
    """Pads the tokens, then projects them: the published order."""
    size = attention.window_size
    padded = pad_to_windows(x.unflatten(1, grid), size)
    windows = window_partition(padded, size)
    out = attention._attend(*attention._project(windows))
    return attention.proj(window_reverse(out, size, grid).flatten(1, 2))


@pytest.mark.parametrize("qkv_bias", [False, True])
@pytest.mark.parametrize("qk_normalization", [False, True])
def test_padding_after_the_projection_gives_the_same(qkv_bias, qk_normalization):
    torch.manual_seed(0)
    attention = Attention(
        16, 2, qkv_bias=qkv_bias, qk_normalization=qk_normalization, window_size=3
    )
    x = torch.randn(2, 4 * 5, 16, requires_grad=True)
    grads = []
    for forward in (attention, lambda x, grid: pad_before(attention, x, grid)):
        y = forward(x, (4, 5))
        grads.append((y, *torch.autograd.grad(y.square().sum(), [x, *attention.parameters()])))
    for ours, published in zip(*grads, strict=True):
        torch.testing.assert_close(ours, published, atol=2e-5, rtol=1e-5)
