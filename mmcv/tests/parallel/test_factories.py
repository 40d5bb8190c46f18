import pytest
import torch
from torch import nn

from mmcv.parallel import MMDataParallel
from mmcv.parallel.factories import build_dp, get_device


def test_wrapper_of_one_process():
    model = nn.Conv2d(2, 2, 1)
    wrapped = build_dp(model, device="cpu")
    assert isinstance(wrapped, MMDataParallel)
    assert wrapped.module is model


def test_unknown_device_is_refused():
    with pytest.raises(ValueError, match="'mlu'"):
        build_dp(nn.Identity(), device="mlu")


def test_get_device():
    assert get_device() == ("cuda" if torch.cuda.is_available() else "cpu")
