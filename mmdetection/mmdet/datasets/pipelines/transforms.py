"""1.x import path of the steps that change images."""

from mmdet.datasets.pipelines.affine import *  # noqa: F403
from mmdet.datasets.pipelines.albu import *  # noqa: F403
from mmdet.datasets.pipelines.cropping import *  # noqa: F403
from mmdet.datasets.pipelines.geometric import *  # noqa: F403
from mmdet.datasets.pipelines.mixing import *  # noqa: F403
from mmdet.datasets.pipelines.photometric import *  # noqa: F403
