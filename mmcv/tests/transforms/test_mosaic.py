import cv2
import numpy as np
import pytest

from mmcv.transforms import RandomMosaic


def sample(value: int, h: int, w: int) -> dict:
    return {
        "img": np.random.RandomState(value).randint(1, 255, (h, w, 3)).astype(np.uint8),
        "gt_semantic_seg": np.full((h, w), value, np.uint8),
        "seg_fields": ["gt_semantic_seg"],
    }


def four(sizes: list[tuple[int, int]]) -> dict:
    first, *others = [sample(i + 1, h, w) for i, (h, w) in enumerate(sizes)]
    return {**first, "mix_results": others}


@pytest.mark.parametrize("seed", range(6))
def test_parts_touch_the_centre_and_the_rest_is_padding(seed):
    step = RandomMosaic(1.0, img_scale=(20, 24), pad_val=7)
    results = four([(20, 24), (10, 12), (15, 40), (33, 20)])
    np.random.seed(seed)
    np.random.rand()
    cx = int(np.random.uniform(0.5, 1.5) * 24)
    cy = int(np.random.uniform(0.5, 1.5) * 20)
    parts = [{**results}, *results["mix_results"]]
    img = np.full((40, 48, 3), 7, np.uint8)
    seg = np.full((40, 48), 255, np.uint8)
    for quarter, part in enumerate(parts):
        h, w = part["img"].shape[:2]
        scale = min(20 / h, 24 / w)
        size = (int(w * scale), int(h * scale))
        small = cv2.resize(part["img"], size)
        # The part's corner that lies at the centre decides where its first pixel goes.
        x0 = cx - size[0] if quarter in (0, 2) else cx
        y0 = cy - size[1] if quarter in (0, 1) else cy
        for i in range(size[1]):
            for j in range(size[0]):
                if 0 <= y0 + i < 40 and 0 <= x0 + j < 48:
                    img[y0 + i, x0 + j] = small[i, j]
                    seg[y0 + i, x0 + j] = quarter + 1
    np.random.seed(seed)
    mixed = step(results)
    np.testing.assert_array_equal(mixed["img"], img)
    np.testing.assert_array_equal(mixed["gt_semantic_seg"], seg)
    assert mixed["img_shape"] == mixed["ori_shape"] == (40, 48, 3)


def test_no_mosaic_leaves_the_sample():
    results = sample(1, 5, 6)
    assert RandomMosaic(0.0)(results) is results


def test_grey_images():
    results = four([(20, 24)] * 4)
    for part in [results, *results["mix_results"]]:
        part["img"] = part["img"][..., 0]
    assert RandomMosaic(1.0, (10, 12))(results)["img"].shape == (20, 24)


def test_three_indexes_below_the_length():
    indexes = RandomMosaic(1.0).get_indexes(range(2))
    assert len(indexes) == 3 and set(indexes) <= {0, 1}


def test_wrong_arguments():
    with pytest.raises(AssertionError):
        RandomMosaic(1.5)
    with pytest.raises(AssertionError):
        RandomMosaic(1.0, img_scale=640)  # type: ignore[arg-type]
    with pytest.raises(AssertionError, match="MultiImageMixDataset"):
        RandomMosaic(1.0)(sample(1, 5, 5))
    assert repr(RandomMosaic(1.0)) == (
        "RandomMosaic(prob=1.0, img_scale=(640, 640), center_ratio_range=(0.5, 1.5), pad_val=0, "
        "seg_pad_val=255)"
    )
