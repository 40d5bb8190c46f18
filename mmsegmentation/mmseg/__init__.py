"""Semantic segmentation on the mmcv engine. Importing it registers every name a config may use."""

__version__ = "0.27.0"  # the 1.x release whose interface this is: plug-ins check it
version_info = (0, 27, 0)
