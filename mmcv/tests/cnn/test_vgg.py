import pytest
import torch
from torch import nn

from mmcv.cnn import VGG
from mmcv.registry import ConfigError


@pytest.mark.parametrize("with_bn, name", [(False, "vgg11"), (True, "vgg11_bn")])
def test_equals_torchvision(with_bn, name):
    import torchvision

    theirs = getattr(torchvision.models, name)().eval()
    ours = VGG(11, with_bn=with_bn, out_indices=(4,)).eval()
    ours.load_state_dict(theirs.state_dict(), strict=False)
    x = torch.randn(1, 3, 32, 32)
    torch.testing.assert_close(ours(x), theirs.features(x))


def test_stages_and_freezing():
    net = VGG(11, with_bn=True, frozen_stages=1, bn_frozen=True, out_indices=(0, 2, 4))
    net.init_weights()
    net.train()
    assert [tuple(m.shape[1:3]) for m in net(torch.randn(1, 3, 32, 32))] == [
        (64, 16),
        (256, 4),
        (512, 1),
    ]
    norms = [m for m in net.modules() if isinstance(m, nn.BatchNorm2d)]
    assert not any(n.training or n.weight.requires_grad for n in norms)
    assert not net.features[0].weight.requires_grad and net.features[11].weight.requires_grad
    with pytest.raises(ConfigError, match="invalid depth 12 for vgg"):
        VGG(12)
