"""Every backend of deformable attention against the reference, which has its own oracle.

Without a compiler the operator itself ("native") computes the plain form: the same tests hold.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmops.deformable_attention import MSDeformAttn, cpu, ms_deform_attn, ms_deform_attn_reference
from mmops.native import load_library


def make(shapes, batch=2, queries=5, heads=3, channels=4, points=2, dtype=torch.float64, seed=0):
    generator = torch.Generator().manual_seed(seed)
    positions = sum(h * w for h, w in shapes)
    value = torch.randn(batch, positions, heads, channels, generator=generator)
    locations = torch.rand(batch, queries, heads, len(shapes), points, 2, generator=generator)
    weights = torch.rand(batch, queries, heads, len(shapes), points, generator=generator)
    return [t.to(dtype) for t in (value, locations * 2 - 0.5, weights)]


def gradients(function, inputs, grad):
    leaves = [t.detach().clone().requires_grad_() for t in inputs]
    return torch.autograd.grad(function(*leaves), leaves, grad)


sizes = st.lists(st.tuples(st.integers(0, 4), st.integers(1, 5)), min_size=1, max_size=3)


@settings(deadline=None, max_examples=30)
@given(
    sizes,
    st.integers(0, 2),
    st.integers(0, 4),
    st.sampled_from([1, 3, 8, 16, 33]),
    st.integers(0, 99),
)
def test_native_equals_reference_for_any_sizes(shapes, batch, queries, channels, seed):
    inputs = make(shapes, batch, queries, channels=channels, seed=seed)
    expected = ms_deform_attn_reference(inputs[0], shapes, *inputs[1:])
    got = ms_deform_attn(inputs[0], shapes, *inputs[1:], backend="native")
    assert torch.allclose(got, expected, atol=1e-12)


@pytest.mark.parametrize("channels", [1, 8, 16, 32, 64])
def test_native_gradients_equal_the_reference(channels):
    shapes = [(3, 4), (2, 2), (1, 5)]
    inputs = make(shapes, channels=channels)
    grad = torch.randn(2, 5, 3 * channels, dtype=torch.float64)
    native = gradients(
        lambda *t: ms_deform_attn(t[0], shapes, *t[1:], backend="native"), inputs, grad
    )
    plain = gradients(lambda *t: ms_deform_attn_reference(t[0], shapes, *t[1:]), inputs, grad)
    for got, want in zip(native, plain, strict=True):
        assert torch.allclose(got, want, atol=1e-10)


@pytest.mark.processes
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor:UserWarning")  # opcheck's own
def test_native_passes_gradcheck_and_opcheck():
    shapes = [(3, 2), (2, 2)]
    inputs = [t.requires_grad_() for t in make(shapes, batch=1, queries=2, heads=2)]
    assert torch.autograd.gradcheck(
        lambda *t: ms_deform_attn(t[0], shapes, *t[1:], backend="native"), inputs
    )
    torch.library.opcheck(
        torch.ops.mmops.ms_deform_attn.default, (inputs[0], [3, 2, 2, 2], *inputs[1:], False)
    )


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32])
def test_native_keeps_the_dtype_of_the_values(dtype):
    shapes = [(6, 4)]
    value, locations, weights = make(shapes, dtype=torch.float32)
    out = ms_deform_attn(value.to(dtype), shapes, locations, weights, backend="native")
    expected = ms_deform_attn_reference(value.to(dtype).double(), shapes, locations, weights)
    assert out.dtype == dtype
    assert torch.allclose(out.double(), expected, atol=1e-5 if dtype == torch.float32 else 4e-2)


def test_inputs_need_not_be_contiguous():
    shapes = [(3, 3)]
    value, locations, weights = make(shapes)
    strided = value.transpose(1, 2).contiguous().transpose(1, 2)
    outs = [
        ms_deform_attn(v, shapes, locations, weights, backend="native") for v in (value, strided)
    ]
    assert not strided.is_contiguous() and torch.equal(*outs)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 99), st.sampled_from([1, 4, 7]))
def test_rows_equal_the_reference(seed, channels):
    shapes = [(3, 4), (2, 2), (0, 3), (1, 5), (4, 1), (1, 1), (0, 0)]
    inputs = make(shapes, channels=channels, seed=seed)
    expected = ms_deform_attn_reference(inputs[0], shapes, *inputs[1:])
    got = ms_deform_attn(inputs[0], shapes, *inputs[1:], backend="rows")
    assert torch.allclose(got, expected, atol=1e-12)


def test_wrong_sizes_name_the_argument():
    value, locations, weights = make([(3, 4)])
    with pytest.raises(ValueError, match="shapes"):
        ms_deform_attn(value, [(3, 3)], locations, weights)
    with pytest.raises(ValueError, match="weights"):
        ms_deform_attn(value, [(3, 4)], locations, weights[..., :1])
    with pytest.raises(ValueError, match="locations"):
        ms_deform_attn(value, [(3, 4)], locations[:1], weights)
    with pytest.raises(ValueError, match="value"):
        ms_deform_attn(value[0], [(3, 4)], locations, weights)
    with pytest.raises(ValueError, match="backend"):
        ms_deform_attn(value, [(3, 4)], locations, weights, backend="cuda")


def test_the_module_works_on_the_meta_device():
    with torch.device("meta"):
        module = MSDeformAttn(64, 2, 4, 2)
        query, source = torch.empty(1, 3, 64), torch.empty(1, 20, 64)
        out = module(query, torch.empty(1, 3, 2, 2), source, [(4, 4), (2, 2)])
    assert out.shape == (1, 3, 64) and out.is_meta


def test_the_module_compiles_without_graph_breaks():
    torch.manual_seed(0)
    module = MSDeformAttn(16, 1, 2, 2)
    args = (torch.randn(1, 3, 16), torch.rand(1, 3, 1, 2), torch.randn(1, 4, 16))
    results = []
    for run in (module, torch.compile(module, backend="aot_eager", fullgraph=True)):
        out = run(*args, [(2, 2)])
        results.append([out, *torch.autograd.grad(out.square().sum(), list(module.parameters()))])
    for got, want in zip(*results, strict=True):
        assert torch.allclose(got, want, atol=1e-6)


def test_the_backward_operator_passes_opcheck():
    shapes = [(3, 2), (2, 2)]
    inputs = make(shapes, batch=1, queries=2, heads=2, dtype=torch.float32)
    torch.library.opcheck(
        torch.ops.mmops.ms_deform_attn_backward.default,
        (inputs[0], [3, 2, 2, 2], *inputs[1:], torch.randn(1, 2, 8), False),
    )


@pytest.mark.parametrize("backend", ["auto", "native", "rows", "reference", "operator"])
def test_autocast_lowers_values_and_keeps_locations(backend):
    shapes = [(40, 3)]  # where bf16 locations would be off by a tenth of a pixel
    value, locations, weights = make(shapes, dtype=torch.float32)
    weights.requires_grad_()
    lowered = value.bfloat16().double()
    expected = ms_deform_attn_reference(lowered, shapes, locations, weights)

    def run():
        if backend == "operator":
            return torch.ops.mmops.ms_deform_attn(value, [40, 3], locations, weights, False)
        return ms_deform_attn(value, shapes, locations, weights, backend=backend)

    with torch.autocast("cpu", torch.bfloat16):
        out = run()
        wide = ms_deform_attn(value.double(), shapes, locations, weights, backend="reference")
    assert out.dtype == torch.bfloat16 and wide.dtype == torch.float64
    assert (out.double() - expected).abs().max() < 0.02
    assert run().dtype == torch.float32
    if backend != "rows":
        (grad,) = torch.autograd.grad(out.float().sum(), weights)
        assert grad.dtype == torch.float32 and bool(grad.abs().sum() > 0)


@pytest.mark.parametrize("queries, shapes", [(0, [(3, 4)]), (2, [(0, 4)]), (0, [(0, 0)])])
@pytest.mark.parametrize("backend", ["auto", "native", "rows", "reference"])
def test_nothing_to_attend_to(queries, shapes, backend):
    inputs = [t.requires_grad_() for t in make(shapes, queries=queries)]
    out = ms_deform_attn(inputs[0], shapes, *inputs[1:], backend=backend)
    assert out.shape == (2, queries, 12) and not out.any()
    if out.requires_grad:
        grads = torch.autograd.grad(out.sum(), inputs, allow_unused=True)
        assert not any(g.any() for g in grads if g is not None)


def test_without_a_compiler_the_torch_forms_serve(monkeypatch):
    monkeypatch.setenv("MMOPS_NATIVE", "0")
    load_library.cache_clear()
    try:
        shapes = [(3, 4)]
        inputs = make(shapes)
        expected = ms_deform_attn_reference(inputs[0], shapes, *inputs[1:])
        with torch.no_grad():
            assert torch.allclose(ms_deform_attn(inputs[0], shapes, *inputs[1:]), expected)
        grad = torch.randn_like(expected)
        auto = gradients(lambda *t: ms_deform_attn(t[0], shapes, *t[1:]), inputs, grad)
        plain = gradients(lambda *t: ms_deform_attn_reference(t[0], shapes, *t[1:]), inputs, grad)
        for got, want in zip(auto, plain, strict=True):
            assert torch.allclose(got, want)
    finally:
        load_library.cache_clear()


def test_a_broken_compiler_is_logged_and_passed_over(monkeypatch, tmp_path, caplog):
    fake = tmp_path / "fake-g++"
    fake.write_text("#!/bin/sh\necho no such header >&2\nexit 1\n")
    fake.chmod(0o755)
    monkeypatch.setenv("CXX", str(fake))
    monkeypatch.setenv("MMOPS_CACHE", str(tmp_path / "cache"))
    load_library.cache_clear()
    try:
        assert load_library(cpu.SOURCE) is None
        assert "no such header" in caplog.text
    finally:
        load_library.cache_clear()


@pytest.mark.processes
def test_triton_kernels_equal_the_reference_in_the_interpreter():
    pytest.importorskip("triton")
    script = Path(__file__).with_name("triton_cases.py")
    environment = {**os.environ, "TRITON_INTERPRET": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, str(script)], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "ok"


@pytest.mark.gpu
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("deterministic", [False, True])
def test_triton_equals_the_reference_on_the_gpu(dtype, deterministic):
    shapes = [(64, 64), (32, 32), (16, 16)]
    value, locations, weights = (
        t.cuda() for t in make(shapes, queries=1024, heads=25, channels=32, points=4)
    )
    value = value.to(dtype)
    grad = torch.randn(2, 1024, 800, device="cuda")
    inputs = [value, locations.float(), weights.float()]
    got = gradients(
        lambda *t: ms_deform_attn(t[0], shapes, *t[1:], deterministic=deterministic).float(),
        inputs,
        grad,
    )
    want = gradients(
        lambda *t: ms_deform_attn_reference(t[0].double(), shapes, *t[1:]).float(), inputs, grad
    )
    tolerance = 1e-4 if dtype == torch.float32 else 3e-2
    for g, w in zip(got, want, strict=True):
        assert (g.double() - w.double()).abs().max() <= tolerance * w.double().abs().max()
