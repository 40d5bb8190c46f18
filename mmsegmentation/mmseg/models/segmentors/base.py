"""What a segmentor is: training and testing entries, and how a result is drawn."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from mmcv.model import BaseModel


class BaseSegmentor(BaseModel):
    """Base of segmentors; ``CLASSES`` and ``PALETTE`` are set from the data set or checkpoint."""

    backbone: Any
    neck: Any
    decode_head: Any
    auxiliary_head: Any

    def __init__(self, init_cfg: Any = None) -> None:
        super().__init__(init_cfg)
        self.CLASSES: Sequence[str] | None = None
        self.PALETTE: Sequence[Sequence[int]] | None = None
        self.fp16_enabled = False  # read and set by 1.x code; without effect here

    @property
    def with_neck(self) -> bool:
        """Whether there is a neck."""
        return getattr(self, "neck", None) is not None

    @property
    def with_auxiliary_head(self) -> bool:
        """Whether there is an auxiliary head, or several."""
        return getattr(self, "auxiliary_head", None) is not None

    @property
    def with_decode_head(self) -> bool:
        """Whether there is a decode head."""
        return getattr(self, "decode_head", None) is not None

    @abstractmethod
    def extract_feat(self, img: Tensor) -> Sequence[Tensor]:
        """Returns the maps that the heads read."""

    @abstractmethod
    def encode_decode(self, img: Tensor, img_metas: Any) -> Tensor:
        """Returns logits (B, C, H, W) of the size of ``img`` (B, 3, H, W)."""

    def forward_test(self, imgs: list[Tensor], img_metas: list[Any], **kwargs: Any) -> list[Any]:
        """Calls ``simple_test`` for one view, ``aug_test`` for several.

        Args:
            imgs: views of the batch, each (B, 3, H, W).
            img_metas: for each view one dict per image.
            kwargs: options of the two.
        """
        if isinstance(img_metas, list):
            for view in img_metas:
                for key in ("ori_shape", "img_shape", "pad_shape"):
                    shapes = [meta[key] for meta in view if key in meta]
                    assert all(shape == shapes[0] for shape in shapes), (
                        f"images tested in one batch must have one {key}, but have {shapes}"
                    )
        return super().forward_test(imgs, img_metas, **kwargs)

    def val_step(self, data_batch: dict[str, Any], optimizer: Any = None, **kwargs: Any) -> dict:
        """Returns the same as ``train_step``, the names to log ending with ``_val``."""
        outputs = self.train_step(data_batch, optimizer, **kwargs)
        log_vars = {f"{name}_val": value for name, value in outputs["log_vars"].items()}
        return {**outputs, "log_vars": log_vars}

    def show_result(
        self,
        img: str | Path | np.ndarray,
        result: Sequence[np.ndarray],
        palette: Sequence[Sequence[int]] | np.ndarray | None = None,
        win_name: str = "",
        show: bool = False,
        wait_time: int = 0,
        out_file: str | None = None,
        opacity: float = 0.5,
    ) -> np.ndarray:
        """Draws a prediction over its image.

        Args:
            img: file or (H, W, 3) BGR.
            result: the first element is drawn, (H, W) classes.
            palette: one RGB colour per class; by default the data set's, or else random ones.
            win_name: title of the window.
            show: open a window, unless ``out_file`` is given.
            wait_time: milliseconds until it closes; 0 waits for a key.
            out_file: where to write the picture.
            opacity: of the colours, in (0, 1].

        Returns:
            (H, W, 3) uint8 BGR
        """
        from mmcv.image import imread, imwrite

        if not 0 < opacity <= 1.0:
            raise ValueError(f"opacity must be in (0, 1], but is {opacity}")
        picture = imread(img)
        seg = result[0]
        if seg.shape != picture.shape[:2]:
            raise ValueError(f"the result has shape {seg.shape}, but the image {picture.shape[:2]}")
        colours = colour_map(seg, self._palette(palette, seg))[..., ::-1]
        picture = (picture * (1 - opacity) + colours * opacity).astype(np.uint8)
        if out_file is not None:
            imwrite(picture, out_file)
        elif show:
            from mmcv.visualization import imshow

            imshow(picture, win_name, wait_time)
        return picture

    def _palette(self, palette: Any, seg: np.ndarray) -> np.ndarray:
        num_classes = len(self.CLASSES) if self.CLASSES is not None else None
        if palette is None:
            palette = self.PALETTE
        if palette is None:
            count = num_classes if num_classes is not None else int(seg.max()) + 1
            # The colours of 1.x: those of this seed.
            palette = np.random.RandomState(42).randint(0, 255, size=(count, 3))
        palette = np.array(palette)
        if palette.ndim != 2 or palette.shape[1] != 3:
            raise ValueError(f"palette must be one RGB colour per class, but is {palette.shape}")
        if num_classes is not None and len(palette) != num_classes:
            raise ValueError(f"palette has {len(palette)} colours for {num_classes} classes")
        return palette


def colour_map(seg: np.ndarray, palette: np.ndarray) -> np.ndarray:
    """Returns the colours (H, W, 3) uint8 of classes (H, W); black where there is no colour."""
    colours = np.zeros((*seg.shape, 3), dtype=np.uint8)
    known = (seg >= 0) & (seg < len(palette))
    colours[known] = palette[seg[known].astype(np.int64)]
    return colours
