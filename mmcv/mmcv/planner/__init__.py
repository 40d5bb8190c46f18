"""What a training run needs, before it is started: memory, time, communication, disk."""

from mmcv.planner.hardware import GPUS, Gpu, find_gpu
from mmcv.planner.measure import Measured, Parameters, build_on_meta, count_parameters, measure
from mmcv.planner.memory import Layout, Memory, estimate_memory
from mmcv.planner.plan import Option, Plan, make_plan

__all__ = [
    "GPUS",
    "Gpu",
    "Layout",
    "Measured",
    "Memory",
    "Option",
    "Parameters",
    "Plan",
    "build_on_meta",
    "count_parameters",
    "estimate_memory",
    "find_gpu",
    "make_plan",
    "measure",
]
