import pytest
import torch
from torch.nn import functional as F

from mmcv.registry import ConfigError
from mmseg.models.segmentors.sliding_window import check_test_cfg, slide, window_starts


def naive(predict, img, crop_size, stride):
    """Window after window, each padded to the whole map, with a count of every pixel."""
    (h_crop, w_crop), (h_stride, w_stride) = crop_size, stride
    height, width = img.shape[2:]
    preds = count = None
    for h_idx in range(max(height - h_crop + h_stride - 1, 0) // h_stride + 1):
        for w_idx in range(max(width - w_crop + w_stride - 1, 0) // w_stride + 1):
            y2 = min(h_idx * h_stride + h_crop, height)
            x2 = min(w_idx * w_stride + w_crop, width)
            y1, x1 = max(y2 - h_crop, 0), max(x2 - w_crop, 0)
            pad = (x1, width - x2, y1, height - y2)
            logits = F.pad(predict(img[:, :, y1:y2, x1:x2]), pad)
            ones = F.pad(torch.ones(1, 1, y2 - y1, x2 - x1), pad)
            preds = logits if preds is None else preds + logits
            count = ones if count is None else count + ones
    assert (count > 0).all()
    return preds / count


@pytest.mark.parametrize("window_batch_size", [1, 3, 100])
@pytest.mark.parametrize(
    ("size", "crop", "stride"),
    [
        ((20, 33), (8, 8), (5, 5)),
        ((20, 33), (8, 12), (8, 7)),
        ((8, 8), (8, 8), (5, 5)),
        ((5, 30), (8, 8), (3, 3)),
        ((6, 7), (8, 8), (3, 3)),
        ((9, 8), (8, 8), (8, 8)),
    ],
)
def test_slide_equals_the_naive_loop(size, crop, stride, window_batch_size):
    torch.manual_seed(0)
    img = torch.randn(2, 3, *size)
    conv = torch.nn.Conv2d(3, 4, 3, padding=1).requires_grad_(False)  # depends on the border
    seen = []

    def predict(crops, num_windows):
        assert len(crops) == 2 * num_windows
        seen.append(num_windows)
        return conv(crops)

    result = slide(predict, img, crop_size=crop, stride=stride, window_batch_size=window_batch_size)
    torch.testing.assert_close(result, naive(conv, img, crop, stride))
    assert max(seen) <= window_batch_size


@pytest.mark.parametrize("crop", range(1, 9))
@pytest.mark.parametrize("size", range(1, 20))
def test_windows_cover_the_side_and_stay_inside(size, crop):
    for stride in range(1, crop + 1):
        starts = window_starts(size, crop, stride)
        covered = {p for start in starts for p in range(start, min(start + crop, size))}
        assert covered == set(range(size))
        assert all(0 <= start <= max(size - crop, 0) for start in starts)


def test_published_grid():
    # 504 x 672 image, crop 504, stride 322: two windows side by side.
    assert window_starts(504, 504, 322) == [0]
    assert window_starts(672, 504, 322) == [0, 168]


@pytest.mark.parametrize(
    ("test_cfg", "key"),
    [
        (dict(mode="slid"), "mode"),
        (dict(mode="slide", stride=(2, 2)), "crop_size"),
        (dict(mode="slide", crop_size=(4, 4)), "stride"),
        (dict(mode="slide", crop_size=4, stride=(2, 2)), "crop_size"),
        (dict(mode="slide", crop_size=(4, 4), stride=(0, 2)), "stride"),
        (dict(mode="slide", crop_size=(4, 4), stride=(2, 5)), "gaps"),
        (dict(mode="slide", crop_size=(4, 4), stride=(4, 4), window_batch_size=0), "batch_size"),
    ],
)
def test_bad_test_cfg_names_the_key(test_cfg, key):
    with pytest.raises(ConfigError, match=key):
        check_test_cfg(test_cfg)


def test_good_test_cfg():
    for good in (None, {}, dict(mode="whole"), dict(mode="slide", crop_size=[4, 4], stride=[4, 4])):
        check_test_cfg(good)
