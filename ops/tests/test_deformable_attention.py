import math

import pytest
import torch

from mmops.deformable_attention import MSDeformAttn, ms_deform_attn_reference


def loop_deform_attn(value, shapes, locations, weights):
    """Bilinear sampling written as loops over every sampled point and its four corners."""
    batch, _, heads, channels = value.shape
    _, queries, _, levels, points, _ = locations.shape
    out = torch.zeros(batch, queries, heads, channels, dtype=value.dtype)
    for b in range(batch):
        for q in range(queries):
            for m in range(heads):
                start = 0
                for level in range(levels):
                    h, w = (int(s) for s in shapes[level])
                    for p in range(points):
                        x = locations[b, q, m, level, p, 0].item() * w - 0.5
                        y = locations[b, q, m, level, p, 1].item() * h - 0.5
                        x0, y0 = math.floor(x), math.floor(y)
                        for yi, xi in [(y0, x0), (y0, x0 + 1), (y0 + 1, x0), (y0 + 1, x0 + 1)]:
                            if 0 <= yi < h and 0 <= xi < w:
                                share = (1 - abs(y - yi)) * (1 - abs(x - xi))
                                pixel = value[b, start + yi * w + xi, m]
                                out[b, q, m] += weights[b, q, m, level, p] * share * pixel
                    start += h * w
    return out.flatten(2)


def test_reference_equals_loops_inside_and_outside_of_the_maps():
    torch.manual_seed(0)
    shapes = torch.tensor([[3, 4], [2, 2]])
    value = torch.randn(2, 16, 3, 5, dtype=torch.float64)
    locations = torch.rand(2, 4, 3, 2, 2, 2, dtype=torch.float64) * 1.6 - 0.3
    weights = torch.rand(2, 4, 3, 2, 2, dtype=torch.float64)
    expected = loop_deform_attn(value, shapes, locations, weights)
    assert torch.allclose(ms_deform_attn_reference(value, shapes, locations, weights), expected)


def test_module_starts_as_a_ring_of_points():
    module = MSDeformAttn(d_model=16, n_levels=2, n_heads=4, n_points=3)
    bias = module.sampling_offsets.bias.detach().view(4, 2, 3, 2)
    for head, direction in enumerate([(1, 0), (0, 1), (-1, 0), (0, -1)]):
        for point in range(3):
            expected = torch.tensor(direction, dtype=torch.float32) * (point + 1)
            assert torch.allclose(bias[head, :, point], expected.expand(2, 2), atol=1e-6)


@pytest.mark.parametrize("extent", [2, 4])
def test_module_samples_at_the_reference_points(extent):
    # Zero offsets and a value of one everywhere inside: the output is the projection of a constant.
    torch.manual_seed(0)
    module = MSDeformAttn(d_model=8, n_levels=1, n_heads=2, n_points=2, ratio=0.5).double()
    torch.nn.init.zeros_(module.sampling_offsets.bias)
    reference = torch.full((1, 3, 1, extent), 0.5, dtype=torch.float64)
    constant = torch.randn(1, 1, 8, dtype=torch.float64)
    out = module(
        torch.randn(1, 3, 8, dtype=torch.float64),
        reference,
        constant.expand(1, 16, 8),
        torch.tensor([[4, 4]]),
    )
    expected = module.output_proj(module.value_proj(constant)).expand(1, 3, 8)
    assert torch.allclose(out, expected)


def test_padded_positions_do_not_contribute():
    torch.manual_seed(0)
    module = MSDeformAttn(d_model=8, n_levels=1, n_heads=2, n_points=2)
    query, reference = torch.randn(1, 3, 8), torch.rand(1, 3, 1, 2)
    shapes, mask = torch.tensor([[2, 2]]), torch.tensor([[False, False, True, True]])
    first = torch.randn(1, 4, 8)
    second = first.clone()
    second[:, 2:] = 99.0
    outs = [module(query, reference, x, shapes, input_padding_mask=mask) for x in (first, second)]
    assert torch.equal(*outs)


def test_wrong_widths_and_reference_points_are_named():
    with pytest.raises(ValueError, match="n_heads = 5"):
        MSDeformAttn(d_model=16, n_heads=5)
    module = MSDeformAttn(d_model=8, n_levels=1, n_heads=2)
    with pytest.raises(ValueError, match="reference_points"):
        module(torch.randn(1, 1, 8), torch.rand(1, 1, 1, 3), torch.randn(1, 4, 8), torch.ones(1, 2))


@pytest.mark.parametrize(
    "change, message",
    [
        (dict(query=torch.zeros(2, 3, 7)), r"query must be \(B, Q, 8\), but got \(2, 3, 7\)"),
        (dict(source=torch.zeros(1, 4, 8)), r"input_flatten must be \(2, S, 8\)"),
        (dict(reference=torch.zeros(2, 3, 2, 2)), r"reference_points must be \(2 or 1, 3, 1"),
        (dict(reference=torch.zeros(3, 3, 1, 2)), "reference_points must be"),
        (dict(reference=torch.zeros(2, 1, 2)), "reference_points must be"),
        (dict(mask=torch.zeros(2, 5)), r"input_padding_mask must be \(2, 4\)"),
        (dict(shapes=[(2, 3)]), "shapes"),
    ],
)
def test_inputs_that_do_not_fit_are_named(change, message):
    module = MSDeformAttn(d_model=8, n_levels=1, n_heads=2)
    args = dict(
        query=torch.zeros(2, 3, 8),
        reference=torch.zeros(2, 3, 1, 2),
        source=torch.zeros(2, 4, 8),
        shapes=[(2, 2)],
        start=None,
        mask=None,
    )
    with pytest.raises(ValueError, match=message):
        module(*(args | change).values())


@pytest.mark.parametrize("batch, queries", [(0, 3), (2, 0)])
def test_module_without_images_or_queries(batch, queries):
    module = MSDeformAttn(d_model=8, n_levels=1, n_heads=2)
    reference, source = torch.zeros(batch, queries, 1, 2), torch.zeros(batch, 4, 8)
    out = module(torch.zeros(batch, queries, 8), reference, source, [(2, 2)])
    assert out.shape == (batch, queries, 8)
