"""SETRUPHead, NLHead, GCHead and DepthwiseSeparableFCNHead: one map in, logits out."""

import pytest
import torch

from mmcv.cnn import DepthwiseSeparableConvModule
from mmcv.registry import ConfigError
from mmseg.models import build_head
from mmseg.models.decode_heads import SETRUPHead

SHARED = dict(in_channels=4, channels=8, num_classes=3)


def test_setr_up_head_normalises_tokens_and_enlarges():
    head = SETRUPHead(num_convs=2, up_scale=2, kernel_size=1, **SHARED).eval()
    head.init_weights()
    x = torch.randn(2, 4, 3, 5)
    mean = x.mean(1, keepdim=True)
    normed = (x - mean) / (x.var(1, correction=0, keepdim=True) + 1e-6).sqrt()
    for up_conv in head.up_convs:
        normed = torch.nn.functional.interpolate(
            up_conv[0](normed), scale_factor=2, mode="bilinear", align_corners=False
        )
    torch.testing.assert_close(head([x]), head.conv_seg(normed))
    assert head([x]).shape == (2, 3, 12, 20)
    with pytest.raises(ConfigError, match="kernel_size"):
        build_head(dict(type="SETRUPHead", kernel_size=2, **SHARED))


@pytest.mark.parametrize(("kind", "block"), [("NLHead", "nl_block"), ("GCHead", "gc_block")])
@pytest.mark.parametrize("concat_input", [False, True])
def test_block_stands_between_two_convolutions(kind, block, concat_input):
    torch.manual_seed(0)
    head = build_head(dict(type=kind, concat_input=concat_input, **SHARED)).eval()
    x = torch.randn(2, 4, 5, 5)
    feats = head.convs[1](getattr(head, block)(head.convs[0](x)))
    if concat_input:
        feats = head.conv_cat(torch.cat([x, feats], 1))
    torch.testing.assert_close(head([x]), head.conv_seg(feats))


def test_separable_fcn_head():
    head = build_head(dict(type="DepthwiseSeparableFCNHead", num_convs=2, **SHARED))
    convs = [*head.convs, head.conv_cat]
    assert all(isinstance(conv, DepthwiseSeparableConvModule) for conv in convs)
    assert [conv.depthwise_conv.in_channels for conv in convs] == [4, 8, 12]
    assert head([torch.randn(2, 4, 5, 5)]).shape == (2, 3, 5, 5)
