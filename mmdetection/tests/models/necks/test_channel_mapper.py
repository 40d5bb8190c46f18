"""ChannelMapper and PAFPN against their definitions."""

import pytest
import torch
from torch.nn import functional as F

from mmdet.models.necks import PAFPN, ChannelMapper

CHANNELS = (3, 4, 5)


def maps(sizes=(16, 8, 4)):
    return [torch.randn(1, c, s, s) for c, s in zip(CHANNELS, sizes, strict=True)]


@pytest.mark.parametrize("kernel_size, num_outs", [(3, None), (1, 5)])
@pytest.mark.parametrize("with_cp", [False, True])
def test_channel_mapper(kernel_size, num_outs, with_cp):
    neck = ChannelMapper(CHANNELS, 6, kernel_size, num_outs=num_outs, with_cp=with_cp)
    x = [level.requires_grad_() for level in maps()]
    outs = neck(x)
    assert len(outs) == (num_outs or 3)
    for i, conv in enumerate(neck.convs):
        expected = F.conv2d(x[i], conv.conv.weight, conv.conv.bias, padding=kernel_size // 2)
        torch.testing.assert_close(outs[i], expected.relu())
    source = x[-1]
    for i, conv in enumerate(neck.extra_convs or []):
        expected = F.conv2d(source, conv.conv.weight, conv.conv.bias, stride=2, padding=1)
        source = expected.relu()
        torch.testing.assert_close(outs[3 + i], source)
    sum(out.sum() for out in outs).backward()
    assert all(p.grad is not None for p in neck.parameters())


def test_channel_mapper_arguments():
    with pytest.raises(AssertionError, match="in_channels must be a list"):
        ChannelMapper(10, 6)
    with pytest.raises(AssertionError):
        ChannelMapper(CHANNELS, 6)(maps()[:2])
    assert ChannelMapper(CHANNELS, 6).bfloat16()(maps())[0].dtype == torch.bfloat16


@pytest.mark.parametrize("extra", [False, "on_input", "on_lateral", "on_output"])
def test_pafpn(extra):
    neck = PAFPN(CHANNELS, 6, num_outs=4, add_extra_convs=extra)
    x = maps()

    def conv(module, value):
        return module.conv(value)

    lateral = [conv(m, value) for m, value in zip(neck.lateral_convs, x, strict=True)]
    for i in (2, 1):
        lateral[i - 1] = lateral[i - 1] + F.interpolate(lateral[i], scale_factor=2)
    outs = [conv(m, value) for m, value in zip(neck.fpn_convs, lateral, strict=False)]
    outs[1] = outs[1] + conv(neck.downsample_convs[0], outs[0])
    outs[2] = outs[2] + conv(neck.downsample_convs[1], outs[1])
    outs = [outs[0], conv(neck.pafpn_convs[0], outs[1]), conv(neck.pafpn_convs[1], outs[2])]
    if extra:
        source = dict(on_input=x[-1], on_lateral=lateral[-1], on_output=outs[-1])[extra]
        outs.append(conv(neck.fpn_convs[3], source))
    else:
        outs.append(outs[-1][..., ::2, ::2])
    for got, expected in zip(neck(x), outs, strict=True):
        torch.testing.assert_close(got, expected)
