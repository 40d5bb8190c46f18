"""Loading of images and annotations."""

from __future__ import annotations

import os.path as osp
from collections.abc import Mapping
from typing import Any

import numpy as np

from mmcv.image.checks import require
from mmcv.transforms.loading import make_file_client, read_array
from mmdet.datasets.annotation_checks import require_size
from mmdet.datasets.pipelines.masks import to_bitmap, valid_polygons
from mmdet.masks import BitmapMasks, PolygonMasks
from mmdet.registry import PIPELINES

DISK = {"backend": "disk"}


@PIPELINES.register_module()
class LoadImageFromFile:
    """Reads ``img_prefix/img_info['filename']``.

    Args:
        to_float32: convert to float32.
        color_type: "color", "grayscale" or "unchanged"; see mmcv.image.imread.
        channel_order: "bgr" or "rgb".
        file_client_args: storage backend.
    """

    def __init__(
        self,
        to_float32: bool = False,
        color_type: str = "color",
        channel_order: str = "bgr",
        file_client_args: Mapping[str, Any] = DISK,
    ) -> None:
        self.to_float32 = to_float32
        self.color_type = color_type
        self.channel_order = channel_order
        self.file_client_args = dict(file_client_args)
        self.file_client: Any = None

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        """Sets img, its names and shapes, and img_fields.

        Raises:
            DataError: the file cannot be read, or is not of the size that the json says.
        """
        name = results["img_info"]["filename"]
        path = _below(results["img_prefix"], name)
        if self.file_client is None:  # made in the worker process that uses it
            self.file_client = make_file_client(self.file_client_args)
        img = read_array(
            path,
            client=self.file_client,
            flag=self.color_type,
            channel_order=self.channel_order,
        )
        require_size(img.shape[:2], results["img_info"], path)
        set_image(results, img, path, name, to_float32=self.to_float32)
        return results

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(to_float32={self.to_float32}, color_type='{self.color_type}', "
            f"channel_order='{self.channel_order}', file_client_args={self.file_client_args})"
        )


@PIPELINES.register_module()
class LoadImageFromWebcam(LoadImageFromFile):
    """Takes the image that is in the sample already, for inference on arrays."""

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        """Sets the shapes; there are no names."""
        set_image(results, results["img"], None, None, to_float32=self.to_float32)
        return results


@PIPELINES.register_module()
class LoadMultiChannelImageFromFiles:
    """Reads one file per channel and stacks them along a last dimension.

    Args:
        to_float32: convert to float32.
        color_type: see LoadImageFromFile.
        file_client_args: storage backend.
    """

    def __init__(
        self,
        to_float32: bool = False,
        color_type: str = "unchanged",
        file_client_args: Mapping[str, Any] = DISK,
    ) -> None:
        self.to_float32 = to_float32
        self.color_type = color_type
        self.file_client_args = dict(file_client_args)
        self.file_client: Any = None

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        """Sets img, names, shapes, and what images that are not normalised have."""
        if self.file_client is None:
            self.file_client = make_file_client(self.file_client_args)
        names = results["img_info"]["filename"]
        paths = [_below(results["img_prefix"], name) for name in names]
        options = {"client": self.file_client, "flag": self.color_type}
        img = np.stack([read_array(path, **options) for path in paths], axis=-1)
        set_image(results, img, paths, names, to_float32=self.to_float32)
        set_default_meta(results)
        return results

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(to_float32={self.to_float32}, color_type='{self.color_type}', "
            f"file_client_args={self.file_client_args})"
        )


@PIPELINES.register_module()
class LoadAnnotations:
    """Takes boxes, labels, masks and label maps over from ``ann_info``.

    Args:
        with_bbox: set gt_bboxes, and gt_bboxes_ignore if there are such.
        with_label: set gt_labels.
        with_mask: set gt_masks.
        with_seg: read gt_semantic_seg from ``seg_prefix/ann_info['seg_map']``.
        poly2mask: keep masks as bitmaps; else as polygons.
        denorm_bbox: boxes are relative to the size of the image.
        file_client_args: storage backend.
    """

    def __init__(
        self,
        with_bbox: bool = True,
        with_label: bool = True,
        with_mask: bool = False,
        with_seg: bool = False,
        poly2mask: bool = True,
        denorm_bbox: bool = False,
        file_client_args: Mapping[str, Any] = DISK,
    ) -> None:
        self.with_bbox = with_bbox
        self.with_label = with_label
        self.with_mask = with_mask
        self.with_seg = with_seg
        self.poly2mask = poly2mask
        self.denorm_bbox = denorm_bbox
        self.file_client_args = dict(file_client_args)
        self.file_client: Any = None

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        """Sets what was asked for and names it in bbox_fields, mask_fields, seg_fields."""
        if self.with_bbox:
            self._load_bboxes(results)
        if self.with_label:
            results["gt_labels"] = results["ann_info"]["labels"].copy()
        if self.with_mask:
            self._load_masks(results)
        if self.with_seg:
            self._load_semantic_seg(results)
        return results

    def _load_bboxes(self, results: dict[str, Any]) -> None:
        ann = results["ann_info"]
        results["gt_bboxes"] = ann["bboxes"].copy()
        if self.denorm_bbox and len(results["gt_bboxes"]):
            h, w = results["img_shape"][:2]
            results["gt_bboxes"][:, 0::2] *= w
            results["gt_bboxes"][:, 1::2] *= h
        if ann.get("bboxes_ignore") is not None:
            results["gt_bboxes_ignore"] = ann["bboxes_ignore"].copy()
            results["bbox_fields"].append("gt_bboxes_ignore")
        results["bbox_fields"].append("gt_bboxes")
        if ann.get("gt_is_group_ofs") is not None:
            results["gt_is_group_ofs"] = ann["gt_is_group_ofs"].copy()

    def _load_masks(self, results: dict[str, Any]) -> None:
        info = results["img_info"]
        h, w = info["height"], info["width"]
        segmentations = results["ann_info"]["masks"]
        where = info.get("filename", "?")
        if self.poly2mask:
            bitmaps = [to_bitmap(segm, h, w, where) for segm in segmentations]
            results["gt_masks"] = BitmapMasks(bitmaps, h, w)
        else:
            polygons = [valid_polygons(segm, where) for segm in segmentations]
            results["gt_masks"] = PolygonMasks(polygons, h, w)
        results["mask_fields"].append("gt_masks")

    def _load_semantic_seg(self, results: dict[str, Any]) -> None:
        if self.file_client is None:
            self.file_client = make_file_client(self.file_client_args)
        path = osp.join(results["seg_prefix"], results["ann_info"]["seg_map"])
        seg = read_array(path, client=self.file_client, flag="unchanged", what="label").squeeze()
        results["gt_semantic_seg"] = seg
        results["seg_fields"].append("gt_semantic_seg")

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(with_bbox={self.with_bbox}, with_label={self.with_label}, "
            f"with_mask={self.with_mask}, with_seg={self.with_seg}, poly2mask={self.poly2mask}, "
            f"file_client_args={self.file_client_args})"
        )


@PIPELINES.register_module()
class LoadProposals:
    """Takes the proposals of the data set's ``proposal_file``, without their scores.

    Args:
        num_max_proposals: keep the first so many.
    """

    def __init__(self, num_max_proposals: int | None = None) -> None:
        self.num_max_proposals = num_max_proposals

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        """Sets proposals, (n, 4) with n at least 1, and names them in bbox_fields."""
        proposals = results["proposals"]
        require(
            proposals.shape[1] in (4, 5),
            f"proposals should have shapes (n, 4) or (n, 5), but found {proposals.shape}",
        )
        proposals = proposals[: self.num_max_proposals, :4]
        if len(proposals) == 0:
            proposals = np.array([[0, 0, 0, 0]], dtype=np.float32)
        results["proposals"] = proposals
        results["bbox_fields"].append("proposals")
        return results

    def __repr__(self) -> str:
        return f"{type(self).__name__}(num_max_proposals={self.num_max_proposals})"


@PIPELINES.register_module()
class FilterAnnotations:
    """Leaves out small objects.

    Args:
        min_gt_bbox_wh: width and height that boxes must exceed.
        min_gt_mask_area: least number of pixels of a mask.
        by_box: look at boxes.
        by_mask: look at masks.
        keep_empty: reject samples without any object left (the name is 1.x's, and misleads).
    """

    def __init__(
        self,
        min_gt_bbox_wh: tuple[float, float] = (1.0, 1.0),
        min_gt_mask_area: float = 1,
        by_box: bool = True,
        by_mask: bool = False,
        keep_empty: bool = True,
    ) -> None:
        require(by_box or by_mask, "FilterAnnotations needs by_box or by_mask")
        self.min_gt_bbox_wh = min_gt_bbox_wh
        self.min_gt_mask_area = min_gt_mask_area
        self.by_box = by_box
        self.by_mask = by_mask
        self.keep_empty = keep_empty

    def __call__(self, results: dict[str, Any]) -> dict[str, Any] | None:
        """Filters gt_bboxes, gt_labels and gt_masks."""
        tests = []
        if self.by_box:
            require("gt_bboxes" in results, "FilterAnnotations: the sample has no gt_bboxes")
            sizes = results["gt_bboxes"][:, 2:] - results["gt_bboxes"][:, :2]
            tests.append((sizes > self.min_gt_bbox_wh).all(axis=1))
        if self.by_mask:
            require("gt_masks" in results, "FilterAnnotations: the sample has no gt_masks")
            tests.append(results["gt_masks"].areas >= self.min_gt_mask_area)
        if len(tests[-1]) == 0:
            return results
        kept = np.logical_and.reduce(tests).nonzero()[0]
        for key in ("gt_bboxes", "gt_labels", "gt_masks"):
            if key in results:
                results[key] = results[key][kept]
        return None if kept.size == 0 and self.keep_empty else results

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(min_gt_bbox_wh={self.min_gt_bbox_wh}, "
            f"min_gt_mask_area={self.min_gt_mask_area}, by_box={self.by_box}, "
            f"by_mask={self.by_mask}, keep_empty={self.keep_empty})"
        )


def set_image(
    results: dict[str, Any], img: np.ndarray, path: Any, name: Any, *, to_float32: bool
) -> None:
    """Sets an image with its names and shapes."""
    if to_float32:
        img = img.astype(np.float32)
    results.update(filename=path, ori_filename=name, img=img)
    results.update(img_shape=img.shape, ori_shape=img.shape, img_fields=["img"])


def set_default_meta(results: dict[str, Any]) -> None:
    """Sets what later steps would, as of an image that was neither resized nor normalised."""
    img = results["img"]
    channels = 1 if img.ndim < 3 else img.shape[2]
    results.setdefault("pad_shape", img.shape)
    results.setdefault("scale_factor", 1.0)
    identity = {"mean": np.zeros(channels, np.float32), "std": np.ones(channels, np.float32)}
    results.setdefault("img_norm_cfg", {**identity, "to_rgb": False})


def _below(prefix: str | None, name: str) -> str:
    return name if prefix is None else osp.join(prefix, name)
