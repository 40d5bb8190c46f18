import torch
from torch.nn import functional as F

from mmseg.models import build_head

CFG = dict(
    type="UPerHead",
    in_channels=[4, 5, 6, 7],
    in_index=[0, 1, 2, 3],
    channels=8,
    num_classes=3,
    norm_cfg=dict(type="SyncBN"),
)


def maps(dtype=torch.float32):
    torch.manual_seed(0)
    return [torch.randn(2, 4 + i, 32 // 2**i, 32 // 2**i, dtype=dtype) for i in range(4)]


def resize(x, size):
    return F.interpolate(x, size, mode="bilinear", align_corners=False)


def test_follows_the_paper():
    head = build_head(CFG).eval()
    f1, f2, f3, f4 = maps()
    p4 = head.bottleneck(torch.cat([f4, *head.psp_modules(f4)], 1))
    p3 = head.lateral_convs[2](f3) + resize(p4, (8, 8))
    p2 = head.lateral_convs[1](f2) + resize(p3, (16, 16))
    p1 = head.lateral_convs[0](f1) + resize(p2, (32, 32))
    merged = [conv(p) for conv, p in zip(head.fpn_convs, (p1, p2, p3), strict=True)] + [p4]
    feats = head.fpn_bottleneck(torch.cat([resize(x, (32, 32)) for x in merged], 1))
    torch.testing.assert_close(head([f1, f2, f3, f4]), head.conv_seg(feats))


def test_every_parameter_gets_a_gradient():
    head = build_head(dict(CFG, dropout_ratio=0.0))
    head(maps()).square().mean().backward()
    assert all(p.grad is not None for p in head.parameters())


def test_bfloat16_head_reads_float32_maps():
    head = build_head(CFG).bfloat16()
    logits = head(maps())
    assert logits.dtype == torch.bfloat16
    assert logits.shape == (2, 3, 32, 32)
    assert torch.isfinite(logits).all()


def test_fewer_maps():
    head = build_head(dict(CFG, in_channels=[5, 7], in_index=[1, 3], pool_scales=(1, 2))).eval()
    assert len(head.lateral_convs) == len(head.fpn_convs) == 1
    assert head(maps()).shape == (2, 3, 16, 16)
