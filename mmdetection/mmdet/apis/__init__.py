"""Detection from a program of one's own: inference, testing, training."""

from mmdet.apis.inference import inference_detector, init_detector, show_result_pyplot
from mmdet.apis.test import multi_gpu_test, single_gpu_test
from mmdet.apis.train import init_random_seed, set_random_seed, train_detector

__all__ = [
    "inference_detector",
    "init_detector",
    "init_random_seed",
    "multi_gpu_test",
    "set_random_seed",
    "show_result_pyplot",
    "single_gpu_test",
    "train_detector",
]
