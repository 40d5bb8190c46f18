import warnings

import pytest
import torch
from torch.nn import functional as F

from mmseg.ops import Upsample, resize


def test_resize_is_interpolation():
    x = torch.randn(1, 2, 5, 7)
    for kwargs in (
        dict(size=(10, 13), mode="bilinear", align_corners=False),
        dict(scale_factor=2.0),
        dict(size=9, mode="nearest"),
    ):
        torch.testing.assert_close(resize(x, **kwargs), F.interpolate(x, **kwargs))


@pytest.mark.parametrize("size", [(9, 13), torch.Size((5, 7)), (4, 13), (3, 3), 9])
def test_no_warning_where_corners_can_be_aligned(size):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        resize(torch.randn(1, 2, 5, 7), size, mode="bilinear", align_corners=True)


def test_warning_where_corners_cannot_be_aligned():
    x = torch.randn(1, 2, 5, 7)
    with pytest.warns(UserWarning, match=r"input size \(5, 7\) is `x\+1`"):
        resize(x, (10, 14), mode="bilinear", align_corners=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        resize(x, (10, 14), mode="bilinear", align_corners=True, warning=False)
        resize(x, (10, 14), mode="bilinear", align_corners=False)
        resize(torch.randn(1, 2, 1, 1), (4, 4), mode="bilinear", align_corners=True)


def test_upsample_rounds_sizes_down():
    x = torch.randn(1, 2, 5, 7)
    assert Upsample(scale_factor=1.5, mode="bilinear", align_corners=False)(x).shape[2:] == (7, 10)
    assert Upsample(scale_factor=(2, 1))(x).shape[2:] == (10, 7)
    assert Upsample(size=(3, 4))(x).shape[2:] == (3, 4)
    with pytest.raises(ValueError, match="scale_factor"):
        Upsample()(x)
