"""Which kinds of device there are; the vendors that 1.x also knew are out of scope."""

from __future__ import annotations

import torch

IS_CUDA_AVAILABLE: bool = torch.cuda.is_available()
IS_MPS_AVAILABLE: bool = torch.backends.mps.is_available()
IS_IPU_AVAILABLE = False
IS_MLU_AVAILABLE = False
IS_NPU_AVAILABLE = False
