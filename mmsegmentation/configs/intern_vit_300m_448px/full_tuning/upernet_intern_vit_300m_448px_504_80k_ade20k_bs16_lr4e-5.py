# UperNet and InternViT-300M on ADE20K, all of it trained: one GPU with 24 GB.
_base_ = [
    '../../_base_/models/upernet_intern_vit_300m.py',
    '../../_base_/datasets/ade20k_504x504.py',
    '../../_base_/schedules/intern_vit_6b_80k.py',
    '../../_base_/default_runtime.py',
]

deepspeed_config = 'zero1_bf16'
optimizer = dict(paramwise_cfg=dict(num_layers=24, layer_decay_rate=0.9))
data = dict(samples_per_gpu=16)  # as many as the 6B recipes have on eight GPUs
