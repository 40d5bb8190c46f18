"""Object detection on the mmcv engine.

``mmdet.TASK`` is what the training entry needs of it. Asking for it registers every name that a
config may use; that takes a second, so importing the package alone does not.
"""

from typing import Any

__version__ = "2.25.3"  # the 1.x release whose interface this is: plug-ins check it
version_info = (2, 25, 3)


def __getattr__(name: str) -> Any:
    if name == "TASK":
        from mmdet.task import TASK

        return TASK
    raise AttributeError(f"module 'mmdet' has no attribute {name!r}")
