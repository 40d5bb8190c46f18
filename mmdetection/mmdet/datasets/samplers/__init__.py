"""1.x import path of the samplers."""

from mmcv.data.group_samplers import (
    DistributedGroupSampler,
    GroupSampler,
    InfiniteBatchSampler,
    InfiniteGroupBatchSampler,
)
from mmcv.data.samplers import DistributedSampler

__all__ = [
    "DistributedGroupSampler",
    "DistributedSampler",
    "GroupSampler",
    "InfiniteBatchSampler",
    "InfiniteGroupBatchSampler",
]
