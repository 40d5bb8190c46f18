"""Runs the Triton kernels through Triton's interpreter; the tests start it as a process.

The interpreter has to be chosen before Triton is imported, and it runs on CPU tensors.
"""

import itertools

import torch

from mmops.deformable_attention import ms_deform_attn_reference, triton_kernel

SHAPES = [(3, 4), (2, 2)]


def make(dtype: torch.dtype, channels: int) -> list[torch.Tensor]:
    torch.manual_seed(0)
    value = torch.randn(2, 16, 3, channels)
    locations = torch.rand(2, 5, 3, 2, 2, 2) * 1.6 - 0.3
    weights = torch.rand(2, 5, 3, 2, 2)
    return [value.to(dtype), locations, weights]


def check(dtype: torch.dtype, channels: int, deterministic: bool) -> None:
    value, locations, weights = make(dtype, channels)
    sizes = [n for pair in SHAPES for n in pair]
    leaves = [t.double().requires_grad_() for t in (value, locations, weights)]
    expected = ms_deform_attn_reference(leaves[0], SHAPES, leaves[1], leaves[2])
    grad = torch.randn(expected.shape).to(dtype)
    wanted = torch.autograd.grad(expected, leaves, grad.double())
    tolerance = 1e-5 if dtype == torch.float32 else 4e-2
    out = triton_kernel.forward(value, sizes, locations, weights)
    assert out.dtype == dtype
    assert torch.allclose(out.double(), expected, atol=tolerance), (dtype, channels)
    grads = triton_kernel.backward(
        value, sizes, locations, weights, grad, deterministic=deterministic
    )
    for name, got, want in zip(("value", "locations", "weights"), grads, wanted, strict=True):
        worst = (got.double() - want).abs().max() / want.abs().max()
        assert worst < tolerance, (name, dtype, channels, deterministic, worst)


if __name__ == "__main__":
    for dtype, deterministic in itertools.product((torch.float32, torch.bfloat16), (False, True)):
        check(dtype, 5, deterministic)
    check(torch.float32, 8, False)
    print("ok")
