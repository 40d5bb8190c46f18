"""Semantic segmentation on the mmcv engine."""
