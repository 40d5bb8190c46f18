from collections import deque, namedtuple

import numpy as np
import pytest
import torch
from torch import nn

from mmcv.runner import auto_fp16, force_fp32, wrap_fp16_model
from mmcv.runner.fp16_utils import cast_tensor_type

Pair = namedtuple("Pair", "a b")


def test_tensors_in_containers_are_cast_and_other_things_left():
    x, index = torch.rand(2), torch.tensor([1])
    with pytest.raises(AssertionError):
        cast_tensor_type(x)
    found = cast_tensor_type(
        {"list": [x, 1.5], "tuple": (x, "text"), "pair": Pair(x, None), "queue": deque([x])},
        dst_type=torch.half,
    )
    assert found["list"][0].dtype == torch.half and found["list"][1] == 1.5
    assert found["tuple"][0].dtype == torch.half and found["tuple"][1] == "text"
    assert isinstance(found["pair"], Pair) and found["pair"].a.dtype == torch.half
    assert isinstance(found["queue"], deque) and found["queue"][0].dtype == torch.half
    # Only tensors of the source type.
    assert cast_tensor_type(index, torch.float, torch.half).dtype == torch.int64
    assert cast_tensor_type(x, torch.half, torch.float) is x
    for thing in (np.ones(2), nn.Linear(1, 1), "text", 3, None):
        assert cast_tensor_type(thing, torch.float, torch.half) is thing
    meta = cast_tensor_type(x, dst_type=torch.device("meta"))
    assert meta.device.type == "meta"


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fp16_enabled = False
        self.seen = {}

    @auto_fp16(apply_to=("x",), out_fp32=True)
    def forward(self, x, y, z=None):
        self.seen = {"x": x.dtype, "y": y.dtype, "autocast": torch.is_autocast_enabled("cpu")}
        return x * 2

    @auto_fp16()
    def all(self, x, y, z=None):
        return x, y, z

    @force_fp32(apply_to=("pred",))
    def loss(self, pred, target):
        return pred, target, torch.is_autocast_enabled("cpu")


def test_decorators_do_nothing_until_the_model_is_wrapped():
    x = torch.rand(2)
    net = nn.Sequential(Net())
    net[0](x, x)
    assert net[0].seen == {"x": torch.float, "y": torch.float, "autocast": False}
    wrap_fp16_model(net)
    assert net[0].fp16_enabled and not hasattr(net, "fp16_enabled")
    assert net[0](x, y=x).dtype == torch.float
    assert net[0].seen == {"x": torch.half, "y": torch.float, "autocast": True}


def test_named_and_positional_arguments_are_cast():
    net, x = Net(), torch.rand(2)
    net.fp16_enabled = True
    assert [v.dtype for v in net.all(x, y=x, z=x)] == [torch.half] * 3
    pred, target, autocast = net.loss(x.half(), target=x.half())
    assert (pred.dtype, target.dtype, autocast) == (torch.float, torch.half, False)


def test_only_methods_of_modules_may_be_decorated():
    class NoModule:
        @auto_fp16()
        def forward(self, x):
            return x

    with pytest.raises(TypeError, match="@auto_fp16 can only decorate methods of Module"):
        NoModule().forward(torch.rand(1))
