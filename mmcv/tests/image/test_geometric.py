import math

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmcv import image

sides = st.integers(1, 40)


def noise(h: int, w: int, c: int | None = 3) -> np.ndarray:
    shape = (h, w) if c is None else (h, w, c)
    return np.random.RandomState(h * 100 + w).randint(0, 256, shape).astype(np.uint8)


def bilinear(img: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Half-pixel-centre bilinear interpolation, with loops."""
    h, w = img.shape
    new_w, new_h = size
    out = np.zeros((new_h, new_w))
    for i in range(new_h):
        for j in range(new_w):
            y = min(max((i + 0.5) * h / new_h - 0.5, 0), h - 1)
            x = min(max((j + 0.5) * w / new_w - 0.5, 0), w - 1)
            y0, x0 = int(y), int(x)
            y1, x1 = min(y0 + 1, h - 1), min(x0 + 1, w - 1)
            dy, dx = y - y0, x - x0
            top = img[y0, x0] * (1 - dx) + img[y0, x1] * dx
            bottom = img[y1, x0] * (1 - dx) + img[y1, x1] * dx
            out[i, j] = top * (1 - dy) + bottom * dy
    return out


@pytest.mark.parametrize("size", [(5, 17), (23, 8), (11, 9)])
def test_imresize_is_bilinear(size):
    img = noise(9, 11, None)
    assert np.abs(image.imresize(img, size) - bilinear(img, size)).max() <= 1
    resized, w_scale, h_scale = image.imresize(img, size, return_scale=True)
    assert resized.shape == (size[1], size[0])
    assert (w_scale, h_scale) == (size[0] / 11, size[1] / 9)


def test_nearest_takes_only_values_of_the_image():
    labels = np.array([[3, 250], [17, 255]], np.uint8)
    assert set(np.unique(image.imresize(labels, (7, 5), interpolation="nearest"))) <= {
        3,
        17,
        250,
        255,
    }


def test_backends_and_out():
    img = noise(10, 12)
    out = np.empty((5, 6, 3), np.uint8)
    assert image.imresize(img, (6, 5), out=out) is out
    assert image.imresize(img, (6, 5), backend="pillow").shape == (5, 6, 3)
    with pytest.raises(ValueError, match="not supported"):
        image.imresize(img, (6, 5), backend="turbojpeg")
    with pytest.raises(AssertionError):
        image.imresize(img.astype(np.float32), (6, 5), backend="pillow")
    assert image.imresize_like(img, np.zeros((4, 9))).shape == (4, 9, 3)


@given(
    w=st.integers(2, 3000), h=st.integers(2, 3000), a=st.integers(1, 3000), b=st.integers(1, 3000)
)
def test_rescaled_size_fits_both_bounds_and_touches_one(w, h, a, b):
    (new_w, new_h), factor = image.rescale_size((w, h), (a, b), return_scale=True)
    assert max(new_w, new_h) <= max(a, b) and min(new_w, new_h) <= min(a, b)
    assert max(new_w, new_h) == max(a, b) or min(new_w, new_h) == min(a, b)
    assert abs(new_w - w * factor) <= 0.5 + 1e-6 and abs(new_h - h * factor) <= 0.5 + 1e-6


def test_rescale_size_by_a_factor_rounds_half_up():
    assert image.rescale_size((5, 3), 0.5) == (3, 2)
    assert image.rescale_size((400, 300), 1.5) == (600, 450)
    with pytest.raises(ValueError, match="positive"):
        image.rescale_size((4, 3), -1)
    with pytest.raises(TypeError):
        image.rescale_size((4, 3), [100, 100])


def test_imrescale():
    img = noise(300, 400)
    assert image.imrescale(img, (1000, 200)).shape == (200, 267, 3)
    rescaled, factor = image.imrescale(img, 0.5, return_scale=True)
    assert rescaled.shape == (150, 200, 3) and factor == 0.5


@given(h=st.integers(4, 60), w=st.integers(4, 60), divisor=st.integers(1, 20))
def test_resize_to_multiple_rounds_up(h, w, divisor):
    resized = image.imresize_to_multiple(noise(h, w), divisor, scale_factor=1)
    assert resized.shape[:2] == tuple(math.ceil(s / divisor) * divisor for s in (h, w))


def test_resize_to_multiple_arguments():
    img = noise(30, 40)
    assert image.imresize_to_multiple(img, (16, 8), size=(33, 33)).shape == (40, 48, 3)
    assert image.imresize_to_multiple(img, 16, size=(80, 33), keep_ratio=True).shape[:2] == (48, 48)
    _, w_scale, h_scale = image.imresize_to_multiple(
        img, 16, scale_factor=(2, 0.5), return_scale=True
    )
    assert (w_scale, h_scale) == (80 / 40, 16 / 30)
    with pytest.raises(ValueError):
        image.imresize_to_multiple(img, 16, size=(10, 10), scale_factor=1)
    with pytest.raises(ValueError):
        image.imresize_to_multiple(img, 16)


@given(h=sides, w=sides, direction=st.sampled_from(["horizontal", "vertical", "diagonal"]))
def test_flips_are_involutions_and_move_corners(h, w, direction):
    img = noise(h, w)
    flipped = image.imflip(img, direction)
    np.testing.assert_array_equal(image.imflip(flipped, direction), img)
    y = h - 1 if direction != "horizontal" else 0
    x = w - 1 if direction != "vertical" else 0
    np.testing.assert_array_equal(flipped[y, x], img[0, 0])
    in_place = img.copy()
    image.imflip_(in_place, direction)
    np.testing.assert_array_equal(in_place, flipped)


def test_unknown_flip_is_an_error():
    for flip in (image.imflip, image.imflip_):
        with pytest.raises(AssertionError, match="direction"):
            flip(noise(3, 3), "sideways")


def test_rotation_by_right_angles():
    img = noise(7, 7)
    np.testing.assert_array_equal(image.imrotate(img, 90), np.rot90(img, -1))
    np.testing.assert_array_equal(image.imrotate(img, -90), np.rot90(img, 1))
    wide = noise(5, 9)
    np.testing.assert_array_equal(image.imrotate(wide, 90, auto_bound=True), np.rot90(wide, -1))
    corner = image.imrotate(np.full((8, 8), 200, np.uint8), 45, border_value=13)
    assert corner[0, 0] == 13 and corner[4, 4] == 200
    with pytest.raises(ValueError, match="conflicts"):
        image.imrotate(img, 90, center=(0, 0), auto_bound=True)
    with pytest.raises(AssertionError):
        image.imrotate(img, 90, center=3)  # type: ignore[arg-type]
    mirrored = image.imrotate(img, 0, center=(10.0, 3.0), border_mode="reflect")
    np.testing.assert_array_equal(mirrored, img)


@given(h=sides, w=sides, more_h=sides, more_w=sides)
def test_padding_to_a_shape_keeps_the_image(h, w, more_h, more_w):
    img = noise(h, w)
    padded = image.impad(img, shape=(h + more_h, w + more_w), pad_val=(1, 2, 3))
    np.testing.assert_array_equal(padded[:h, :w], img)
    assert (padded[h:] == (1, 2, 3)).all() and (padded[:, w:] == (1, 2, 3)).all()


@pytest.mark.parametrize("mode", ["edge", "reflect", "symmetric"])
def test_padding_modes_are_numpys(mode):
    img = noise(6, 5)
    padded = image.impad(img, padding=(2, 3, 1, 4), padding_mode=mode)
    np.testing.assert_array_equal(padded, np.pad(img, ((3, 4), (2, 1), (0, 0)), mode))


def test_padding_arguments():
    img = noise(4, 6)
    assert image.impad(img, padding=2).shape == (8, 10, 3)
    assert image.impad(img, padding=(1, 2)).shape == (8, 8, 3)
    assert image.impad(img, shape=(2, 9)).shape == (4, 9, 3)
    assert image.impad_to_multiple(img, 5).shape == (5, 10, 3)
    for wrong in (dict(), dict(shape=(5, 5), padding=1), dict(padding=1, pad_val=(1, 2))):
        with pytest.raises(AssertionError):
            image.impad(img, **wrong)
    with pytest.raises(TypeError):
        image.impad(img, padding=1, pad_val="0")
    with pytest.raises(ValueError):
        image.impad(img, padding=(1, 2, 3))
    with pytest.raises(AssertionError, match="padding_mode"):
        image.impad(img, padding=1, padding_mode="tile")


def test_interpolation_names_are_opencvs():
    img = noise(20, 20, None)
    for name, code in [("area", cv2.INTER_AREA), ("lanczos", cv2.INTER_LANCZOS4)]:
        np.testing.assert_array_equal(
            image.imresize(img, (9, 9), interpolation=name),
            cv2.resize(img, (9, 9), interpolation=code),
        )
