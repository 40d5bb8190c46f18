"""What tools and plug-ins need beside models and data."""

from mmseg.utils.collect_env import collect_env
from mmseg.utils.logger import get_root_logger
from mmseg.utils.misc import find_latest_checkpoint
from mmseg.utils.set_env import setup_multi_processes
from mmseg.utils.util_distribution import build_ddp, build_dp, get_device

__all__ = [
    "build_ddp",
    "build_dp",
    "collect_env",
    "find_latest_checkpoint",
    "get_device",
    "get_root_logger",
    "setup_multi_processes",
]
