"""pycocotools with snake-case names beside its own, and a clear error for a broken json."""

from __future__ import annotations

import contextlib
import io
import json
import logging
from collections import defaultdict
from typing import Any

from pycocotools.coco import COCO as _Base
from pycocotools.cocoeval import COCOeval as _COCOeval

from mmdet.datasets.annotation_checks import AnnotationError

logger = logging.getLogger(__name__)

COCOeval = _COCOeval
_COCO: Any = _Base  # its type hints are narrower than the files that it reads

SECTIONS = ("images", "annotations", "categories")


class COCO(_COCO):
    """An annotation file in COCO's format.

    Args:
        annotation_file: the json; None: empty, to be filled by the caller.
    """

    def __init__(self, annotation_file: str | None = None) -> None:
        self.img_ann_map: Any = {}
        self.cat_img_map: Any = {}
        with contextlib.redirect_stdout(io.StringIO()):  # it prints what it does
            super().__init__(None)
            if annotation_file is not None:
                self.dataset = read_json(annotation_file)
                self.createIndex()
        self.img_ann_map = self.imgToAnns
        self.cat_img_map = self.catToImgs

    def get_ann_ids(
        self, img_ids: Any = (), cat_ids: Any = (), area_rng: Any = (), iscrowd: Any = None
    ) -> list[int]:
        """Returns the ids of annotations that fit."""
        return self.getAnnIds(img_ids, cat_ids, area_rng, iscrowd)

    def get_cat_ids(self, cat_names: Any = (), sup_names: Any = (), cat_ids: Any = ()) -> list[int]:
        """Returns the ids of categories that fit, in the order of the file."""
        return self.getCatIds(cat_names, sup_names, cat_ids)

    def get_img_ids(self, img_ids: Any = (), cat_ids: Any = ()) -> list[int]:
        """Returns the ids of images that fit."""
        return self.getImgIds(img_ids, cat_ids)

    def load_anns(self, ids: Any) -> list[dict[str, Any]]:
        """Returns annotations by id."""
        return self.loadAnns(ids)

    def load_cats(self, ids: Any) -> list[dict[str, Any]]:
        """Returns categories by id."""
        return self.loadCats(ids)

    def load_imgs(self, ids: Any) -> list[dict[str, Any]]:
        """Returns images by id."""
        return self.loadImgs(ids)


def read_json(path: str) -> dict[str, Any]:
    """Reads an annotation file and checks its outline.

    Raises:
        AnnotationError: it is no json of COCO's format, or refers to images it does not list.
    """
    try:
        with open(path, encoding="utf-8") as file:
            content = json.load(file)
    except ValueError as error:
        raise AnnotationError(f"ann_file: {path} is no complete json ({error})") from None
    missing = [key for key in SECTIONS if not isinstance(content, dict) or key not in content]
    # Files of images without annotations (test-dev) have no list of them.
    if missing and missing != ["annotations"]:
        raise AnnotationError(
            f"ann_file: {path} has no list {missing[0]!r}: COCO's format has {', '.join(SECTIONS)}"
        )
    _check_ids(path, content)
    return content


def _check_ids(path: str, content: dict[str, Any]) -> None:
    for key in SECTIONS:
        entries = content.get(key, [])
        ids = [entry.get("id") for entry in entries]
        if key == "annotations" and None in ids:
            continue  # said below, with the annotation
        seen: dict[Any, int] = defaultdict(int)
        for one in ids:
            seen[one] += 1
        twice = [one for one, count in seen.items() if count > 1]
        if twice:
            kind = "Annotation" if key == "annotations" else key.capitalize()
            raise AnnotationError(
                f"ann_file: {kind} ids in '{path}' are not unique! (such as {twice[0]!r})"
            )
    known = {image["id"] for image in content["images"]}
    lost = [ann for ann in content.get("annotations", []) if ann.get("image_id") not in known]
    if lost:
        logger.warning(
            "%s: %d annotations belong to images that it does not list (image_id %r)",
            path,
            len(lost),
            lost[0].get("image_id"),
        )
        content["annotations"] = [a for a in content["annotations"] if a.get("image_id") in known]
