# DINO: 8 GPUs x 2 images, 12 epochs.
_base_ = [
    '../_base_/models/dino_4scale_r50.py',
    '../_base_/datasets/coco_detection_detr.py', '../_base_/default_runtime.py'
]
optimizer = dict(
    type='AdamW',
    lr=1e-4,
    weight_decay=0.0001,
    paramwise_cfg=dict(custom_keys={'backbone': dict(lr_mult=0.1)}))
optimizer_config = dict(grad_clip=dict(max_norm=0.1, norm_type=2))
lr_config = dict(policy='step', step=[11])
runner = dict(type='EpochBasedRunner', max_epochs=12)
