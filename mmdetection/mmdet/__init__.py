"""Object detection on the mmcv engine."""
