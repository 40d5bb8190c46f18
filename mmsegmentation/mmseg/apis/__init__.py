"""Segmentation from a program of one's own: inference, testing, training."""

from mmseg.apis.inference import inference_segmentor, init_segmentor, show_result_pyplot
from mmseg.apis.test import multi_gpu_test, single_gpu_test
from mmseg.apis.train import init_random_seed, set_random_seed, train_segmentor

__all__ = [
    "inference_segmentor",
    "init_random_seed",
    "init_segmentor",
    "multi_gpu_test",
    "set_random_seed",
    "show_result_pyplot",
    "single_gpu_test",
    "train_segmentor",
]
