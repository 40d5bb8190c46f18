"""1.x import path of the costs of matching."""

from mmdet.boxes import MATCH_COST, build_match_cost

__all__ = [
    "MATCH_COST",
    "build_match_cost",
]
