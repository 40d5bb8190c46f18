# Few-shot: linear head, everything trained, on a quarter of ADE20K.
_base_ = [
    '../../_base_/models/linear_intern_vit_6b.py',
    '../../_base_/datasets/ade20k_504x504_1of4.py',
    '../../_base_/schedules/intern_vit_6b_80k.py',
    '../../_base_/default_runtime.py',
]

runner = dict(max_iters=20000)
lr_config = dict(warmup_iters=400)
