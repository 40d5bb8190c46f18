import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmcv import image


def noise(h: int, w: int) -> np.ndarray:
    return np.random.RandomState(h * 100 + w).randint(0, 256, (h, w, 3)).astype(np.uint8)


boxes = st.tuples(*[st.integers(-8, 20) for _ in range(4)]).map(
    lambda b: (min(b[0], b[2]), min(b[1], b[3]), max(b[0], b[2]), max(b[1], b[3]))
)


@given(box=boxes)
def test_padded_crop_has_the_size_of_the_box_and_the_pixels_of_the_image(box):
    img = noise(12, 15)
    x1, y1, x2, y2 = box
    if x2 < 0 or y2 < 0 or x1 > 14 or y1 > 11:  # nothing inside
        return
    patch = image.imcrop(img, np.array(box), pad_fill=[9, 8, 7])
    assert patch.shape == (y2 - y1 + 1, x2 - x1 + 1, 3)
    for i in range(patch.shape[0]):
        for j in range(patch.shape[1]):
            y, x = y1 + i, x1 + j
            inside = 0 <= y < 12 and 0 <= x < 15
            assert patch[i, j].tolist() == (img[y, x].tolist() if inside else [9, 8, 7])
    clipped = image.imcrop(img, np.array(box))
    np.testing.assert_array_equal(clipped, img[max(y1, 0) : y2 + 1, max(x1, 0) : x2 + 1])


def test_several_boxes_give_several_patches():
    img = noise(12, 15)
    patches = image.imcrop(img, np.array([[0, 0, 3, 3], [2, 4, 9, 5]]))
    assert [p.shape[:2] for p in patches] == [(4, 4), (2, 8)]
    gray = image.imcrop(img[..., 0], np.array([-1, 0, 3, 3]), pad_fill=5)
    assert gray.shape == (4, 5) and (gray[:, 0] == 5).all()
    with pytest.raises(AssertionError):
        image.imcrop(img, np.array([0, 0, 3, 3]), pad_fill=[1, 2])


def test_scaled_boxes_keep_their_centre():
    box = np.array([[10, 20, 19, 39]])
    scaled = image.bbox_scaling(box, 2.0)
    np.testing.assert_array_equal(scaled, [[5, 10, 24, 49]])
    np.testing.assert_array_equal(image.bbox_scaling(box, 1.0), box)
    np.testing.assert_array_equal(image.bbox_scaling(box, 2.0, (30, 20)), [[5, 10, 19, 29]])


@given(h=st.integers(1, 20), w=st.integers(1, 20), side=st.integers(1, 30), seed=st.integers(0, 99))
def test_cutout_fills_one_rectangle(h, w, side, seed):
    img = noise(h, w).clip(1)
    np.random.seed(seed)
    cut = image.cutout(img, side)
    ys, xs = np.nonzero((cut == 0).all(axis=-1))
    assert len(ys) > 0
    assert (cut[ys.min() : ys.max() + 1, xs.min() : xs.max() + 1] == 0).all()
    outside = np.ones((h, w), bool)
    outside[ys.min() : ys.max() + 1, xs.min() : xs.max() + 1] = False
    np.testing.assert_array_equal(cut[outside], img[outside])
    assert (img > 0).all()


def test_cutout_draws_like_numpys_uniform_of_one_bound():
    img = noise(30, 40)
    np.random.seed(3)
    u, v = np.random.random_sample(2)
    y0, x0 = 30 + (1.0 - 30) * u, 40 + (1.0 - 40) * v
    y1, x1 = int(max(0, y0 - 4)), int(max(0, x0 - 3))
    expected = img.copy()
    expected[y1 : min(30, y1 + 8), x1 : min(40, x1 + 6)] = (1, 2, 3)
    np.random.seed(3)
    np.testing.assert_array_equal(image.cutout(img, (8, 6), (1, 2, 3)), expected)


def test_cutout_arguments():
    img = noise(5, 5)
    assert image.cutout(img[..., 0], 2, 7).shape == (5, 5)
    for shape, fill in [((1, 2, 3), 0), (2.5, 0), (2, (0, 0))]:
        with pytest.raises(AssertionError):
            image.cutout(img, shape, fill)
    with pytest.raises(TypeError):
        image.cutout(img, 2, "0")
