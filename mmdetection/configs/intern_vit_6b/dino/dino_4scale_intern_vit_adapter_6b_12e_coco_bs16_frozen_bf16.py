# DINO on a ViT-Adapter beside a frozen InternViT-6B: adapter, neck and head (0.19B) are trained.
#
# Frozen: trained, the trunk alone would hold 94 GB of weights, gradients and moments, split over
# the GPUs; its features are strong as they are. With the adapter rather than a pyramid of the last
# map: DINO's encoder mixes positions from stride 8 on, and a frozen trunk that sees patches of 16
# pixels has nothing finer to give; the adapter's convolutions do. Windows of 16 x 16 patches in 44
# of the 48 blocks: at 1333 x 800 pixels there are 4200 patches, and attention over all of them
# would cost as much as everything else; the last block of each group sees the whole image.
_base_ = [
    '../../_base_/models/dino_4scale_r50.py',
    '../../_base_/datasets/coco_detection_detr.py',
    '../../_base_/default_runtime.py',
]

deepspeed = True
deepspeed_config = 'zero_configs/adam_zero1_bf16.json'
custom_hooks = [dict(type='ToBFloat16Hook', priority=49)]

pretrained = './pretrained/intern_vit_6b_224px.pth'
window_attn = ([True] * 11 + [False]) * 4
model = dict(
    backbone=dict(
        _delete_=True,
        type='InternViTAdapter',
        pretrain_size=224,
        img_size=512,  # 32 patches; other sizes resample the positions
        patch_size=16,
        embed_dim=3200,
        depth=48,
        num_heads=25,
        mlp_ratio=4.0,
        qkv_bias=False,
        drop_path_rate=0.0,
        init_values=0.0,  # of the injectors: at the start the adapter changes nothing
        with_cp=True,
        use_flash_attn=True,
        qk_normalization=True,
        layerscale_force_fp32=False,
        freeze_vit=True,
        window_attn=window_attn,
        window_size=[16] * 48,
        conv_inplane=64,
        n_points=4,
        deform_num_heads=25,
        cffn_ratio=0.25,
        deform_ratio=0.25,
        use_final_norm=True,
        interaction_indexes=[[0, 11], [12, 23], [24, 35], [36, 47]],
        out_indices=(1, 2, 3),  # strides 8, 16 and 32; the neck adds 64
        pretrained=pretrained),
    neck=dict(in_channels=[3200, 3200, 3200]))

img_norm_cfg = dict(
    mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], to_rgb=True)
# Sides are multiples of 32, as the adapter's coarsest map needs.
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations', with_bbox=True),
    dict(type='RandomFlip', flip_ratio=0.5),
    dict(
        type='Resize',
        img_scale=[(length, 1333) for length in range(480, 801, 32)],
        multiscale_mode='value',
        keep_ratio=True),
    dict(type='Normalize', **img_norm_cfg),
    dict(type='Pad', size_divisor=32),
    dict(type='DefaultFormatBundle'),
    dict(type='Collect', keys=['img', 'gt_bboxes', 'gt_labels']),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(
        type='MultiScaleFlipAug',
        img_scale=(1333, 800),
        flip=False,
        transforms=[
            dict(type='Resize', keep_ratio=True),
            dict(type='RandomFlip'),
            dict(type='Normalize', **img_norm_cfg),
            dict(type='Pad', size_divisor=32),
            dict(type='ImageToTensor', keys=['img']),
            dict(type='Collect', keys=['img']),
        ])
]
data = dict(
    train=dict(pipeline=train_pipeline),
    val=dict(pipeline=test_pipeline),
    test=dict(pipeline=test_pipeline))

optimizer = dict(
    type='AdamW',
    lr=1e-4,  # for 8 GPUs x 2 images
    weight_decay=0.0001,
    paramwise_cfg=dict(custom_keys={'sampling_offsets': dict(lr_mult=0.1)}))
optimizer_config = dict(grad_clip=None)  # the json clips at 1.0
lr_config = dict(policy='step', step=[11])
runner = dict(type='EpochBasedRunner', max_epochs=12)
checkpoint_config = dict(deepspeed=deepspeed, interval=1, max_keep_ckpts=2)
evaluation = dict(interval=1, metric='bbox', save_best='auto')
log_config = dict(interval=10)
