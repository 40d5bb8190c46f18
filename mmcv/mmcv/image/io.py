"""Reading and writing images; what is cut short or is no image raises ImageError."""

from __future__ import annotations

import functools
import io
import warnings
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image, ImageOps

from mmcv.fileio import FileClient
from mmcv.image.checks import require

supported_backends = ["cv2", "turbojpeg", "pillow", "tifffile"]

imread_flags = {
    "color": cv2.IMREAD_COLOR,
    "grayscale": cv2.IMREAD_GRAYSCALE,
    "unchanged": cv2.IMREAD_UNCHANGED,
    "color_ignore_orientation": cv2.IMREAD_IGNORE_ORIENTATION | cv2.IMREAD_COLOR,
    "grayscale_ignore_orientation": cv2.IMREAD_IGNORE_ORIENTATION | cv2.IMREAD_GRAYSCALE,
}

# Canvas under half-transparent grey images: a colour rare enough not to hide dark objects.
LA_CANVAS = (124, 117, 104)

_backend = "cv2"


class ImageError(ValueError):
    """Bytes that cannot be decoded completely."""


def use_backend(backend: str) -> None:
    """Selects the decoder used when a call names none.

    Args:
        backend: "cv2", "pillow", "turbojpeg" (needs PyTurboJPEG) or "tifffile" (needs tifffile).
    """
    global _backend
    require(
        backend in supported_backends,
        f"image backend {backend!r} is not supported (possible: {', '.join(supported_backends)})",
    )
    if backend == "turbojpeg":
        _turbojpeg()
    elif backend == "tifffile":
        _tifffile()
    _backend = backend


def current_backend(backend: str | None, allowed: tuple[str, ...] | None = None) -> str:
    """Returns ``backend``, or the one chosen with use_backend.

    Raises:
        ValueError: it is not among ``allowed`` (by default every supported backend).
    """
    chosen = _backend if backend is None else backend
    possible = allowed or tuple(supported_backends)
    if chosen not in possible:
        raise ValueError(
            f"backend: {chosen} is not supported. Supported backends are {', '.join(possible)}"
        )
    return chosen


def imread(
    img_or_path: np.ndarray | str | Path,
    flag: str = "color",
    channel_order: str = "bgr",
    backend: str | None = None,
    file_client_args: dict[str, Any] | None = None,
) -> np.ndarray:
    """Reads an image file; an array is returned as it is.

    Args:
        img_or_path: array or path (or URI of a file client).
        flag: "color", "grayscale", "unchanged", or the first two with "_ignore_orientation"
            (without it the EXIF orientation is applied).
        channel_order: "bgr" or "rgb".
        backend: decoder; None: the one chosen with use_backend.
        file_client_args: arguments of FileClient; None: chosen by the prefix of the path.

    Returns:
        (H, W, 3) uint8, or (H, W) for grey flags; "unchanged" keeps what is in the file.

    Raises:
        ImageError: the content is no image, or is cut short.
    """
    if isinstance(img_or_path, np.ndarray):
        return img_or_path
    if not isinstance(img_or_path, (str, Path)):
        raise TypeError('"img" must be a numpy array or a str or a pathlib.Path object')
    content = FileClient.infer_client(file_client_args, img_or_path).get(str(img_or_path))
    try:
        return imfrombytes(content, flag, channel_order, backend)
    except ImageError as error:
        raise ImageError(f"{img_or_path}: {error}") from None


def imfrombytes(
    content: bytes, flag: str = "color", channel_order: str = "bgr", backend: str | None = None
) -> np.ndarray:
    """Decodes an encoded image; see imread for the arguments.

    Raises:
        ImageError: the content is no image, or is cut short.
    """
    backend = current_backend(backend)
    if not content:
        raise ImageError("the file is empty")
    if backend == "turbojpeg":
        return _decode_turbojpeg(content, flag, channel_order)
    if backend == "pillow":
        return _decode_pillow(content, flag, channel_order)
    if backend == "tifffile":
        return _tifffile().imread(io.BytesIO(content))
    return _decode_cv2(content, flag, channel_order)


def imwrite(
    img: np.ndarray,
    file_path: str | Path,
    params: list[int] | None = None,
    auto_mkdir: bool | None = None,
    file_client_args: dict[str, Any] | None = None,
) -> bool:
    """Encodes an image by the suffix of its path and writes it; folders are made as needed.

    Args:
        img: (H, W) or (H, W, 3) BGR.
        file_path: where to write.
        params: encoder parameters of ``cv2.imencode``.
        auto_mkdir: deprecated, without effect.
        file_client_args: arguments of FileClient.

    Returns:
        Whether encoding succeeded.
    """
    if auto_mkdir is not None:
        warnings.warn(
            "The parameter `auto_mkdir` is deprecated: folders are always made", stacklevel=2
        )
    client = FileClient.infer_client(file_client_args, file_path)
    suffix = Path(file_path).suffix
    success, encoded = cv2.imencode(suffix, img, params or [])
    client.put(encoded.tobytes(), str(file_path))
    return success


def _decode_cv2(content: bytes, flag: str | int, channel_order: str) -> np.ndarray:
    require_complete(content)
    code = imread_flags[flag] if isinstance(flag, str) else flag
    img = cv2.imdecode(np.frombuffer(content, np.uint8), code)
    if img is None:
        raise ImageError("the content is not an image that OpenCV can decode")
    if code == cv2.IMREAD_COLOR and channel_order == "rgb":
        cv2.cvtColor(img, cv2.COLOR_BGR2RGB, img)
    return img


def _decode_pillow(content: bytes, flag: str, channel_order: str) -> np.ndarray:
    try:
        with Image.open(io.BytesIO(content)) as img:
            img.load()
            return _pillow_to_array(img, flag, channel_order)
    except OSError as error:  # Pillow's UnidentifiedImageError included
        raise ImageError(str(error)) from None


def _pillow_to_array(img: Image.Image, flag: str, channel_order: str) -> np.ndarray:
    channel_order = channel_order.lower()
    if channel_order not in ("rgb", "bgr"):
        raise ValueError('channel order must be either "rgb" or "bgr"')
    if flag == "unchanged":
        array = np.array(img)
        if array.ndim >= 3 and array.shape[2] >= 3:
            array[:, :, :3] = array[:, :, (2, 1, 0)]  # RGB to BGR
        return array
    if flag not in imread_flags:
        raise ValueError(f"flag must be one of {', '.join(imread_flags)}, but got {flag!r}")
    if flag in ("color", "grayscale"):
        img = ImageOps.exif_transpose(img)
    if img.mode == "LA":
        with_alpha = img.convert("RGBA")
        img = Image.new("RGB", with_alpha.size, LA_CANVAS)
        img.paste(with_alpha, mask=with_alpha.split()[3])
    elif img.mode != "RGB":
        img = img.convert("RGB")
    if flag.startswith("grayscale"):
        return np.array(img.convert("L"))
    array = np.array(img)
    return array if channel_order == "rgb" else array[:, :, ::-1]


def _decode_turbojpeg(content: bytes, flag: str, channel_order: str) -> np.ndarray:
    turbo = _turbojpeg()
    if flag not in ("color", "grayscale"):
        raise ValueError('flag must be "color" or "grayscale" with the turbojpeg backend')
    orders = {"bgr": turbo.TJPF_BGR, "rgb": turbo.TJPF_RGB}
    if channel_order.lower() not in orders:
        raise ValueError('channel order must be either "rgb" or "bgr"')
    code = orders[channel_order.lower()] if flag == "color" else turbo.TJPF_GRAY
    img = _turbo_decoder(turbo).decode(content, code)
    return img[:, :, 0] if img.shape[-1] == 1 else img


@functools.lru_cache(maxsize=1)
def _turbo_decoder(turbo: Any) -> Any:
    return turbo.TurboJPEG()


def _turbojpeg() -> Any:
    try:
        import turbojpeg  # type: ignore[import-not-found]
    except ImportError:
        raise ImportError("`PyTurboJPEG` is not installed: pip install PyTurboJPEG") from None
    return turbojpeg


def _tifffile() -> Any:
    try:
        import tifffile  # type: ignore[import-not-found]
    except ImportError:
        raise ImportError("`tifffile` is not installed: pip install tifffile") from None
    return tifffile


def require_complete(content: bytes) -> None:
    """Raises ImageError for JPEG and PNG data that stop early.

    OpenCV up to 4.x fills the missing part with grey and says nothing.
    """
    if content.startswith(b"\xff\xd8"):
        complete = _jpeg_has_end(content)
    elif content.startswith(b"\x89PNG\r\n\x1a\n"):
        complete = b"IEND" in content[-64:] or b"IEND" in content
    else:
        return
    if complete:
        return
    # Some writers leave the end marker out of otherwise complete data: ask a decoder that checks.
    try:
        Image.open(io.BytesIO(content)).load()
    except OSError:
        raise ImageError(f"the image data end too early (only {len(content)} bytes)") from None


def _jpeg_has_end(content: bytes) -> bool:
    """Looks for the end marker behind the header, which may hold a whole thumbnail image."""
    position = 2
    while position + 4 <= len(content) and content[position] == 0xFF:
        marker = content[position + 1]
        if marker == 0xFF:  # fill byte
            position += 1
            continue
        if marker == 0xDA:  # start of scan: from here on 0xFF in data is always followed by 0
            return content.find(b"\xff\xd9", position) >= 0
        position += 2 + int.from_bytes(content[position + 2 : position + 4], "big")
    return False
