"""What 1.x plug-ins import to batch, move and wrap."""

from mmcv.data.data_container import DataContainer
from mmcv.parallel.collate import collate
from mmcv.parallel.data_parallel import MMDataParallel, MMDistributedDataParallel
from mmcv.parallel.engines import MMDeepSpeedEngine, MMDeepSpeedInferenceEngine
from mmcv.parallel.registry import MODULE_WRAPPERS, is_module_wrapper
from mmcv.parallel.scatter_gather import scatter, scatter_kwargs

__all__ = [
    "MODULE_WRAPPERS",
    "DataContainer",
    "MMDataParallel",
    "MMDeepSpeedEngine",
    "MMDeepSpeedInferenceEngine",
    "MMDistributedDataParallel",
    "collate",
    "is_module_wrapper",
    "scatter",
    "scatter_kwargs",
]
