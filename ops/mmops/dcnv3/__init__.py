"""DCNv3, the deformable convolution of InternImage (Wang et al., 2022, arXiv:2211.05778)."""

from mmops.dcnv3.modules import DCNv3, DCNv3_pytorch
from mmops.dcnv3.op import DCNv3Function, dcnv3, dcnv3_core_pytorch

__all__ = ["DCNv3", "DCNv3Function", "DCNv3_pytorch", "dcnv3", "dcnv3_core_pytorch"]
