import io
import sys
from types import ModuleType

import cv2
import numpy as np
import pytest
from PIL import Image

from mmcv.image import ImageError, imfrombytes, imread, imwrite, use_backend


@pytest.fixture
def img() -> np.ndarray:
    yy, xx = np.mgrid[:48, :64]
    return np.stack([yy * 5, xx * 4 - 3 * (yy // 2), (xx + yy) * 2], axis=-1).astype(np.uint8)


def encoded(img: np.ndarray, suffix: str, *params: int) -> bytes:
    return cv2.imencode(suffix, img, params)[1].tobytes()


def with_pillow(img: np.ndarray, file_format: str, **options) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(img).save(buffer, file_format, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("backend", ["cv2", "pillow"])
def test_png_is_decoded_without_loss_in_both_orders(img, backend):
    content = encoded(img, ".png")
    np.testing.assert_array_equal(imfrombytes(content, backend=backend), img)
    rgb = imfrombytes(content, channel_order="rgb", backend=backend)
    np.testing.assert_array_equal(rgb, img[..., ::-1])
    assert imfrombytes(content, "grayscale", backend=backend).shape == img.shape[:2]


def test_pillow_unchanged_returns_palette_indices():
    indices = np.arange(12, dtype=np.uint8).reshape(3, 4)
    png = Image.fromarray(indices).convert("P")
    png.putpalette([7 * i % 256 for i in range(768)])
    png.putdata([int(v) for v in indices.ravel()])
    buffer = io.BytesIO()
    png.save(buffer, "PNG")
    read = imfrombytes(buffer.getvalue(), "unchanged", backend="pillow")
    np.testing.assert_array_equal(read, indices)


def test_unchanged_keeps_alpha_and_bgr_order(img):
    with_alpha = np.dstack([img, np.full(img.shape[:2], 77, np.uint8)])
    for backend in ("cv2", "pillow"):
        read = imfrombytes(encoded(with_alpha, ".png"), "unchanged", backend=backend)
        np.testing.assert_array_equal(read, with_alpha)


def test_exif_orientation_is_applied_unless_ignored(img):
    exif = Image.Exif()
    exif[0x0112] = 6  # rotated by 90 degrees
    content = with_pillow(img, "JPEG", exif=exif)
    for backend in ("cv2", "pillow"):
        assert imfrombytes(content, "color", backend=backend).shape == (64, 48, 3)
        read = imfrombytes(content, "color_ignore_orientation", backend=backend)
        assert read.shape == (48, 64, 3)


@pytest.mark.parametrize("backend", ["cv2", "pillow"])
@pytest.mark.parametrize("suffix", [".jpg", ".png"])
@pytest.mark.parametrize("kept", [0.3, 0.7, 0.95])
def test_truncated_file_is_an_error(img, backend, suffix, kept):
    content = encoded(img, suffix)
    with pytest.raises(ImageError):
        imfrombytes(content[: int(len(content) * kept)], backend=backend)


def test_truncated_jpeg_with_a_whole_thumbnail_is_an_error(img):
    thumbnail = encoded(img[::4, ::4], ".jpg")
    assert thumbnail.endswith(b"\xff\xd9")
    segment = b"Exif\0\0" + thumbnail
    content = encoded(img, ".jpg")
    app1 = b"\xff\xe1" + (len(segment) + 2).to_bytes(2, "big") + segment
    whole = content[:2] + app1 + content[2:]
    assert imfrombytes(whole).shape == img.shape
    with pytest.raises(ImageError, match="end too early"):
        imfrombytes(whole[: len(whole) - 400])


def test_jpeg_without_end_marker_or_with_trailing_bytes_is_accepted(img):
    content = encoded(img, ".jpg")
    whole = imfrombytes(content)
    np.testing.assert_array_equal(imfrombytes(content + b"\0" * 9), whole)


def test_progressive_jpeg_is_accepted(img):
    content = encoded(img, ".jpg", cv2.IMWRITE_JPEG_PROGRESSIVE, 1)
    assert imfrombytes(content).shape == img.shape


def test_pillow_puts_half_transparent_grey_on_a_canvas():
    transparent = np.zeros((4, 5, 2), np.uint8)
    transparent[:2] = (80, 255)
    read = imfrombytes(with_pillow(transparent, "PNG"), channel_order="rgb", backend="pillow")
    assert (read[:2] == 80).all() and (read[2:] == (124, 117, 104)).all()


@pytest.mark.parametrize(("backend", "module"), [("turbojpeg", "turbojpeg"), ("tifffile",) * 2])
def test_a_decoder_that_is_not_installed_says_so(backend, module, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    for use in (use_backend, lambda name: imfrombytes(b"x", backend=name)):
        with pytest.raises(ImportError, match="is not installed: pip install"):
            use(backend)


def test_turbojpeg_is_told_the_pixel_format(img, monkeypatch):
    class Decoder:
        def decode(self, content, code):
            gray = img[..., :1]
            return {"bgr": img, "rgb": img[..., ::-1], "gray": gray}[code]

    formats = {"TJPF_BGR": "bgr", "TJPF_RGB": "rgb", "TJPF_GRAY": "gray"}
    module = ModuleType("turbojpeg")
    vars(module).update(TurboJPEG=Decoder, **formats)
    monkeypatch.setitem(sys.modules, "turbojpeg", module)
    options = {"backend": "turbojpeg"}
    np.testing.assert_array_equal(imfrombytes(b"x", **options), img)
    rgb = imfrombytes(b"x", channel_order="rgb", **options)
    np.testing.assert_array_equal(rgb, img[..., ::-1])
    assert imfrombytes(b"x", "grayscale", **options).shape == (48, 64)
    for wrong in [{"flag": "unchanged"}, {"channel_order": "xyz"}]:
        with pytest.raises(ValueError, match="must be"):
            imfrombytes(b"x", **wrong, **options)


@pytest.mark.parametrize("backend", ["cv2", "pillow"])
@pytest.mark.parametrize("content", [b"", b"no image at all"])
def test_garbage_is_an_error(backend, content):
    with pytest.raises(ImageError):
        imfrombytes(content, backend=backend)


def test_unknown_names_are_errors(img):
    with pytest.raises(ValueError, match="not supported"):
        imfrombytes(b"x", backend="magick")
    with pytest.raises(AssertionError):
        use_backend("magick")
    with pytest.raises(ValueError, match="channel order"):
        imfrombytes(encoded(img, ".png"), channel_order="xyz", backend="pillow")
    with pytest.raises(ValueError, match="flag must be one of"):
        imfrombytes(encoded(img, ".png"), "colour", backend="pillow")


def test_use_backend_selects_the_default(img, monkeypatch):
    content = encoded(img, ".jpg")
    use_backend("pillow")
    try:
        by_default = imfrombytes(content)
    finally:
        use_backend("cv2")
    np.testing.assert_array_equal(by_default, imfrombytes(content, backend="pillow"))


def test_imread_of_an_array_is_the_array(img):
    assert imread(img) is img
    with pytest.raises(TypeError):
        imread(1)  # type: ignore[arg-type]


def test_imwrite_then_imread_is_the_same(img, tmp_path):
    path = tmp_path / "new" / "folder" / "a.png"
    assert imwrite(img, path)
    np.testing.assert_array_equal(imread(path), img)
    np.testing.assert_array_equal(imread(str(path), channel_order="rgb"), img[..., ::-1])
    with pytest.warns(UserWarning, match="auto_mkdir"):
        imwrite(img, path, auto_mkdir=True)


def test_imread_names_the_broken_file(img, tmp_path):
    path = tmp_path / "broken.jpg"
    path.write_bytes(encoded(img, ".jpg")[:500])
    with pytest.raises(ImageError, match=r"broken\.jpg"):
        imread(path)
    with pytest.raises(FileNotFoundError):
        imread(tmp_path / "absent.jpg")
