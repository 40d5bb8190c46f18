"""Semantic segmentation on the mmcv engine.

``mmseg.TASK`` is what the training entry needs of it. Asking for it registers every name that a
config may use; that takes a second, so importing the package alone does not.
"""

from typing import Any

__version__ = "0.27.0"  # the 1.x release whose interface this is: plug-ins check it
version_info = (0, 27, 0)


def __getattr__(name: str) -> Any:
    if name == "TASK":
        from mmseg.task import TASK

        return TASK
    if name == "digit_version":
        from mmcv.utils import digit_version

        return digit_version
    raise AttributeError(f"module 'mmseg' has no attribute {name!r}")
