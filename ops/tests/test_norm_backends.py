"""The fused norms against autograd through the plain torch form, and the switch between them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from mmops.norm import add_scale_rms_norm, qk_norm, rms_norm, uses_fused
from mmops.norm.reference import add_scale_rms_norm_reference, rms_norm_reference

EPS = 1e-6
# fp32 differs by the order of sums; bf16 by two roundings: autograd rounds intermediate gradients.
TOLERANCES = {torch.float64: 1e-12, torch.float32: 1e-5, torch.bfloat16: 3e-2}


def make(shape, dtype=torch.float64, device="cpu"):
    """A strided x, branch, gamma and weight."""
    torch.manual_seed(0)
    width = shape[-1]
    x = torch.randn(*shape[:-1], 3 * width, device=device)[..., :width]
    branch = torch.randn(shape, device=device)
    gamma, weight = torch.randn(2, width, device=device)
    return [t.to(dtype) for t in (x, branch, gamma, weight)]


def gradients(function, inputs):
    leaves = [t.detach().requires_grad_() for t in inputs]
    outputs = function(*leaves)
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    generator = torch.Generator(outputs[0].device).manual_seed(1)
    grads = [
        torch.randn(o.shape, generator=generator, device=o.device).to(o.dtype) for o in outputs
    ]
    return outputs, torch.autograd.grad(outputs, leaves, grads)


def assert_close(got, want, dtype):
    for g, w in zip(got, want, strict=True):
        assert g.dtype == w.dtype and g.shape == w.shape
        worst = (g.double() - w.double()).abs().max() / w.double().abs().max()
        assert worst <= TOLERANCES[dtype], worst


def assert_backends_agree(shape, dtype, device="cpu"):
    x, branch, gamma, weight = make(shape, dtype, device)
    for inputs, function in (
        ((x, weight), rms_norm),
        ((x, branch, gamma, weight), add_scale_rms_norm),
    ):
        fused, reference = (
            gradients(lambda *t, b=b, f=function: f(*t, eps=EPS, backend=b), inputs)
            for b in ("fused", "reference")
        )
        assert_close(fused[0], reference[0], dtype)
        assert_close(fused[1], reference[1], dtype)


@pytest.mark.parametrize("dtype", list(TOLERANCES))
def test_fused_norms_equal_autograd_through_the_reference(dtype):
    assert_backends_agree((2, 5, 24), dtype)


def test_fused_forward_has_the_bits_of_the_published_order():
    x, branch, gamma, weight = make((4, 64), torch.bfloat16)
    got = add_scale_rms_norm(x, branch, gamma, weight, EPS, backend="fused")
    total = x + branch * gamma
    assert torch.equal(got[0], total)
    assert torch.equal(got[1], rms_norm(total, weight, EPS, backend="reference"))


def test_gradients_are_those_of_finite_differences():
    x, branch, gamma, weight = (t.requires_grad_() for t in make((3, 6)))
    assert torch.autograd.gradcheck(lambda x, w: rms_norm_reference(x, w, EPS), (x, weight))
    assert torch.autograd.gradcheck(lambda x, w: rms_norm(x, w, EPS, backend="fused"), (x, weight))
    inputs = (x, branch, gamma, weight)
    assert torch.autograd.gradcheck(lambda *t: add_scale_rms_norm_reference(*t, eps=EPS), inputs)
    assert torch.autograd.gradcheck(lambda *t: add_scale_rms_norm(*t, backend="fused"), inputs)


def test_one_output_of_the_fused_add_may_go_unused():
    inputs = make((3, 6))
    for index in range(2):
        _, fused = gradients(
            lambda *t, i=index: add_scale_rms_norm(*t, eps=EPS, backend="fused")[i] + 0 * t[3],
            inputs,
        )
        _, plain = gradients(
            lambda *t, i=index: add_scale_rms_norm_reference(*t, eps=EPS)[i] + 0 * t[3], inputs
        )
        for got, want in zip(fused, plain, strict=True):
            assert torch.allclose(got, want)


@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor:UserWarning")  # opcheck's own
def test_operators_pass_opcheck():
    x, branch, gamma, weight = (t.requires_grad_() for t in make((2, 3, 8), torch.float32))
    torch.library.opcheck(torch.ops.mmops.rms_norm, (x, weight, EPS))
    torch.library.opcheck(torch.ops.mmops.add_scale_rms_norm, (x, branch, gamma, weight, EPS))


def test_qk_norm_normalises_views_of_one_projection_over_the_full_width():
    torch.manual_seed(0)
    qkv, weights = torch.randn(2, 5, 24), torch.randn(2, 8)
    q, k, _ = qkv.chunk(3, dim=-1)
    for backend in ("reference", "fused"):
        got = qk_norm(q, k, weights[0], weights[1], EPS, backend=backend)
        for out, x, weight in zip(got, (q, k), weights, strict=True):
            expected = torch.nn.functional.rms_norm(x, (8,), weight, EPS)
            assert torch.allclose(out, expected, atol=1e-6)


def test_the_fused_norms_compile_without_graph_breaks():
    x, branch, gamma, weight = make((3, 8), torch.float32)

    def layer(x, branch):
        return add_scale_rms_norm(x, branch, gamma, weight, EPS, backend="fused")[1]

    compiled = torch.compile(layer, backend="aot_eager", fullgraph=True)
    assert torch.equal(compiled(x, branch), layer(x, branch))


def test_the_environment_decides_where_the_argument_does_not(monkeypatch):
    x = torch.zeros(2, 4)
    assert not uses_fused(x)
    monkeypatch.setenv("MMOPS_NORM", "fused")
    assert uses_fused(x)
    assert not uses_fused(x, backend="reference")
    monkeypatch.setenv("MMOPS_NORM", "apex")
    with pytest.raises(ValueError, match=r"MMOPS_NORM.*apex"):
        uses_fused(x)


def test_wrong_shapes_name_the_argument():
    x, branch, gamma, weight = make((3, 6))
    with pytest.raises(ValueError, match="weight"):
        rms_norm(x, weight[:1])
    with pytest.raises(ValueError, match="gamma"):
        add_scale_rms_norm(x, branch, gamma[:5], weight)
    with pytest.raises(ValueError, match="branch"):
        add_scale_rms_norm(x, branch[:1], gamma, weight)


@pytest.mark.parametrize("shape", [(0, 4), (2, 0, 4)])
def test_no_rows_give_no_rows(shape):
    x = torch.zeros(shape, requires_grad=True)
    weight = torch.ones(4, requires_grad=True)
    out = rms_norm(x, weight, backend="fused")
    (grad,) = torch.autograd.grad(out.sum(), weight)
    assert out.shape == shape and torch.equal(grad, torch.zeros(4))


@pytest.mark.processes
def test_triton_kernels_equal_the_reference_in_the_interpreter():
    pytest.importorskip("triton")
    script = Path(__file__).with_name("norm_cases.py")
    environment = {**os.environ, "TRITON_INTERPRET": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, str(script)], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "ok"


@pytest.mark.gpu
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_triton_equals_the_reference_on_the_gpu(dtype):
    assert_backends_agree((8, 1297, 3200), dtype, "cuda")
