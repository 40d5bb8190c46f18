"""1.x import path."""

from mmcv.utils.process_settings import setup_multi_processes

__all__ = ["setup_multi_processes"]
