"""What tools and plug-ins need beside models and data."""

from mmcv.parallel.factories import build_ddp, build_dp, get_device
from mmcv.utils.latest_checkpoint import find_latest_checkpoint
from mmdet.utils.collect_env import collect_env
from mmdet.utils.config_values import compat_cfg, replace_cfg_vals, update_data_root
from mmdet.utils.logger import get_root_logger
from mmdet.utils.setup_env import setup_multi_processes

__all__ = [
    "build_ddp",
    "build_dp",
    "collect_env",
    "compat_cfg",
    "find_latest_checkpoint",
    "get_device",
    "get_root_logger",
    "replace_cfg_vals",
    "setup_multi_processes",
    "update_data_root",
]
