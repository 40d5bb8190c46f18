"""1.x import paths; what they name lives in ``mmdet.boxes``, ``mmdet.masks`` and beside them."""

from mmdet.core.anchor import *  # noqa: F403
from mmdet.core.bbox import *  # noqa: F403
from mmdet.core.data_structures import *  # noqa: F403
from mmdet.core.evaluation import *  # noqa: F403
from mmdet.core.mask import *  # noqa: F403
from mmdet.core.post_processing import *  # noqa: F403
from mmdet.core.utils import *  # noqa: F403
from mmdet.core.visualization import *  # noqa: F403
