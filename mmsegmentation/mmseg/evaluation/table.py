"""Tables as text; they live in mmcv."""

from mmcv.utils.table import text_table

__all__ = ["text_table"]
