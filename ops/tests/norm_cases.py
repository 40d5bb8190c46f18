"""Compares the Triton norms with the references; run as a process, see ``triton_cases.py``."""

import torch

from mmops.norm import triton_kernel
from mmops.norm.reference import add_scale_rms_norm_reference, rms_norm_reference

EPS = 1e-6
TOLERANCES = {torch.float32: 1e-5, torch.bfloat16: 2e-2, torch.float16: 2e-3}


def make(dtype, width, rows=(1, 3)):
    """A strided x (a third of a projection), branch, gamma, weight, and two gradients."""
    torch.manual_seed(0)
    x = torch.randn(*rows, 3 * width).to(dtype)[..., width : 2 * width]
    vectors = [torch.randn(width).to(dtype) for _ in range(2)]
    branch, grad, other = (torch.randn(*rows, width).to(dtype) for _ in range(3))
    return x, branch, *vectors, grad, other


def assert_close(name, got, want, dtype):
    worst = (got.double() - want.double()).abs().max() / want.double().abs().max()
    assert worst <= TOLERANCES[dtype], (name, dtype, worst.item())


def check_rms_norm(dtype, weight_dtype, width):
    x, _, _, weight, grad, _ = make(dtype, width)
    weight = weight.to(weight_dtype)
    got = triton_kernel.rms_norm(x, weight, EPS)
    want = rms_norm_reference(x, weight, EPS)
    assert got.dtype == want.dtype
    assert_close("output", got, want, dtype)
    leaves = [t.double().requires_grad_() for t in (x, weight)]
    wanted = torch.autograd.grad(rms_norm_reference(*leaves, eps=EPS), leaves, grad.double())
    grads = triton_kernel.rms_norm_backward(grad, x, weight, EPS)
    for name, g, w in zip(("x", "weight"), grads, wanted, strict=True):
        assert_close(name, g, w, dtype)


def check_add_scale(dtype, width):
    x, branch, gamma, weight, grad, other = make(dtype, width)
    got = triton_kernel.add_scale_rms_norm(x, branch, gamma, weight, EPS)
    want = add_scale_rms_norm_reference(x, branch, gamma, weight, EPS)
    assert_close("total", got[0], want[0], dtype)
    assert_close("normed", got[1], want[1], dtype)
    leaves = [t.double().requires_grad_() for t in (x, branch, gamma, weight)]
    outputs = add_scale_rms_norm_reference(*leaves, eps=EPS)
    wanted = torch.autograd.grad(outputs, leaves, (grad.double(), other.double()))
    grads = triton_kernel.add_scale_rms_norm_backward(
        grad, other, got[0], branch, gamma, weight, EPS
    )
    for name, g, w in zip(("x", "branch", "gamma", "weight"), grads, wanted, strict=True):
        assert_close(name, g, w, dtype)


if __name__ == "__main__":
    check_rms_norm(torch.bfloat16, torch.float32, 16)
    check_rms_norm(torch.float32, torch.float32, 21)
    for dtype in TOLERANCES:
        check_add_scale(dtype, 21)
    print("ok")
