"""The encoder and decoder of DETR against torch's own layers."""

import pytest
import torch
from torch import nn

from mmcv.cnn import (
    DetrTransformerDecoder,
    DetrTransformerDecoderLayer,
    DetrTransformerEncoder,
)

DIMS, HEADS, HIDDEN = 8, 2, 16
ATTENTION = dict(type="MultiheadAttention", embed_dims=DIMS, num_heads=HEADS, dropout=0.0)
POST = ("self_attn", "norm", "cross_attn", "norm", "ffn", "norm")
PRE = ("norm", "self_attn", "norm", "cross_attn", "norm", "ffn")


def decoder_cfg(order):
    return dict(
        type="DetrTransformerDecoderLayer",
        attn_cfgs=ATTENTION,
        feedforward_channels=HIDDEN,
        ffn_dropout=0.0,
        operation_order=order,
    )


def encoder_cfg(order):
    return dict(
        type="BaseTransformerLayer",
        attn_cfgs=[ATTENTION],
        feedforward_channels=HIDDEN,
        ffn_dropout=0.0,
        operation_order=order,
    )


def torch_weights(layer):
    """Our keys under torch's names."""
    names = {
        "attentions.0.attn.": "self_attn.",
        "attentions.1.attn.": "multihead_attn.",
        "ffns.0.layers.0.0.": "linear1.",
        "ffns.0.layers.1.": "linear2.",
        "norms.0.": "norm1.",
        "norms.1.": "norm2.",
        "norms.2.": "norm3.",
    }
    state = {}
    for key, value in layer.state_dict().items():
        ours = next(name for name in names if key.startswith(name))
        state[key.replace(ours, names[ours])] = value
    return state


@pytest.mark.parametrize("order", [POST, PRE])
def test_decoder_equals_torch(order):
    decoder = DetrTransformerDecoder(decoder_cfg(order), num_layers=2, return_intermediate=True)
    query, memory = torch.randn(5, 2, DIMS), torch.randn(7, 2, DIMS)
    padding = torch.zeros(2, 7, dtype=torch.bool)
    padding[1, 4:] = True
    expected, x = [], query
    for layer in decoder.layers:
        peer = nn.TransformerDecoderLayer(DIMS, HEADS, HIDDEN, 0.0, norm_first=order is PRE)
        peer.load_state_dict(torch_weights(layer))
        x = peer(x, memory, memory_key_padding_mask=padding)
        expected.append(nn.functional.layer_norm(x, (DIMS,)))
    got = decoder(query, memory, memory, key_padding_mask=padding)
    torch.testing.assert_close(got, torch.stack(expected))
    decoder.return_intermediate = False
    last = decoder(query, memory, memory, key_padding_mask=padding)
    torch.testing.assert_close(last, got[-1:])
    bare = DetrTransformerDecoder(decoder_cfg(order), num_layers=1, post_norm_cfg=None)
    assert bare(query, memory, memory).shape == query.shape


@pytest.mark.parametrize("first", ["norm", "self_attn"])
def test_encoder_equals_torch(first):
    order = ("norm", "self_attn", "norm", "ffn")
    order = order if first == "norm" else ("self_attn", "norm", "ffn", "norm")
    encoder = DetrTransformerEncoder(encoder_cfg(order), num_layers=2)
    x = torch.randn(6, 2, DIMS)
    expected = x
    for layer in encoder.layers:
        peer = nn.TransformerEncoderLayer(DIMS, HEADS, HIDDEN, 0.0, norm_first=first == "norm")
        peer.load_state_dict(torch_weights(layer))
        expected = peer(expected)
    if first == "norm":
        expected = nn.functional.layer_norm(expected, (DIMS,))
    assert (encoder.post_norm is not None) == (first == "norm")
    torch.testing.assert_close(encoder(x, None, None), expected)


def test_arguments_are_checked():
    with pytest.raises(AssertionError, match="must be six operations"):
        DetrTransformerDecoderLayer(ATTENTION, HIDDEN, operation_order=(*PRE, "norm"))
    with pytest.raises(AssertionError, match="transformerlayers must be one dict, or 6"):
        DetrTransformerDecoder([decoder_cfg(POST)] * 5, num_layers=6)
    with pytest.raises(AssertionError, match="need a post_norm_cfg"):
        order = ("norm", "self_attn", "norm", "ffn")
        DetrTransformerEncoder(encoder_cfg(order), num_layers=1, post_norm_cfg=None)
    decoder = DetrTransformerDecoder(decoder_cfg(PRE), num_layers=1)
    assert decoder.pre_norm and decoder.embed_dims == DIMS
