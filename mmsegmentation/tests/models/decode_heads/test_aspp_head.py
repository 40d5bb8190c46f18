import pytest
import torch

from mmcv.cnn import DepthwiseSeparableConvModule
from mmcv.registry import ConfigError
from mmseg.models import build_head
from mmseg.models.decode_heads import ASPPHead, DepthwiseSeparableASPPHead

SHARED = dict(in_channels=4, channels=3, num_classes=2, dilations=(1, 2, 3))


def test_branches_see_as_far_as_their_dilation():
    head = ASPPHead(**SHARED).eval()
    assert [branch.dilation for branch in head.aspp_modules] == [(1, 1), (2, 2), (3, 3)]
    assert [branch.kernel_size for branch in head.aspp_modules] == [(1, 1), (3, 3), (3, 3)]
    x = torch.randn(1, 4, 9, 9)
    pooled = head.image_pool(x).expand(-1, -1, 9, 9)
    feats = head.bottleneck(torch.cat([pooled, *(branch(x) for branch in head.aspp_modules)], 1))
    torch.testing.assert_close(head([x]), head.conv_seg(feats))


def test_separable_branches_and_skip_connection():
    head = DepthwiseSeparableASPPHead(c1_in_channels=2, c1_channels=1, in_index=1, **SHARED).eval()
    kinds = [isinstance(b, DepthwiseSeparableConvModule) for b in head.aspp_modules]
    assert kinds == [False, True, True]
    c1, x = torch.randn(1, 2, 12, 12), torch.randn(1, 4, 6, 6)
    feats = torch.nn.functional.interpolate(
        head._forward_feature([c1, x]), (12, 12), mode="bilinear", align_corners=False
    )
    feats = head.sep_bottleneck(torch.cat([feats, head.c1_bottleneck(c1)], 1))
    torch.testing.assert_close(head([c1, x]), head.conv_seg(feats))


def test_skip_connection_can_be_left_out():
    head = DepthwiseSeparableASPPHead(c1_in_channels=0, c1_channels=0, **SHARED)
    assert head.c1_bottleneck is None
    assert head([torch.randn(2, 4, 6, 6)]).shape == (2, 2, 6, 6)
    with pytest.raises(ConfigError, match="c1_in_channels"):
        build_head(
            dict(type="DepthwiseSeparableASPPHead", c1_in_channels=-1, c1_channels=0, **SHARED)
        )
