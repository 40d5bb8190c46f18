"""Object detection on the mmcv engine."""

__version__ = "2.25.3"  # the 1.x release whose interface this is: plug-ins check it
version_info = (2, 25, 3)
