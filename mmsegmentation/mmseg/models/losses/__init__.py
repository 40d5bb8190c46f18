"""Losses of decode heads."""

from mmseg.models.losses.accuracy import Accuracy, accuracy
from mmseg.models.losses.cross_entropy_loss import (
    CrossEntropyLoss,
    binary_cross_entropy,
    cross_entropy,
    mask_cross_entropy,
)
from mmseg.models.losses.dice_loss import DiceLoss
from mmseg.models.losses.focal_loss import FocalLoss
from mmseg.models.losses.lovasz_loss import LovaszLoss
from mmseg.models.losses.utils import reduce_loss, weight_reduce_loss, weighted_loss

__all__ = [
    "Accuracy",
    "CrossEntropyLoss",
    "DiceLoss",
    "FocalLoss",
    "LovaszLoss",
    "accuracy",
    "binary_cross_entropy",
    "cross_entropy",
    "mask_cross_entropy",
    "reduce_loss",
    "weight_reduce_loss",
    "weighted_loss",
]
