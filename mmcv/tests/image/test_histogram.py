import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps

from mmcv import image


@pytest.fixture
def img() -> np.ndarray:
    return np.random.RandomState(0).normal(120, 25, (64, 48, 3)).clip(0, 255).astype(np.uint8)


def test_equalize_is_pillows(img):
    expected = np.array(ImageOps.equalize(Image.fromarray(img)))
    np.testing.assert_array_equal(image.imequalize(img), expected)
    flat = np.full((4, 4, 3), 9, np.uint8)
    np.testing.assert_array_equal(image.imequalize(flat), flat)


@pytest.mark.parametrize("cutoff", [0, 10, (2, 7)])
def test_auto_contrast_is_pillows(img, cutoff):
    expected = np.array(ImageOps.autocontrast(Image.fromarray(img), cutoff))
    assert np.abs(image.auto_contrast(img, cutoff).astype(int) - expected).max() <= 1


def test_auto_contrast_of_a_flat_image_is_the_image():
    flat = np.full((4, 4, 3), 9, np.uint8)
    np.testing.assert_array_equal(image.auto_contrast(flat), flat)
    with pytest.raises(AssertionError):
        image.auto_contrast(flat, "5")  # type: ignore[arg-type]


def test_clahe_is_opencvs(img):
    expected = cv2.createCLAHE(2.0, (4, 4)).apply(img[..., 0])
    np.testing.assert_array_equal(image.clahe(img[..., 0], 2.0, (4, 4)), expected)
    for wrong in [
        (img, 40.0, (8, 8)),
        (img[..., 0], None, (8, 8)),
        (img[..., 0], 40.0, [8, 8]),
        (img[..., 0], 40.0, (8.0, 8.0)),
        (img[..., 0], 40.0, (8, 8, 8)),
    ]:
        with pytest.raises(AssertionError):
            image.clahe(*wrong)
