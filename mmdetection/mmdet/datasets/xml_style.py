"""Data sets with one XML file per image, as Pascal VOC has them."""

from __future__ import annotations

import os.path as osp
import xml.etree.ElementTree as ET
from typing import Any

import numpy as np
from PIL import Image

from mmcv.fileio import list_from_file
from mmcv.image.checks import require
from mmcv.registry import ConfigError
from mmdet.datasets.custom import CustomDataset
from mmdet.registry import DATASETS


@DATASETS.register_module()
class XMLDataset(CustomDataset):
    """Images named in a text file, annotations in XML.

    Args:
        min_size: objects with a side shorter than this are ignored.
        img_subdir: folder of the images below ``img_prefix``.
        ann_subdir: folder of the XML files below ``img_prefix``.
        kwargs: arguments of CustomDataset; ``ann_file`` lists the names of the images.
    """

    def __init__(
        self,
        min_size: float | None = None,
        img_subdir: str = "JPEGImages",
        ann_subdir: str = "Annotations",
        **kwargs: Any,
    ) -> None:
        require(
            bool(self.CLASSES or kwargs.get("classes")), "CLASSES in `XMLDataset` can not be None."
        )
        self.img_subdir = img_subdir
        self.ann_subdir = ann_subdir
        self.min_size = min_size
        super().__init__(**kwargs)

    @property
    def cat2label(self) -> dict[str, int]:
        """Class name -> label."""
        return {name: label for label, name in enumerate(self.CLASSES or ())}

    def load_annotations(self, ann_file: str) -> list[dict[str, Any]]:
        """Returns ``{id, filename, width, height}`` of each image."""
        infos = []
        for img_id in list_from_file(ann_file):
            filename = osp.join(self.img_subdir, f"{img_id}.jpg")
            size = self._read_xml(img_id).find("size")
            if size is not None:
                width, height = _number(size, "width", img_id), _number(size, "height", img_id)
            else:
                with Image.open(osp.join(self.img_prefix, filename)) as img:
                    width, height = img.size
            info = {"id": img_id, "filename": filename, "width": int(width), "height": int(height)}
            infos.append(info)
        return infos

    def get_ann_info(self, idx: int) -> dict[str, Any]:
        """Returns boxes and labels; ``bboxes_ignore`` are difficult or small objects."""
        boxes: dict[bool, list[Any]] = {False: [], True: []}
        labels: dict[bool, list[int]] = {False: [], True: []}
        img_id = self.data_infos[idx]["id"]
        for name, obj in self._objects(img_id):
            corners = _box(obj, img_id)
            difficult = obj.find("difficult")
            ignored = difficult is not None and int(difficult.text or 0) > 0
            if self.min_size and not self.test_mode:
                w, h = corners[2] - corners[0], corners[3] - corners[1]
                ignored = ignored or w < self.min_size or h < self.min_size
            boxes[ignored].append(corners)
            labels[ignored].append(self.cat2label[name])
        # VOC counts pixels from 1.
        arrays = {
            k: np.array(v, dtype=np.float32).reshape(-1, 4) - bool(v) for k, v in boxes.items()
        }
        return {
            "bboxes": arrays[False].astype(np.float32),
            "labels": np.array(labels[False], dtype=np.int64),
            "bboxes_ignore": arrays[True].astype(np.float32),
            "labels_ignore": np.array(labels[True], dtype=np.int64),
        }

    def get_cat_ids(self, idx: int) -> list[int]:
        """Returns the label of each object of a sample."""
        return [self.cat2label[name] for name, _ in self._objects(self.data_infos[idx]["id"])]

    def _filter_imgs(self, min_size: int = 32) -> list[int]:
        """Returns the indices of images that are large enough and, if asked for, not empty."""
        valid = []
        for i, info in enumerate(self.data_infos):
            if min(info["width"], info["height"]) < min_size:
                continue
            if not self.filter_empty_gt or self._objects(info["id"]):
                valid.append(i)
        return valid

    def _read_xml(self, img_id: str) -> Any:
        path = osp.join(self.img_prefix, self.ann_subdir, f"{img_id}.xml")
        try:
            return ET.parse(path).getroot()
        except ET.ParseError as error:
            raise ConfigError(f"ann_file: {path} is no complete XML ({error})") from None

    def _objects(self, img_id: str) -> list[tuple[str, Any]]:
        """Returns name and element of each object of the classes."""
        classes = self.CLASSES or ()
        found = [(o.findtext("name") or "", o) for o in self._read_xml(img_id).findall("object")]
        return [(name, obj) for name, obj in found if name in classes]


def _box(obj: Any, img_id: str) -> list[float]:
    box = obj.find("bndbox")
    if box is None:
        raise ConfigError(f"ann_file: an object of {img_id}.xml has no bndbox")
    return [int(_number(box, side, img_id)) for side in ("xmin", "ymin", "xmax", "ymax")]


def _number(element: Any, name: str, img_id: str) -> float:
    text = element.findtext(name)
    try:
        return float(text)
    except (TypeError, ValueError):
        raise ConfigError(
            f"ann_file: {name} of {img_id}.xml should be a number, but is {text!r}"
        ) from None
