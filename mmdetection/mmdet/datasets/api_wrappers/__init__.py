"""pycocotools under the import path of 1.x."""

from mmdet.datasets.api_wrappers.coco_api import COCO, COCOeval

__all__ = ["COCO", "COCOeval"]
