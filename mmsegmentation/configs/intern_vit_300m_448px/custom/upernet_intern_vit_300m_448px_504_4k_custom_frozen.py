# UperNet over a frozen InternViT-300M on a data set of one's own: docs/custom_data.md.
_base_ = [
    '../../_base_/models/upernet_intern_vit_300m.py',
    '../../_base_/datasets/custom_dataset.py',
    '../../_base_/schedules/intern_vit_6b_80k.py',
    '../../_base_/default_runtime.py',
]

deepspeed_config = 'zero1_bf16'
model = dict(
    backbone=dict(freeze_vit=True, drop_path_rate=0.0),
    auxiliary_head=dict(in_index=1))
optimizer = dict(lr=2e-4, paramwise_cfg=dict(num_layers=24, layer_decay_rate=1.0))
# A few hundred photographs are seen often enough in 4000 iterations.
runner = dict(max_iters=4000)
lr_config = dict(warmup_iters=200)
checkpoint_config = dict(interval=500)
evaluation = dict(interval=500)
data = dict(samples_per_gpu=4)
