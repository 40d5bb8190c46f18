"""1.x import path of averages over processes."""

from mmdet.boxes import reduce_mean

__all__ = ["reduce_mean"]
