# Linear probing of InternViT-300M on ADE20K: batch norm and one 1x1 convolution are trained.
_base_ = [
    '../../_base_/models/linear_intern_vit_6b.py',
    '../../_base_/datasets/ade20k_504x504.py',
    '../../_base_/schedules/intern_vit_6b_80k.py',
    '../../_base_/default_runtime.py',
]

# 0.2M parameters are trained: nothing to shard.
deepspeed = False
checkpoint_config = dict(_delete_=True, by_epoch=False, interval=1000, max_keep_ckpts=2)

pretrained = 'hf://OpenGVLab/InternViT-300M-448px'
model = dict(
    backbone=dict(
        pretrain_size=448,
        embed_dim=1024,
        depth=24,
        num_heads=16,
        qkv_bias=True,
        qk_normalization=False,
        norm_type='layer_norm',
        freeze_vit=True,
        drop_path_rate=0.0,
        out_indices=[23],
        pretrained=pretrained),
    decode_head=dict(in_channels=1024, channels=1024))
optimizer = dict(weight_decay=0.0, paramwise_cfg=dict(num_layers=24, layer_decay_rate=1.0))
data = dict(samples_per_gpu=16)
