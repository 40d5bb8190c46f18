import pytest
import torch
import torch.nn.functional as F
from torch import nn

from mmcv.cnn import (
    FFN,
    AdaptivePadding,
    BaseTransformerLayer,
    LearnedPositionalEncoding,
    MultiheadAttention,
    PatchEmbed,
    PatchMerging,
    SinePositionalEncoding,
    TransformerLayerSequence,
)
from mmcv.registry import ConfigError

DIMS, HEADS = 8, 2
ATTENTION = dict(type="MultiheadAttention", embed_dims=DIMS, num_heads=HEADS)


@pytest.mark.parametrize("batch_first", [False, True])
def test_attention_adds_positions_and_the_identity(batch_first):
    module = MultiheadAttention(DIMS, HEADS, batch_first=batch_first).eval()
    query, key, pos = torch.randn(2, 5, DIMS), torch.randn(2, 7, DIMS), torch.randn(2, 5, DIMS)
    key_pos = torch.randn(2, 7, DIMS)
    plain = nn.MultiheadAttention(DIMS, HEADS, batch_first=True)
    plain.load_state_dict(module.attn.state_dict())
    expected = query + plain(query + pos, key + key_pos, key)[0]
    order = (lambda x: x) if batch_first else (lambda x: x.transpose(0, 1))
    got = module(order(query), order(key), None, query_pos=order(pos), key_pos=order(key_pos))
    torch.testing.assert_close(order(got), query + plain(query + pos, key + key_pos, key)[0])
    assert expected.shape == query.shape


def test_attention_defaults():
    module = MultiheadAttention(DIMS, HEADS, batch_first=True).eval()
    x, pos = torch.randn(2, 5, DIMS), torch.randn(2, 5, DIMS)
    torch.testing.assert_close(module(x, query_pos=pos), module(x, x, x, x, pos, pos))
    torch.testing.assert_close(
        module(x, identity=torch.zeros_like(x)), module(x) - x, atol=1e-6, rtol=1e-5
    )
    with pytest.warns(UserWarning, match="position encoding of key is missing"):
        module(x, x[:, :3], query_pos=pos)


def test_older_argument_names():
    module = MultiheadAttention(DIMS, HEADS, dropout=0.3)
    assert module.attn.dropout == 0.3 and module.dropout_layer.p == 0.3
    ffn = FFN(DIMS, 16, dropout=0.2, add_residual=False)
    assert ffn.layers[0][2].p == 0.2 and not ffn.add_identity
    layer = BaseTransformerLayer(
        ATTENTION,
        operation_order=("self_attn", "ffn"),
        feedforward_channels=24,
        ffn_dropout=0.1,
        ffn_num_fcs=3,
    )
    assert layer.ffns[0].feedforward_channels == 24 and layer.ffns[0].num_fcs == 3


def test_attention_keys():
    keys = [
        "attn.in_proj_weight",
        "attn.in_proj_bias",
        "attn.out_proj.weight",
        "attn.out_proj.bias",
    ]
    assert list(MultiheadAttention(DIMS, HEADS).state_dict()) == keys


def test_ffn():
    ffn = FFN(DIMS, 16, num_fcs=2).eval()
    assert list(ffn.state_dict())[::2] == ["layers.0.0.weight", "layers.1.weight"]
    x, identity = torch.randn(3, DIMS), torch.randn(3, DIMS)
    first, second = ffn.layers[0][0], ffn.layers[1]
    out = (x @ first.weight.T + first.bias).relu() @ second.weight.T + second.bias
    torch.testing.assert_close(ffn(x), x + out)
    torch.testing.assert_close(ffn(x, identity), identity + out)
    torch.testing.assert_close(FFN(DIMS, 16, add_identity=False)(x).shape, x.shape)
    assert isinstance(FFN(DIMS, dropout_layer=dict(type="DropPath")).dropout_layer, nn.Module)
    with pytest.raises(ConfigError, match="num_fcs must be at least 2"):
        FFN(DIMS, num_fcs=1)


@pytest.mark.parametrize(
    "order",
    [
        ("self_attn", "norm", "ffn", "norm"),
        ("norm", "self_attn", "norm", "ffn"),
        ("self_attn", "norm", "cross_attn", "norm", "ffn", "norm"),
    ],
)
def test_layer_runs_its_operations_in_order(order):
    layer = BaseTransformerLayer(ATTENTION, operation_order=order, batch_first=True).eval()
    x, key, pos = torch.randn(2, 5, DIMS), torch.randn(2, 7, DIMS), torch.randn(2, 5, DIMS)
    key_pos = torch.randn(2, 7, DIMS)
    attentions, norms, ffns = (list(m) for m in (layer.attentions, layer.norms, layer.ffns))
    expected = identity = x
    for name in order:
        start = identity if order[0] == "norm" else expected
        if name == "norm":
            expected = norms.pop(0)(expected)
        elif name == "ffn":
            expected = ffns.pop(0)(expected, start)
        elif name == "self_attn":
            expected = attentions.pop(0)(
                expected, expected, expected, start, query_pos=pos, key_pos=pos
            )
        else:
            expected = attentions.pop(0)(expected, key, key, start, query_pos=pos, key_pos=key_pos)
        if name.endswith("attn"):
            identity = expected
    got = layer(x, key, key, query_pos=pos, key_pos=key_pos)
    torch.testing.assert_close(got, expected)
    assert layer.pre_norm == (order[0] == "norm") and layer.embed_dims == DIMS
    assert [a.operation_name for a in layer.attentions] == [n for n in order if "attn" in n]


def test_masks():
    order = ("self_attn", "cross_attn")
    layer = BaseTransformerLayer(ATTENTION, operation_order=order, batch_first=True).eval()
    x = torch.randn(1, 4, DIMS)
    mask = torch.triu(torch.ones(4, 4, dtype=torch.bool), 1)
    with pytest.warns(UserWarning, match="Use same attn_mask in all attentions"):
        shared = layer(x, x, x, attn_masks=mask)
    torch.testing.assert_close(layer(x, x, x, attn_masks=[mask, mask]), shared)
    first = layer(x[:, :1], x[:, :1], x[:, :1])
    torch.testing.assert_close(shared[:, :1], first)
    with pytest.raises(ValueError, match="must be 2 masks"):
        layer(x, x, x, attn_masks=[mask])


def test_layer_arguments():
    with pytest.raises(ConfigError, match="operation_order must consist of"):
        BaseTransformerLayer(ATTENTION, operation_order=("attn",))
    with pytest.raises(ConfigError, match="attn_cfgs must be one dict, or 2 dicts"):
        BaseTransformerLayer([ATTENTION], operation_order=("self_attn", "cross_attn"))
    with pytest.raises(ConfigError, match="embed_dims must be that of the attention, 8"):
        BaseTransformerLayer(
            ATTENTION, dict(type="FFN", embed_dims=9), operation_order=("self_attn", "ffn")
        )


def test_sequence():
    cfg = dict(
        type="BaseTransformerLayer",
        attn_cfgs=ATTENTION,
        feedforward_channels=16,
        operation_order=("self_attn", "norm", "ffn", "norm"),
    )
    sequence = TransformerLayerSequence(cfg, num_layers=3).eval()
    assert len(sequence.layers) == 3 and sequence.embed_dims == DIMS and not sequence.pre_norm
    x = torch.randn(5, 2, DIMS)
    expected = x
    for layer in sequence.layers:
        expected = layer(expected, None, None)
    torch.testing.assert_close(sequence(x, None, None), expected)
    with pytest.raises(ConfigError, match="transformerlayers must be one dict, or 2 dicts"):
        TransformerLayerSequence([cfg], num_layers=2)


@pytest.mark.parametrize("padding", ["same", "corner"])
@pytest.mark.parametrize("kernel, stride, dilation", [(16, 16, 1), (2, 2, 1), (3, 2, 2), (4, 3, 1)])
def test_adaptive_padding_covers_the_input(padding, kernel, stride, dilation):
    pad = AdaptivePadding(kernel, stride, dilation, padding)
    x = torch.ones(1, 1, 11, 13)
    y = pad(x)
    assert y.sum() == x.sum()
    for size, padded in zip(x.shape[2:], y.shape[2:], strict=True):
        span = (kernel - 1) * dilation + 1
        assert (padded - span) // stride + 1 == -(-size // stride)
        assert padded == size or padded == (-(-size // stride) - 1) * stride + span
    if padding == "corner":
        assert y[0, 0, 0, 0] == 1
    with pytest.raises(ConfigError, match="padding must be 'same' or 'corner'"):
        AdaptivePadding(padding="centre")


def test_patch_embed():
    embed = PatchEmbed(
        3, 10, kernel_size=4, stride=None, norm_cfg=dict(type="LN"), input_size=(9, 8)
    )
    x = torch.randn(2, 3, 9, 8)
    tokens, size = embed(x)
    padded = F.pad(x, (0, 0, 0, 3))
    expected = embed.projection(padded).flatten(2).transpose(1, 2)
    torch.testing.assert_close(tokens, F.layer_norm(expected, (10,)))
    assert size == (3, 2) == embed.init_out_size and embed.init_input_size == (9, 8)
    embed = PatchEmbed(3, 10, kernel_size=3, stride=2, padding=1, input_size=8)
    assert embed(torch.randn(1, 3, 8, 8))[1] == (4, 4) == embed.init_out_size
    assert embed.norm is None and embed.adap_padding is None


def test_patch_merging_joins_neighbours():
    merge = PatchMerging(3, 6)
    x = torch.randn(2, 5 * 4, 3)
    tokens, size = merge(x, (5, 4))
    image = F.pad(x.transpose(1, 2).reshape(2, 3, 5, 4), (0, 0, 0, 1))
    rows = []
    for i in range(0, 6, 2):
        for j in range(0, 4, 2):
            rows.append(image[:, :, i : i + 2, j : j + 2].reshape(2, 12))
    expected = merge.reduction(F.layer_norm(torch.stack(rows, 1), (12,)))
    torch.testing.assert_close(tokens, expected)
    assert size == (3, 2)
    with pytest.raises(ValueError, match="20 tokens do not make a grid of 4 x 4"):
        merge(x, (4, 4))


def test_sine_encoding():
    mask = torch.zeros(1, 3, 4)
    mask[0, :, 3] = 1
    encoding = SinePositionalEncoding(4, normalize=True)(mask)
    assert encoding.shape == (1, 8, 3, 4)
    y, x = (2 / (3 + 1e-6)) * 2 * torch.pi, (2 / (3 + 1e-6)) * 2 * torch.pi
    at = encoding[0, :, 1, 1]
    expected = []
    for position in (y, x):
        for wavelength in (1, 100):
            angle = torch.tensor(position / wavelength)
            expected += [angle.sin(), angle.cos()]
    torch.testing.assert_close(at, torch.stack(expected))


def test_learned_encoding():
    module = LearnedPositionalEncoding(3, row_num_embed=5, col_num_embed=6)
    module.init_weights()
    encoding = module(torch.zeros(2, 4, 5))
    assert encoding.shape == (2, 6, 4, 5)
    torch.testing.assert_close(encoding[1, :3, 2, 3], module.col_embed.weight[3])
    torch.testing.assert_close(encoding[0, 3:, 2, 3], module.row_embed.weight[2])
