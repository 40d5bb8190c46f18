"""1.x import path."""

from mmseg.evaluation.class_names import *  # noqa: F403
