"""Samplers: which boxes a head is trained on."""

from mmdet.boxes.samplers.base_sampler import BaseSampler
from mmdet.boxes.samplers.pseudo_sampler import PseudoSampler
from mmdet.boxes.samplers.random_sampler import RandomSampler
from mmdet.boxes.samplers.sampling_result import SamplingResult

__all__ = ["BaseSampler", "PseudoSampler", "RandomSampler", "SamplingResult"]
