import numpy as np
import pytest

from mmcv import image


@pytest.fixture
def img() -> np.ndarray:
    return np.random.RandomState(0).randint(0, 256, (16, 12, 3)).astype(np.uint8)


MEAN = np.array([123.675, 116.28, 103.53])
STD = np.array([58.395, 57.12, 57.375])


def test_normalisation_and_back(img):
    expected = (img[..., ::-1].astype(np.float64) - MEAN) / STD
    normalised = image.imnormalize(img, MEAN, STD)
    assert normalised.dtype == np.float32
    np.testing.assert_allclose(normalised, expected, atol=1e-6)
    np.testing.assert_allclose(
        image.imnormalize(img, MEAN, STD, to_rgb=False), (img - MEAN) / STD, atol=1e-6
    )
    np.testing.assert_allclose(image.imdenormalize(normalised, MEAN, STD), img, atol=1e-4)
    np.testing.assert_allclose(
        image.imdenormalize(normalised, MEAN, STD, to_bgr=False), img[..., ::-1], atol=1e-4
    )
    in_place = img.astype(np.float32)
    assert image.imnormalize_(in_place, MEAN, STD) is in_place
    np.testing.assert_array_equal(in_place, normalised)
    for function in (image.imnormalize_, image.imdenormalize):
        with pytest.raises(AssertionError):
            function(img, MEAN, STD)


def test_invert_solarize_posterize(img):
    np.testing.assert_array_equal(image.iminvert(img), 255 - img)
    expected = np.vectorize(lambda v: v if v < 100 else 255 - v)(img)
    np.testing.assert_array_equal(image.solarize(img, 100), expected)
    np.testing.assert_array_equal(image.posterize(img, 3), img // 32 * 32)


def test_color_blends_with_gray(img):
    gray = np.repeat(image.bgr2gray(img, keepdim=True), 3, axis=2).astype(float)
    np.testing.assert_array_equal(image.adjust_color(img, 1), img)
    np.testing.assert_array_equal(image.adjust_color(img, 0), gray)
    expected = np.clip(0.3 * img + 0.5 * gray + 2, 0, 255)
    assert np.abs(image.adjust_color(img, 0.3, 0.5, 2) - expected).max() <= 1
    float_result = image.adjust_color(img.astype(np.float32), 3.0)
    assert float_result.dtype == np.float32 and float_result.max() <= 255


def test_brightness_and_contrast(img):
    np.testing.assert_array_equal(
        image.adjust_brightness(img, 1.4), np.clip(img * np.float32(1.4), 0, 255).astype(np.uint8)
    )
    np.testing.assert_array_equal(image.adjust_brightness(img, 0), np.zeros_like(img))
    mean = round(image.bgr2gray(img).sum() / (16 * 12))
    np.testing.assert_array_equal(image.adjust_contrast(img, 0), np.full_like(img, mean))
    expected = np.clip(img * 0.6 + mean * 0.4, 0, 255)
    assert np.abs(image.adjust_contrast(img, 0.6) - expected).max() <= 1


@pytest.mark.parametrize(
    "adjust", [image.adjust_color, image.adjust_brightness, image.adjust_contrast]
)
@pytest.mark.parametrize("factor", [0.0, 0.4, 1.0, 1.7])
def test_pillow_and_opencv_agree(img, adjust, factor):
    cv2_result = adjust(img, factor).astype(int)
    pillow_result = adjust(img, factor, backend="pillow").astype(int)
    assert np.abs(cv2_result - pillow_result).max() <= 2
    with pytest.raises(ValueError, match="not supported"):
        adjust(img, factor, backend="turbojpeg")


def test_sharpness(img):
    np.testing.assert_array_equal(image.adjust_sharpness(img, 1), img)
    blurred = image.adjust_sharpness(img, 0)
    window = img[4:7, 5:8].astype(float)
    weights = np.array([[1, 1, 1], [1, 5, 1], [1, 1, 1]]) / 13
    expected = (window * weights[..., None]).sum(axis=(0, 1))
    assert np.abs(blurred[5, 6] - expected).max() <= 1
    identity = np.array([[1.0]])
    np.testing.assert_array_equal(image.adjust_sharpness(img, 0.3, identity), img)
    with pytest.raises(AssertionError):
        image.adjust_sharpness(img, 1, np.ones(3))


@pytest.mark.parametrize("backend", ["cv2", "pillow"])
def test_hue_turns_red_into_green(backend):
    red = np.zeros((2, 2, 3), np.uint8)
    red[..., 2] = 255
    green = image.adjust_hue(red, 1 / 3, backend=backend)
    assert np.abs(green.astype(int) - [0, 255, 0]).max() <= 8
    assert np.abs(image.adjust_hue(red, 0, backend=backend).astype(int) - red).max() <= 2
    gray = np.zeros((3, 3), np.uint8)
    assert image.adjust_hue(gray, 0.2, backend=backend) is gray
    with pytest.raises(ValueError, match="hue_factor"):
        image.adjust_hue(red, 0.6, backend=backend)
    with pytest.raises(TypeError):
        image.adjust_hue([1], 0.2, backend=backend)  # type: ignore[arg-type]


def test_lighting_adds_one_colour_everywhere(img):
    values, vectors = np.array([0.2, 0.02, 0.005]), np.random.RandomState(1).rand(3, 3)
    np.random.seed(5)
    alpha = np.random.normal(0, 0.3, 3)
    colour = [sum(vectors[c, k] * alpha[k] * values[k] for k in range(3)) for c in range(3)]
    np.random.seed(5)
    result = image.adjust_lighting(img, values, vectors, alphastd=0.3)
    np.testing.assert_allclose(result, img[..., ::-1] + np.array(colour), atol=1e-4)
    for wrong in [([1], vectors, 0.1), (values, vectors[:2], 0.1), (values, vectors, 1)]:
        with pytest.raises(AssertionError):
            image.adjust_lighting(img, *wrong)


def test_lut(img):
    table = np.random.RandomState(2).permutation(256).astype(np.uint8)
    np.testing.assert_array_equal(image.lut_transform(img, table), table[img])
    for wrong in [(img.tolist(), table), (img.astype(int) + 1, table), (img, table[:9])]:
        with pytest.raises(AssertionError):
            image.lut_transform(*wrong)
