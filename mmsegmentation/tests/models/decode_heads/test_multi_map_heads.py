"""FPNHead, SegformerHead and SETRMLAHead: several maps in, logits out."""

import pytest
import torch
from torch.nn import functional as F

from mmcv.registry import ConfigError
from mmseg.models import build_head

MAPS = dict(in_channels=[2, 3, 4], in_index=[0, 1, 2], num_classes=5)


def pyramid():
    torch.manual_seed(0)
    return [torch.randn(1, 2 + i, 16 // 2**i, 16 // 2**i) for i in range(3)]


def up(x, size):
    return F.interpolate(x, size, mode="bilinear", align_corners=False)


def test_fpn_head_doubles_level_by_level():
    head = build_head(dict(type="FPNHead", feature_strides=[4, 8, 16], channels=6, **MAPS)).eval()
    f1, f2, f3 = pyramid()
    heads = head.scale_heads
    feats = heads[0][0](f1)
    feats = feats + up(heads[1][0](f2), (16, 16))
    feats = feats + up(heads[2][2](up(heads[2][0](f3), (8, 8))), (16, 16))
    torch.testing.assert_close(head([f1, f2, f3]), head.conv_seg(feats))


def test_fpn_head_wants_the_finest_map_first():
    for strides in ([4, 8], [8, 4, 16]):
        with pytest.raises(ConfigError, match="feature_strides"):
            build_head(dict(type="FPNHead", feature_strides=strides, channels=6, **MAPS))


@pytest.mark.parametrize("mode", ["bilinear", "nearest"])
def test_segformer_head_fuses_maps(mode):
    head = build_head(dict(type="SegformerHead", channels=6, interpolate_mode=mode, **MAPS)).eval()
    align = None if mode == "nearest" else False
    outs = [
        F.interpolate(conv(x), (16, 16), mode=mode, align_corners=align)
        for conv, x in zip(head.convs, pyramid(), strict=True)
    ]
    expected = head.conv_seg(head.fusion_conv(torch.cat(outs, 1)))
    torch.testing.assert_close(head(pyramid()), expected)


def test_setr_mla_head_concatenates_branches():
    cfg = dict(MAPS, type="SETRMLAHead", mla_channels=2, channels=6, up_scale=2)
    head = build_head(cfg).eval()
    maps = [torch.randn(1, 2 + i, 4, 4) for i in range(3)]
    outs = [
        up(branch[1](branch[0](x)), (8, 8)) for branch, x in zip(head.up_convs, maps, strict=True)
    ]
    torch.testing.assert_close(head(maps), head.conv_seg(torch.cat(outs, 1)))
    with pytest.raises(ConfigError, match="mla_channels"):
        build_head(dict(cfg, channels=7))
