"""Reading image files; whatever is wrong with one ends in a DataError that names it."""

from __future__ import annotations

import os.path as osp
from collections.abc import Mapping
from typing import Any

import numpy as np

from mmcv.data.errors import DataError
from mmcv.fileio import FileClient
from mmcv.image import ImageError, imfrombytes
from mmcv.registry import PIPELINES


@PIPELINES.register_module()
class LoadImageFromFile:
    """Reads ``img_prefix/img_info['filename']``.

    Args:
        to_float32: convert to float32.
        color_type: "color", "grayscale" or "unchanged"; see mmcv.image.imread.
        file_client_args: storage backend.
        imdecode_backend: decoder, "cv2" or "pillow".
        channel_order: "bgr" or "rgb".
    """

    def __init__(
        self,
        to_float32: bool = False,
        color_type: str = "color",
        file_client_args: Mapping[str, Any] = {"backend": "disk"},
        imdecode_backend: str = "cv2",
        channel_order: str = "bgr",
    ) -> None:
        self.to_float32 = to_float32
        self.color_type = color_type
        self.file_client_args = dict(file_client_args)
        self.file_client: Any = None
        self.imdecode_backend = imdecode_backend
        self.channel_order = channel_order

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        """Sets img, its names and shapes, and the defaults of what later steps change."""
        if self.file_client is None:
            self.file_client = make_file_client(self.file_client_args)
        ori_filename = results["img_info"]["filename"]
        prefix = results.get("img_prefix")
        filename = ori_filename if prefix is None else osp.join(prefix, ori_filename)
        img = read_array(
            filename,
            client=self.file_client,
            flag=self.color_type,
            backend=self.imdecode_backend,
            channel_order=self.channel_order,
            what="image",
        )
        if self.to_float32:
            img = img.astype(np.float32)
        channels = 1 if img.ndim < 3 else img.shape[2]
        results.update(
            filename=filename,
            ori_filename=ori_filename,
            img=img,
            img_shape=img.shape,
            ori_shape=img.shape,
            pad_shape=img.shape,
            scale_factor=1.0,
            img_norm_cfg={
                "mean": np.zeros(channels, dtype=np.float32),
                "std": np.ones(channels, dtype=np.float32),
                "to_rgb": False,
            },
        )
        return results

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(to_float32={self.to_float32},"
            f"color_type='{self.color_type}',imdecode_backend='{self.imdecode_backend}')"
        )


def make_file_client(args: Mapping[str, Any]) -> Any:
    """Builds the storage backend that ``file_client_args`` describes."""
    return FileClient(**args)


def read_array(
    path: str,
    *,
    client: Any,
    flag: str = "color",
    backend: str = "cv2",
    channel_order: str = "bgr",
    what: str = "image",
) -> np.ndarray:
    """Reads and decodes one file.

    Args:
        path: of the file.
        client: FileClient.
        flag: see mmcv.image.imread, as backend and channel_order.
        backend: decoder.
        channel_order: "bgr" or "rgb".
        what: "image" or "label", for messages.

    Raises:
        DataError: the file is missing, cannot be read, is no image, or is cut short.
    """
    try:
        return imfrombytes(client.get(path), flag, channel_order, backend)
    except FileNotFoundError:
        folder, suffix = (
            ("img_dir", "img_suffix") if what == "image" else ("ann_dir", "seg_map_suffix")
        )
        raise DataError(
            f"{what} file {path} does not exist: check data_root, {folder} and {suffix} in the "
            "config, or take the sample out of the split"
        ) from None
    except OSError as error:
        raise DataError(
            f"{what} file {path} cannot be read ({error.strerror or error}): check its "
            "permissions and the disk"
        ) from None
    except ImageError as error:
        raise DataError(
            f"{what} file {path} cannot be decoded ({error}): copy or download it again, or take "
            "the sample out of the data set"
        ) from None
