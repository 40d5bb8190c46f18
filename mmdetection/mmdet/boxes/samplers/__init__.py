"""Samplers: which boxes a head is trained on."""

from mmdet.boxes.samplers.base_sampler import BaseSampler
from mmdet.boxes.samplers.combined_sampler import CombinedSampler
from mmdet.boxes.samplers.instance_balanced_pos_sampler import InstanceBalancedPosSampler
from mmdet.boxes.samplers.iou_balanced_neg_sampler import IoUBalancedNegSampler
from mmdet.boxes.samplers.mask_sampling_result import MaskPseudoSampler, MaskSamplingResult
from mmdet.boxes.samplers.ohem_sampler import OHEMSampler
from mmdet.boxes.samplers.pseudo_sampler import PseudoSampler
from mmdet.boxes.samplers.random_sampler import RandomSampler
from mmdet.boxes.samplers.sampling_result import SamplingResult

__all__ = [
    "BaseSampler",
    "CombinedSampler",
    "InstanceBalancedPosSampler",
    "IoUBalancedNegSampler",
    "MaskPseudoSampler",
    "MaskSamplingResult",
    "OHEMSampler",
    "PseudoSampler",
    "RandomSampler",
    "SamplingResult",
]
