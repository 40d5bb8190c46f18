import torch
from torch.nn import functional as F

from mmseg.models.decode_heads import PSPHead
from mmseg.models.decode_heads.psp_head import PPM


def test_ppm_spreads_pooled_maps():
    ppm = PPM((1, 3), 4, 2, conv_cfg=None, norm_cfg=None, act_cfg=None, align_corners=False)
    x = torch.randn(1, 4, 6, 6)
    outs = ppm(x)
    assert [out.shape for out in outs] == [(1, 2, 6, 6)] * 2
    mean = ppm[0][1](x.mean((2, 3), keepdim=True))
    torch.testing.assert_close(outs[0], mean.expand(-1, -1, 6, 6))
    cells = ppm[1][1](F.avg_pool2d(x, 2))
    torch.testing.assert_close(outs[1], F.interpolate(cells, (6, 6), mode="bilinear"))


def test_psp_head():
    head = PSPHead(in_channels=4, channels=2, num_classes=3, pool_scales=(1, 2)).eval()
    x = torch.randn(1, 4, 8, 8)
    feats = head.bottleneck(torch.cat([x, *head.psp_modules(x)], 1))
    torch.testing.assert_close(head([x]), head.conv_seg(feats))
    assert head.bottleneck.in_channels == 4 + 2 * 2
    assert "psp_modules.1.1.conv.weight" in head.state_dict()
