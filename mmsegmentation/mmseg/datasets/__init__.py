"""Data sets of images with label maps, and the steps that load them."""

from mmseg.datasets.ade import ADE20KDataset
from mmseg.datasets.builder import DATASETS, PIPELINES, build_dataloader, build_dataset
from mmseg.datasets.cityscapes import CityscapesDataset
from mmseg.datasets.coco_stuff import COCOStuffDataset
from mmseg.datasets.custom import CustomDataset
from mmseg.datasets.dataset_wrappers import ConcatDataset, MultiImageMixDataset, RepeatDataset
from mmseg.datasets.pascal_context import PascalContextDataset, PascalContextDataset59
from mmseg.datasets.voc import PascalVOCDataset

__all__ = [
    "DATASETS",
    "PIPELINES",
    "ADE20KDataset",
    "COCOStuffDataset",
    "CityscapesDataset",
    "ConcatDataset",
    "CustomDataset",
    "MultiImageMixDataset",
    "PascalContextDataset",
    "PascalContextDataset59",
    "PascalVOCDataset",
    "RepeatDataset",
    "build_dataloader",
    "build_dataset",
]
