"""Decode heads."""

from mmseg.models.decode_heads.aspp_head import ASPPHead
from mmseg.models.decode_heads.fcn_head import FCNHead
from mmseg.models.decode_heads.fpn_head import FPNHead
from mmseg.models.decode_heads.gc_head import GCHead
from mmseg.models.decode_heads.nl_head import NLHead
from mmseg.models.decode_heads.ocr_head import OCRHead
from mmseg.models.decode_heads.psp_head import PSPHead
from mmseg.models.decode_heads.segformer_head import SegformerHead
from mmseg.models.decode_heads.sep_aspp_head import DepthwiseSeparableASPPHead
from mmseg.models.decode_heads.sep_fcn_head import DepthwiseSeparableFCNHead
from mmseg.models.decode_heads.setr_mla_head import SETRMLAHead
from mmseg.models.decode_heads.setr_up_head import SETRUPHead
from mmseg.models.decode_heads.uper_head import UPerHead

__all__ = [
    "ASPPHead",
    "DepthwiseSeparableASPPHead",
    "DepthwiseSeparableFCNHead",
    "FCNHead",
    "FPNHead",
    "GCHead",
    "NLHead",
    "OCRHead",
    "PSPHead",
    "SETRMLAHead",
    "SETRUPHead",
    "SegformerHead",
    "UPerHead",
]
