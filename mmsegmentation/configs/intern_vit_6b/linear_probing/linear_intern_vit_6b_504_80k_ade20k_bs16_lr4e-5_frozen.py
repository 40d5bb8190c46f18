# Linear probing on ADE20K: batch norm and one 1x1 convolution over a frozen backbone.
_base_ = [
    '../../_base_/models/linear_intern_vit_6b.py',
    '../../_base_/datasets/ade20k_504x504.py',
    '../../_base_/schedules/intern_vit_6b_80k.py',
    '../../_base_/default_runtime.py',
]

# Half a million parameters are trained: plain DDP, nothing to shard.
deepspeed = False
checkpoint_config = dict(_delete_=True, by_epoch=False, interval=1000, max_keep_ckpts=2)

model = dict(
    # Three blocks before the last, where the published numbers were measured.
    backbone=dict(freeze_vit=True, drop_path_rate=0.0, out_indices=[44]))
optimizer = dict(weight_decay=0.0, paramwise_cfg=dict(layer_decay_rate=1.0))
