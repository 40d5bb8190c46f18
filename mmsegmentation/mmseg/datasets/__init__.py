"""Data sets of images with label maps, and the steps that load them."""

from mmseg.datasets.ade import ADE20KDataset
from mmseg.datasets.aerial import ISAIDDataset, ISPRSDataset, LoveDADataset, PotsdamDataset
from mmseg.datasets.builder import DATASETS, PIPELINES, build_dataloader, build_dataset
from mmseg.datasets.cityscapes import CityscapesDataset
from mmseg.datasets.coco_stuff import COCOStuffDataset
from mmseg.datasets.custom import CustomDataset
from mmseg.datasets.dataset_wrappers import ConcatDataset, MultiImageMixDataset, RepeatDataset
from mmseg.datasets.night import DarkZurichDataset, NightDrivingDataset
from mmseg.datasets.pascal_context import PascalContextDataset, PascalContextDataset59
from mmseg.datasets.vessels import ChaseDB1Dataset, DRIVEDataset, HRFDataset, STAREDataset
from mmseg.datasets.voc import PascalVOCDataset

iSAIDDataset = ISAIDDataset  # 1.x's spelling

__all__ = [
    "DATASETS",
    "PIPELINES",
    "ADE20KDataset",
    "COCOStuffDataset",
    "ChaseDB1Dataset",
    "CityscapesDataset",
    "ConcatDataset",
    "CustomDataset",
    "DRIVEDataset",
    "DarkZurichDataset",
    "HRFDataset",
    "ISAIDDataset",
    "ISPRSDataset",
    "LoveDADataset",
    "MultiImageMixDataset",
    "NightDrivingDataset",
    "PascalContextDataset",
    "PascalContextDataset59",
    "PascalVOCDataset",
    "PotsdamDataset",
    "RepeatDataset",
    "STAREDataset",
    "build_dataloader",
    "build_dataset",
    "iSAIDDataset",
]
