"""1.x import paths; what they name lives in ``mmseg.models``, ``mmseg.evaluation`` and ``mmcv``."""

from mmseg.core.builder import OPTIMIZER_BUILDERS, build_optimizer, build_optimizer_constructor
from mmseg.core.evaluation import *  # noqa: F403
from mmseg.core.optimizers import *  # noqa: F403
from mmseg.core.seg import *  # noqa: F403
from mmseg.core.utils import *  # noqa: F403

__all__ = ["OPTIMIZER_BUILDERS", "build_optimizer", "build_optimizer_constructor"]
