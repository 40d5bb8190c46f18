"""Decode heads."""

from mmseg.models.decode_heads.fcn_head import FCNHead
from mmseg.models.decode_heads.psp_head import PSPHead
from mmseg.models.decode_heads.uper_head import UPerHead

__all__ = ["FCNHead", "PSPHead", "UPerHead"]
