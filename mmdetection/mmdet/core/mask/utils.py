"""1.x import path of masks as run lengths."""

from mmdet.masks import encode_mask_results, mask2bbox, split_combined_polys

__all__ = ["encode_mask_results", "mask2bbox", "split_combined_polys"]
