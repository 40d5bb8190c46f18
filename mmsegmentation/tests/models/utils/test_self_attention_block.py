import pytest
import torch
from torch import nn

from mmseg.models.utils import SelfAttentionBlock


def block(**kwargs):
    torch.manual_seed(0)
    defaults = dict(
        key_in_channels=4,
        query_in_channels=4,
        channels=3,
        out_channels=5,
        share_key_query=False,
        query_downsample=None,
        key_downsample=None,
        key_query_num_convs=1,
        value_out_num_convs=1,
        key_query_norm=False,
        value_out_norm=False,
        matmul_norm=True,
        with_out=True,
        conv_cfg=None,
        norm_cfg=None,
        act_cfg=None,
    )
    return SelfAttentionBlock(**dict(defaults, **kwargs))


def test_every_position_gathers_from_all():
    layer, query_map, key_map = block(), torch.randn(1, 4, 2, 3), torch.randn(1, 4, 2, 2)
    query = layer.query_project(query_map)[0].flatten(1).t()
    key = layer.key_project(key_map)[0].flatten(1).t()
    value = layer.value_project(key_map)[0].flatten(1).t()
    rows = []
    for q in query:
        weights = torch.stack([(q @ k) / 3**0.5 for k in key]).softmax(0)
        rows.append(sum(w * v for w, v in zip(weights, value, strict=True)))
    context = torch.stack(rows).t().reshape(1, 3, 2, 3)
    torch.testing.assert_close(layer(query_map, key_map), layer.out_project(context))


def test_options():
    x = torch.randn(1, 4, 4, 4)
    shared = block(share_key_query=True)
    assert shared.query_project is shared.key_project
    assert block(with_out=False)(x, x).shape == (1, 5, 4, 4)
    pooled = block(query_downsample=nn.MaxPool2d(2), key_downsample=nn.MaxPool2d(4))
    assert pooled(x, x).shape == (1, 5, 2, 2)
    deep = block(key_query_num_convs=2, key_query_norm=True, norm_cfg=dict(type="SyncBN"))
    assert "key_project.1.bn.weight" in deep.state_dict()
    with pytest.raises(AssertionError):
        block(share_key_query=True, query_in_channels=3)
