# The same in bf16, which needs no loss scale.
_base_ = './mask_rcnn_intern_vit_6b_fpn_1x_coco_bs16_frozen.py'

deepspeed_config = 'zero_configs/adam_zero1_bf16.json'
custom_hooks = [dict(type='ToBFloat16Hook', priority=49)]
