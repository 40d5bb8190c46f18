import cv2
import numpy as np
import pytest

from mmcv.registry import PIPELINES
from mmcv.transforms import (
    CLAHE,
    AdjustGamma,
    Normalize,
    PhotoMetricDistortion,
    Rerange,
    RGB2Gray,
)


def sample(h: int = 24, w: int = 17, **more) -> dict:
    rng = np.random.RandomState(0)
    return {"img": rng.randint(0, 256, (h, w, 3)).astype(np.uint8), **more}


def test_normalize_is_per_channel_after_the_swap():
    mean, std = [123.675, 116.28, 103.53], [58.395, 57.12, 57.375]
    results = Normalize(mean, std)(sample())
    expected = np.zeros((24, 17, 3))
    for c in range(3):
        channel = sample()["img"][..., 2 - c].astype(np.float64)
        expected[..., c] = (channel - np.float32(mean[c])) / np.float32(std[c])
    assert results["img"].dtype == np.float32
    np.testing.assert_allclose(results["img"], expected, atol=1e-6)
    cfg = results["img_norm_cfg"]
    assert cfg["to_rgb"] is True and cfg["mean"].dtype == cfg["std"].dtype == np.float32
    both = sample(img2=sample()["img"], img_fields=["img", "img2"])
    both = Normalize(mean, std, to_rgb=False)(both)
    np.testing.assert_array_equal(both["img"], both["img2"])
    assert repr(Normalize([0], [1], False)) == "Normalize(mean=[0.], std=[1.], to_rgb=False)"


def plain_distortion(img: np.ndarray, step: PhotoMetricDistortion, kinds: list) -> np.ndarray:
    """The steps as the paper's code has them, pixel arithmetic in float32."""
    rng = np.random

    def scaled(channel, alpha=1.0, beta=0.0):
        return np.clip(channel.astype(np.float32) * alpha + beta, 0, 255).astype(np.uint8)

    def contrast(img):
        if rng.randint(2):
            kinds.append("contrast")
            return scaled(img, alpha=rng.uniform(step.contrast_lower, step.contrast_upper))
        return img

    if rng.randint(2):
        kinds.append("brightness")
        img = scaled(img, beta=rng.uniform(-step.brightness_delta, step.brightness_delta))
    mode = rng.randint(2)
    if mode == 1:
        img = contrast(img)
    if rng.randint(2):
        kinds.append("saturation")
        hsv = cv2.cvtColor(img, cv2.COLOR_BGR2HSV)
        factor = rng.uniform(step.saturation_lower, step.saturation_upper)
        hsv[:, :, 1] = scaled(hsv[:, :, 1], alpha=factor)
        img = cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR)
    if rng.randint(2):
        kinds.append("hue")
        hsv = cv2.cvtColor(img, cv2.COLOR_BGR2HSV)
        hsv[:, :, 0] = (hsv[:, :, 0].astype(int) + rng.randint(-18, 18)) % 180
        img = cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR)
    return contrast(img) if mode == 0 else img


def test_distortion_equals_the_plain_arithmetic_bit_for_bit():
    step, kinds = PhotoMetricDistortion(), []
    for seed in range(40):
        np.random.seed(seed)
        expected = plain_distortion(sample()["img"], step, kinds)
        state = np.random.get_state()[1:3]
        np.random.seed(seed)
        got = step(sample())["img"]
        assert got.dtype == np.uint8
        np.testing.assert_array_equal(got, expected)
        np.testing.assert_array_equal(np.random.get_state()[1], state[0])
    assert set(kinds) == {"brightness", "contrast", "saturation", "hue"}


@pytest.mark.parametrize("alpha", [0.0, 0.5, 0.77, 1.0, 1.31, 1.5])
@pytest.mark.parametrize("beta", [-32.0, -0.4, 0.0, 17.9])
def test_convert_clips_and_cuts_down(alpha, beta):
    values = np.arange(256, dtype=np.uint8).reshape(16, 16)
    converted = PhotoMetricDistortion().convert(values, alpha, beta)
    for value, got in zip(values.ravel(), converted.ravel(), strict=True):
        exact = np.float32(np.float32(value) * np.float32(alpha)) + np.float32(beta)
        assert got == int(min(max(exact, 0), 255))
    as_float = PhotoMetricDistortion().convert(values.astype(np.float32), alpha, beta)
    np.testing.assert_array_equal(as_float, converted)


def test_distortion_repr():
    assert repr(PhotoMetricDistortion()) == (
        "PhotoMetricDistortion(brightness_delta=32, contrast_range=(0.5, 1.5), "
        "saturation_range=(0.5, 1.5), hue_delta=18)"
    )


def test_rerange():
    results = Rerange(-1, 3)(sample())
    img = sample()["img"].astype(float)
    expected = (img - img.min()) / (img.max() - img.min()) * 4 - 1
    np.testing.assert_allclose(results["img"], expected, atol=1e-12)
    with pytest.raises(AssertionError, match=r"flat\.png"):
        Rerange()({"img": np.ones((2, 2)), "filename": "flat.png"})
    for low, high in [(255, 0), ("0", 255), (0, 0)]:
        with pytest.raises(AssertionError):
            Rerange(low, high)
    assert repr(Rerange()) == "Rerange(min_value=0, max_value=255)"


def test_clahe_is_per_channel():
    results = CLAHE(2.0, (4, 4))(sample())
    equalizer = cv2.createCLAHE(2.0, (4, 4))
    for c in range(3):
        expected = equalizer.apply(sample()["img"][..., c].copy())
        np.testing.assert_array_equal(results["img"][..., c], expected)
    for arguments in [{"clip_limit": None}, {"tile_grid_size": (8.0, 8.0)}]:
        with pytest.raises(AssertionError):
            PIPELINES.build({"type": "CLAHE", **arguments})
    assert repr(CLAHE()) == "CLAHE(clip_limit=40.0, tile_grid_size=(8, 8))"


@pytest.mark.parametrize("channels", [None, 1, 2])
def test_gray_is_the_weighted_sum(channels):
    results = RGB2Gray(channels)(sample())
    img = sample()["img"]
    expected = img[..., 0] * 0.299 + img[..., 1] * 0.587 + img[..., 2] * 0.114
    assert results["img"].shape == results["img_shape"] == (24, 17, channels or 3)
    for c in range(channels or 3):
        np.testing.assert_allclose(results["img"][..., c], expected)


def test_gray_arguments():
    for arguments in [
        {"out_channels": -1},
        {"out_channels": 1, "weights": 1.1},
        {"weights": ("1", 2, 3)},
    ]:
        with pytest.raises(AssertionError):
            PIPELINES.build({"type": "RGB2Gray", **arguments})
    with pytest.raises(AssertionError):
        RGB2Gray(weights=(0.5, 0.5))(sample())
    assert repr(RGB2Gray()) == "RGB2Gray(out_channels=None, weights=(0.299, 0.587, 0.114))"


def test_gamma():
    results = AdjustGamma(2.2)(sample())
    exact = (sample()["img"] / 255.0) ** (1 / 2.2) * 255
    np.testing.assert_array_equal(results["img"], exact.astype(np.uint8))
    for gamma in (-1, 0, "1.0"):
        with pytest.raises(AssertionError):
            AdjustGamma(gamma)
    assert repr(AdjustGamma(1.2)) == "AdjustGamma(gamma=1.2)"
