import io

import pytest
import torch
from torch import nn

from mmcv.cnn import flops_to_string, get_model_complexity_info, params_to_string


@pytest.mark.parametrize(
    "layer, shape, flops, params",
    [
        (nn.Conv1d(3, 8, 3), (3, 16), 8 * 14 * (3 * 3 + 1), 80),
        (nn.Conv2d(3, 8, 3), (3, 16, 16), 8 * 14**2 * (3 * 9 + 1), 224),
        (nn.Conv2d(4, 8, 3, groups=2, bias=False), (4, 16, 16), 8 * 14**2 * 2 * 9, 144),
        (nn.Conv3d(3, 8, 3), (3, 3, 16, 16), 8 * 14**2 * (3 * 27 + 1), 656),
        (nn.ConvTranspose2d(3, 8, 3), (3, 16, 16), 16**2 * 9 * 24 + 8 * 18**2, 224),
        (nn.Linear(1024, 2), (1024,), 2048, 2050),
        (nn.ReLU(), (3, 16, 16), 768, 0),
        (nn.PReLU(), (3, 16, 16), 768, 1),
        (nn.MaxPool2d(2), (3, 16, 16), 768, 0),
        (nn.AvgPool3d(2), (3, 3, 16, 16), 2304, 0),
        (nn.AdaptiveAvgPool2d(2), (3, 16, 16), 768, 0),
        (nn.BatchNorm2d(3), (3, 16, 16), 1536, 6),
        (nn.GroupNorm(2, 6), (6, 16, 16), 2 * 6 * 256, 12),
        (nn.InstanceNorm1d(3, affine=True), (3, 16), 96, 6),
        (nn.LayerNorm((3, 16, 16)), (3, 16, 16), 1536, 1536),
        (nn.LayerNorm((3, 16, 16), elementwise_affine=False), (3, 16, 16), 768, 0),
        (nn.Upsample((32, 32)), (3, 16, 16), 3072, 0),
    ],
)
def test_layers(layer, shape, flops, params):
    got = get_model_complexity_info(layer, shape, print_per_layer_stat=False, as_strings=False)
    assert got == (flops, params)


def test_whole_model_and_table():
    net = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 8, 1))
    net.train()
    out = io.StringIO()
    flops, params = get_model_complexity_info(net, (3, 8, 8), ost=out)
    total = 64 * 8 * (28 + 1 + 9)
    assert (flops, params) == (flops_to_string(total), params_to_string(224 + 72))
    assert out.getvalue().count("\n") == 4 and net.training
    assert not any(m._forward_hooks for m in net.modules())


def test_inputs_from_a_function():
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(2, 3)

        def forward(self, a, b):
            return self.fc(a) + self.fc(b)

    def make(shape):
        return dict(a=torch.ones(1, *shape), b=torch.ones(1, *shape))

    flops, _ = get_model_complexity_info(
        Two(), (2,), print_per_layer_stat=False, as_strings=False, input_constructor=make
    )
    assert flops == 12


def test_shape_must_be_a_tuple():
    with pytest.raises(ValueError, match="input_shape must be a tuple"):
        get_model_complexity_info(nn.ReLU(), 3)


def test_flops_as_text():
    flops = 6.54321 * 10.0**9
    assert flops_to_string(flops) == "6.54 GFLOPs"
    assert flops_to_string(flops, "MFLOPs") == "6543.21 MFLOPs"
    assert flops_to_string(flops, "KFLOPs") == "6543210.0 KFLOPs"
    assert flops_to_string(flops, "FLOPs") == "6543210000.0 FLOPs"
    assert flops_to_string(flops, precision=4) == "6.5432 GFLOPs"
    assert flops_to_string(flops, None) == "6.54 GFLOPs"
    assert flops_to_string(3.21e7, None) == "32.1 MFLOPs"
    assert flops_to_string(5.4e3, None) == "5.4 KFLOPs"
    assert flops_to_string(987, None) == "987 FLOPs"


def test_params_as_text():
    assert params_to_string(3.21e7) == "32.1 M"
    assert params_to_string(4.56e5) == "456.0 k"
    assert params_to_string(7.89e2) == "789.0"
    assert params_to_string(6.54321e7, "M") == "65.43 M"
    assert params_to_string(6.54321e7, "K") == "65432.1 K"
    assert params_to_string(6.54321e7, "") == "65432100.0"
