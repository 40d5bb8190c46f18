"""1.x import path of the steps that make tensors, in its old spelling."""

from mmdet.datasets.pipelines.formatting import *  # noqa: F403
