import pytest
import torch

from mmops.attention import attention


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
