"""Random crops."""

import copy

import numpy as np
import pytest

from mmseg.datasets.pipelines import RandomCrop


def crop_like_1x(results, crop_size, cat_max_ratio, ignore_index):
    """The published algorithm with its sequence of draws, for one label map."""
    height, width = results["img"].shape[:2]

    def draw():
        y = np.random.randint(0, max(height - crop_size[0], 0) + 1)
        x = np.random.randint(0, max(width - crop_size[1], 0) + 1)
        return slice(y, y + crop_size[0]), slice(x, x + crop_size[1])

    window = draw()
    if cat_max_ratio < 1:
        for _ in range(10):
            labels, counts = np.unique(results["gt_semantic_seg"][window], return_counts=True)
            counts = counts[labels != ignore_index]
            if len(counts) > 1 and counts.max() / counts.sum() < cat_max_ratio:
                break
            window = draw()
    return results["img"][window], results["gt_semantic_seg"][window]


def make_sample(seed, dtype=np.uint8):
    rng = np.random.default_rng(seed)
    label = np.zeros((40, 50), dtype)
    label[: rng.integers(5, 30), : rng.integers(5, 40)] = rng.integers(1, 5)
    label[rng.random((40, 50)) < 0.3] = 255
    img = rng.integers(0, 256, (40, 50, 3)).astype(np.uint8)
    return {"img": img, "gt_semantic_seg": label, "seg_fields": ["gt_semantic_seg"]}


@pytest.mark.parametrize("dtype", [np.uint8, np.int64])
@pytest.mark.parametrize("cat_max_ratio", [1.0, 0.75, 0.2])
@pytest.mark.parametrize("crop_size", [(16, 24), (60, 20), (100, 100)])
def test_crops_and_draws_are_those_of_1x(crop_size, cat_max_ratio, dtype):
    for seed in range(5):
        sample = make_sample(seed, dtype)
        np.random.seed(seed)
        img, label = crop_like_1x(sample, crop_size, cat_max_ratio, 255)
        next_draw = np.random.rand()
        np.random.seed(seed)
        result = RandomCrop(crop_size, cat_max_ratio)(copy.deepcopy(sample))
        assert np.random.rand() == next_draw
        np.testing.assert_array_equal(result["img"], img)
        np.testing.assert_array_equal(result["gt_semantic_seg"], label)
        assert result["img_shape"] == img.shape


def test_the_last_draw_is_taken_when_every_window_is_filled_by_one_class():
    sample = make_sample(0)
    sample["gt_semantic_seg"][:] = 3
    assert RandomCrop((8, 8), 0.75)(sample)["img"].shape == (8, 8, 3)


@pytest.mark.parametrize("crop_size", [(0, 4), (4, -1)])
def test_an_empty_crop_is_refused(crop_size):
    with pytest.raises(AssertionError, match="crop_size"):
        RandomCrop(crop_size)


def test_repr_shows_the_size():
    assert repr(RandomCrop((4, 5))) == "RandomCrop(crop_size=(4, 5))"
