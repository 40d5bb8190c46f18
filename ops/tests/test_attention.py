import sys
import types

import pytest
import torch

from mmops.attention import TOLERANCES, attention, attention_math, check_attention
from mmops.attention_kernels import PACKAGES


def loop_attention(q, k, v):
    out = torch.empty_like(q)
    for b, h, i in torch.cartesian_prod(*(torch.arange(n) for n in q.shape[:3])).tolist():
        logits = torch.stack([q[b, h, i] @ key for key in k[b, h]]) * q.shape[-1] ** -0.5
        weights = logits.exp() / logits.exp().sum()
        out[b, h, i] = sum(w * value for w, value in zip(weights, v[b, h], strict=True))
    return out


@pytest.mark.parametrize("backend", ["auto", "math"])
def test_attention_equals_loops(backend):
    torch.manual_seed(0)
    q, k, v = torch.randn(3, 2, 3, 5, 4, dtype=torch.float64)
    expected = loop_attention(q, k, v)
    assert torch.allclose(attention(q, k, v, backend=backend), expected, atol=1e-12)


def test_backends_agree_in_gradients():
    torch.manual_seed(0)
    inputs = [torch.randn(1, 2, 17, 8, requires_grad=True) for _ in range(3)]
    grads = [
        torch.autograd.grad(attention(*inputs, backend=b).square().sum(), inputs)
        for b in ("auto", "math")
    ]
    for fast, plain in zip(*grads, strict=True):
        assert torch.allclose(fast, plain, atol=1e-5)


def test_unknown_backend_is_named():
    q = torch.zeros(1, 1, 1, 1)
    with pytest.raises(ValueError, match="flsh"):
        attention(q, q, q, backend="flsh")


@pytest.mark.gpu
@pytest.mark.parametrize("tokens", [1297, 1025, 192])
def test_auto_backend_equals_math_on_the_gpu(tokens):
    q, k, v = (torch.randn(2, 25, tokens, 128, device="cuda", requires_grad=True) for _ in "qkv")
    half = [t.detach().bfloat16().requires_grad_() for t in (q, k, v)]
    out, expected = attention(*half), attention(q, k, v, backend="math")
    assert torch.allclose(out.float(), expected, atol=2e-2)
    for got, want in zip(
        torch.autograd.grad(out.float().sum(), half),
        torch.autograd.grad(expected.sum(), (q, k, v)),
        strict=True,
    ):
        assert torch.isfinite(got).all()
        assert torch.allclose(got.float(), want, atol=5e-2)


def flash_attn_func(q, k, v, softmax_scale=None):
    """What the flash-attn packages promise: (B, N, H, D) in and out."""
    assert q.shape[2] == 2
    heads = (x.transpose(1, 2) for x in (q, k, v))
    return attention_math(*heads, scale=softmax_scale).transpose(1, 2)


@pytest.mark.parametrize("backend", ["fa2", "fa3", "fa4"])
def test_installed_packages_are_used(backend, monkeypatch):
    module = types.ModuleType(PACKAGES[backend][0])
    results = {"fa2": lambda out: out, "fa3": lambda out: out, "fa4": lambda out: (out, None)}
    function = lambda *a, **k: results[backend](flash_attn_func(*a, **k))  # noqa: E731
    monkeypatch.setattr(module, "flash_attn_func", function, raising=False)
    if backend == "fa4":
        monkeypatch.setitem(sys.modules, "flash_attn", types.ModuleType("flash_attn"))
    monkeypatch.setitem(sys.modules, module.__name__, module)
    q, k, v = torch.randn(3, 1, 2, 5, 4)
    got = attention(q, k, v, scale=0.3, backend=backend)
    assert torch.allclose(got, attention(q, k, v, scale=0.3, backend="math"), atol=1e-6)


@pytest.mark.parametrize("backend", ["fa2", "fa3", "fa4"])
def test_a_missing_package_says_what_to_install(backend, monkeypatch):
    monkeypatch.setitem(sys.modules, PACKAGES[backend][0].split(".")[0], None)
    q = torch.zeros(1, 1, 1, 1)
    with pytest.raises(ImportError, match=f"'{backend}' needs .* install"):
        attention(q, q, q, backend=backend)


@pytest.fixture
def fresh_checks():
    check_attention.cache_clear()
    yield
    check_attention.cache_clear()


@pytest.mark.parametrize("dtype", list(TOLERANCES))
def test_right_kernels_pass_the_check(dtype, fresh_checks, caplog):
    state = torch.get_rng_state()
    with torch.inference_mode():
        assert check_attention(17, 8, dtype, "cpu") == "auto"
    assert torch.equal(torch.get_rng_state(), state)
    assert not caplog.records


def wrong_tail(q, k, v, scale=None):
    out = attention_math(q, k, v, scale)
    return torch.cat([out[:, :, :-1], out[:, :, -1:] * float("nan")], dim=2)


class WrongBackward(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, *grads):
        return grads[0] * 2


def wrong_dk(q, k, v, scale=None):
    return attention_math(q, WrongBackward.apply(k), v, scale)


def refuses(q, k, v, scale=None):
    raise RuntimeError("No available kernel. Aborting execution.")


@pytest.mark.parametrize(
    "kernel, problem",
    [(wrong_tail, "output is off by nan"), (wrong_dk, "dk is off by 1"), (refuses, "No available")],
)
def test_a_wrong_kernel_is_passed_over_with_one_warning(
    kernel, problem, fresh_checks, monkeypatch, caplog
):
    monkeypatch.setattr(torch.nn.functional, "scaled_dot_product_attention", kernel)
    for _ in range(2):
        assert check_attention(5, 4, torch.float32, "cpu") == "math"
    assert len(caplog.records) == 1
    assert problem in caplog.text and "5 tokens" in caplog.text
