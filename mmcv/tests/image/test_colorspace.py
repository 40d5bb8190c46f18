import cv2
import numpy as np
import pytest

from mmcv import image
from mmcv.image.colorspace import _convert_input_type_range, _convert_output_type_range


@pytest.fixture
def img() -> np.ndarray:
    return np.random.RandomState(0).randint(0, 256, (9, 11, 3)).astype(np.uint8)


def test_channel_swaps(img):
    np.testing.assert_array_equal(image.bgr2rgb(img), img[..., ::-1])
    np.testing.assert_array_equal(image.rgb2bgr(img), img[..., ::-1])


def test_gray_is_the_weighted_sum(img):
    expected = img[..., 0] * 0.114 + img[..., 1] * 0.587 + img[..., 2] * 0.299
    assert np.abs(image.bgr2gray(img) - expected).max() <= 1
    np.testing.assert_array_equal(image.rgb2gray(img[..., ::-1].copy()), image.bgr2gray(img))
    assert image.bgr2gray(img, keepdim=True).shape == (9, 11, 1)
    gray = image.bgr2gray(img)
    for convert in (image.gray2bgr, image.gray2rgb):
        np.testing.assert_array_equal(convert(gray), np.stack([gray] * 3, axis=-1))
        np.testing.assert_array_equal(convert(gray[..., None]), np.stack([gray] * 3, axis=-1))


def hue_degrees(b: float, g: float, r: float) -> float:
    high, low = max(b, g, r), min(b, g, r)
    if high == low:
        return 0.0
    if high == r:
        return 60 * (g - b) / (high - low) % 360
    if high == g:
        return 120 + 60 * (b - r) / (high - low)
    return 240 + 60 * (r - g) / (high - low)


def test_hsv_of_float_images(img):
    unit = img.astype(np.float32) / 255
    hsv = image.bgr2hsv(unit)
    expected = np.array([[hue_degrees(*pixel) for pixel in row] for row in unit.tolist()])
    np.testing.assert_allclose(hsv[..., 0], expected, atol=1e-2)
    np.testing.assert_allclose(hsv[..., 2], unit.max(axis=-1), atol=1e-6)
    np.testing.assert_allclose(image.hsv2bgr(hsv), unit, atol=1e-4)
    hls = image.bgr2hls(unit)
    np.testing.assert_allclose(hls[..., 1], (unit.max(axis=-1) + unit.min(axis=-1)) / 2, atol=1e-6)
    np.testing.assert_allclose(image.hls2bgr(hls), unit, atol=1e-4)


def bt601(r: float, g: float, b: float) -> list[float]:
    y = 65.481 * r + 128.553 * g + 24.966 * b + 16
    cb = -37.797 * r - 74.203 * g + 112.0 * b + 128
    cr = 112.0 * r - 93.786 * g - 18.214 * b + 128
    return [y, cb, cr]


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_ycbcr_is_bt601_and_reverses(img, dtype):
    unit = img.astype(np.float32) / 255
    given = img if dtype == np.uint8 else unit
    expected = np.array([[bt601(*pixel) for pixel in row] for row in unit.tolist()])
    unit_of = 1 if dtype == np.uint8 else 255
    got = image.rgb2ycbcr(given)
    assert got.dtype == dtype
    np.testing.assert_allclose(got * np.float64(unit_of), expected, atol=0.51)
    np.testing.assert_array_equal(image.bgr2ycbcr(given[..., ::-1].copy()), got)
    y = image.rgb2ycbcr(given, y_only=True)
    np.testing.assert_allclose(y, got[..., 0], atol=1 if dtype == np.uint8 else 1e-6)
    np.testing.assert_array_equal(image.bgr2ycbcr(given[..., ::-1].copy(), y_only=True), y)
    # Without clipping, as 1.x: colours at the edge of the gamut may wrap around.
    inside = (img > 8).all(axis=-1) & (img < 247).all(axis=-1)
    back = image.ycbcr2rgb(got)
    np.testing.assert_allclose(
        back[inside].astype(float),
        given[inside].astype(float),
        atol=3 if dtype == np.uint8 else 1e-4,
    )
    np.testing.assert_array_equal(image.ycbcr2bgr(got)[..., ::-1], back)


def test_type_ranges():
    ints = np.array([0, 128, 255], np.uint8)
    np.testing.assert_allclose(_convert_input_type_range(ints), ints / 255)
    np.testing.assert_array_equal(
        _convert_output_type_range(np.array([0.4, 127.6]), np.uint8), [0, 128]
    )
    assert _convert_output_type_range(np.array([255.0]), np.float32) == 1
    with pytest.raises(TypeError):
        _convert_input_type_range(ints.astype(np.float64))
    with pytest.raises(TypeError):
        _convert_output_type_range(np.zeros(2), np.float64)


def test_imconvert_takes_opencv_names(img):
    np.testing.assert_array_equal(
        image.imconvert(img, "bgr", "lab"), cv2.cvtColor(img, cv2.COLOR_BGR2LAB)
    )
