import pytest
import torch

from mmcv.cnn import ConvModule
from mmcv.registry import ConfigError
from mmseg.models import build_head
from mmseg.models.decode_heads import FCNHead


def keys(head):
    return {key: tuple(value.shape) for key, value in head.state_dict().items()}


def test_linear_head_is_norm_and_classifier():
    head = build_head(
        dict(
            type="FCNHead",
            in_channels=8,
            channels=8,
            num_convs=0,
            concat_input=False,
            dropout_ratio=0.0,
            with_norm=True,
            num_classes=3,
        )
    )
    assert keys(head) == {
        "conv_seg.weight": (3, 8, 1, 1),
        "conv_seg.bias": (3,),
        "norm.weight": (8,),
        "norm.bias": (8,),
        "norm.running_mean": (8,),
        "norm.running_var": (8,),
        "norm.num_batches_tracked": (),
    }
    x = torch.randn(2, 8, 5, 5)
    mean, var = x.mean((0, 2, 3), keepdim=True), x.var((0, 2, 3), correction=0, keepdim=True)
    normed = (x - mean) / (var + 1e-5).sqrt()
    weight = head.conv_seg.weight.view(3, 8)
    expected = torch.einsum("kc,bchw->bkhw", weight, normed) + head.conv_seg.bias.view(1, 3, 1, 1)
    torch.testing.assert_close(head([x]), expected)


def test_convolutions_and_concatenated_input():
    head = FCNHead(
        in_channels=4,
        channels=6,
        num_convs=2,
        kernel_size=3,
        concat_input=True,
        dilation=2,
        num_classes=3,
        norm_cfg=dict(type="SyncBN"),
    ).eval()
    assert [type(conv) for conv in head.convs] == [ConvModule] * 2
    assert [conv.padding for conv in head.convs] == [2, 2]
    assert head.conv_cat.padding == 1
    assert keys(head)["convs.0.bn.weight"] == (6,)
    assert keys(head)["conv_cat.conv.weight"] == (6, 10, 3, 3)
    x = torch.randn(1, 4, 9, 9)
    feats = head.convs[1](head.convs[0](x))
    expected = head.conv_seg(head.conv_cat(torch.cat([x, feats], 1)))
    torch.testing.assert_close(head([x]), expected)
    assert head([x]).shape == (1, 3, 9, 9)


def test_without_concatenated_input():
    head = FCNHead(in_channels=4, channels=6, num_convs=1, concat_input=False, num_classes=3)
    assert not hasattr(head, "conv_cat")
    assert head([torch.randn(1, 4, 7, 7)]).shape == (1, 3, 7, 7)


def test_kernel_size_one_needs_no_padding():
    head = FCNHead(in_channels=4, channels=4, kernel_size=1, num_classes=3)
    assert {conv.padding for conv in (*head.convs, head.conv_cat)} == {0}


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        (dict(num_convs=-1), "num_convs"),
        (dict(dilation=0), "dilation"),
        (dict(num_convs=0), "channels must be in_channels"),
        (dict(num_conv=1), "did you mean 'num_convs'"),
    ],
)
def test_bad_arguments_name_the_key(kwargs, message):
    with pytest.raises(ConfigError, match=message):
        build_head(dict(type="FCNHead", in_channels=8, channels=4, num_classes=3, **kwargs))
