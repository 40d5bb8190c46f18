"""1.x import path of ``mmcv.cnn.flops_counter``."""

from mmcv.cnn.flops_counter import flops_to_string, get_model_complexity_info, params_to_string

__all__ = ["flops_to_string", "get_model_complexity_info", "params_to_string"]
