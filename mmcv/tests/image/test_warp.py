import numpy as np
import pytest

from mmcv import image


@pytest.fixture
def img() -> np.ndarray:
    return np.random.RandomState(0).randint(1, 256, (8, 9, 3)).astype(np.uint8)


def test_whole_shears_shift_each_row_by_its_number(img):
    expected = np.zeros_like(img)
    for y in range(8):
        expected[y, y:] = img[y, : 9 - y]
    np.testing.assert_array_equal(image.imshear(img, 1), expected)
    expected = np.zeros_like(img)
    for x in range(9):
        expected[x:, x] = img[: max(8 - x, 0), x]
    np.testing.assert_array_equal(image.imshear(img, 1, "vertical"), expected)


def test_whole_translations(img):
    moved = image.imtranslate(img, 3, border_value=5)
    np.testing.assert_array_equal(moved[:, 3:], img[:, :-3])
    assert (moved[:, :3] == 5).all()
    moved = image.imtranslate(img, -2, "vertical", border_value=(1, 2, 3))
    np.testing.assert_array_equal(moved[:-2], img[2:])
    assert (moved[-2:] == (1, 2, 3)).all()
    gray = image.imtranslate(img[..., 0], 1)
    np.testing.assert_array_equal(gray[:, 1:], img[:, :-1, 0])


@pytest.mark.parametrize("warp", [image.imshear, image.imtranslate])
def test_wrong_arguments(img, warp):
    with pytest.raises(AssertionError, match="direction"):
        warp(img, 1, "diagonal")
    with pytest.raises(AssertionError):
        warp(img, 1, border_value=(1, 2))
    with pytest.raises(ValueError):
        warp(img, 1, border_value=[1, 2, 3])
