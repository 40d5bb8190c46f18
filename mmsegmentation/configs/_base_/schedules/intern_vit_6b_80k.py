# How every InternViT-6B model is trained: AdamW with layer decay through DeepSpeed, batch 16.
_base_ = './schedule_80k.py'

deepspeed = True
deepspeed_config = 'zero_configs/adam_zero1_bf16.json'
checkpoint_config = dict(deepspeed=deepspeed, interval=1000, max_keep_ckpts=2)
evaluation = dict(interval=1000, save_best='auto')
# One step before the hooks of normal priority (50), so that these see the final dtypes.
custom_hooks = [dict(type='ToBFloat16Hook', priority=49)]

optimizer = dict(
    _delete_=True,
    type='AdamW',
    lr=4e-5,  # for 8 GPUs x 2 images
    betas=(0.9, 0.999),
    weight_decay=0.05,
    constructor='CustomLayerDecayOptimizerConstructor',
    paramwise_cfg=dict(num_layers=48, layer_decay_rate=0.95))
lr_config = dict(
    power=1.0,
    min_lr=0.0,
    warmup='linear',
    warmup_iters=1500,
    warmup_ratio=1e-6)
