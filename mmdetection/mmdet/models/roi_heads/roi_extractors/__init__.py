"""What cuts the features of regions out of maps."""

from mmdet.models.roi_heads.roi_extractors.base_roi_extractor import BaseRoIExtractor
from mmdet.models.roi_heads.roi_extractors.generic_roi_extractor import GenericRoIExtractor
from mmdet.models.roi_heads.roi_extractors.single_level_roi_extractor import SingleRoIExtractor

__all__ = ["BaseRoIExtractor", "GenericRoIExtractor", "SingleRoIExtractor"]
