"""1.x import path."""

from mmseg.evaluation.metrics import *  # noqa: F403
