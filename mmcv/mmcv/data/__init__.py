"""From datasets to batches."""

from mmcv.data.collate import collate
from mmcv.data.data_container import DataContainer
from mmcv.data.errors import DataError, check_label_range, check_label_size
from mmcv.data.loader import DataLoader, build_dataloader
from mmcv.data.sample import Batch, Meta, Sample, Transform
from mmcv.data.samplers import DistributedSampler, sync_random_seed
from mmcv.data.seeding import SampleIndex, SeededSamples, seeded
from mmcv.data.wrappers import ConcatDataset, MultiImageMixDataset, RepeatDataset

__all__ = [
    "Batch",
    "ConcatDataset",
    "DataContainer",
    "DataError",
    "DataLoader",
    "DistributedSampler",
    "Meta",
    "MultiImageMixDataset",
    "RepeatDataset",
    "Sample",
    "SampleIndex",
    "SeededSamples",
    "Transform",
    "build_dataloader",
    "check_label_range",
    "check_label_size",
    "collate",
    "seeded",
    "sync_random_seed",
]
