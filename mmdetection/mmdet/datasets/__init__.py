"""Data sets of images with boxes and masks, and the steps that load them."""

from mmdet.datasets.builder import DATASETS, PIPELINES, build_dataloader, build_dataset
from mmdet.datasets.coco import CocoDataset
from mmdet.datasets.custom import CustomDataset
from mmdet.datasets.dataset_wrappers import (
    ClassBalancedDataset,
    ConcatDataset,
    MultiImageMixDataset,
    RepeatDataset,
)
from mmdet.datasets.lvis import LVISV05Dataset, LVISV1Dataset
from mmdet.datasets.lvis import LVISV05Dataset as LVISDataset
from mmdet.datasets.samplers import DistributedGroupSampler, DistributedSampler, GroupSampler
from mmdet.datasets.utils import NumClassCheckHook, get_loading_pipeline, replace_ImageToTensor
from mmdet.datasets.voc import VOCDataset
from mmdet.datasets.xml_style import XMLDataset

__all__ = [
    "DATASETS",
    "PIPELINES",
    "ClassBalancedDataset",
    "CocoDataset",
    "ConcatDataset",
    "CustomDataset",
    "DistributedGroupSampler",
    "DistributedSampler",
    "GroupSampler",
    "LVISDataset",
    "LVISV05Dataset",
    "LVISV1Dataset",
    "MultiImageMixDataset",
    "NumClassCheckHook",
    "RepeatDataset",
    "VOCDataset",
    "XMLDataset",
    "build_dataloader",
    "build_dataset",
    "get_loading_pipeline",
    "replace_ImageToTensor",
]
