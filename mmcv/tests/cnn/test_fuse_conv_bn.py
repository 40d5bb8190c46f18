import torch
from torch import nn

from mmcv.cnn import ConvModule, fuse_conv_bn


def trained(module):
    """Gives norms statistics that are not those of their initialisation."""
    for norm in module.modules():
        if isinstance(norm, nn.BatchNorm2d):
            for value in (*norm.parameters(), norm.running_mean, norm.running_var):
                nn.init.uniform_(value, 0.5, 2)
    return module.eval()


def test_result_is_the_same():
    inner = nn.Sequential(ConvModule(8, 8, 3, norm_cfg=dict(type="BN")), nn.Conv2d(8, 4, 1))
    net = nn.Sequential(nn.BatchNorm2d(3), nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), inner)
    trained(net)
    x = torch.randn(2, 3, 8, 8)
    expected = net(x)
    fused = fuse_conv_bn(net)
    torch.testing.assert_close(fused(x), expected, atol=1e-5, rtol=1e-5)
    left = [m for m in fused.modules() if isinstance(m, nn.BatchNorm2d)]
    assert left == [net[0]]


def test_norms_that_come_first_or_later_are_left():
    net = nn.Sequential(
        ConvModule(3, 3, 1, norm_cfg=dict(type="BN"), order=("norm", "conv", "act")),
        nn.Conv2d(3, 8, 1),
        nn.ReLU(),
        nn.BatchNorm2d(8),
    )
    trained(net)
    x = torch.randn(2, 3, 8, 8)
    torch.testing.assert_close(fuse_conv_bn(net)(x), net(x))
    assert sum(isinstance(m, nn.BatchNorm2d) for m in net.modules()) == 2
