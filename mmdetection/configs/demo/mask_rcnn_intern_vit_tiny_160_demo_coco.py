# The Mask R-CNN recipe of InternViT-6B with other sizes: what `make demo-det` trains.
_base_ = '../intern_vit_6b/head_tuning/mask_rcnn_intern_vit_6b_fpn_1x_coco_bs16_frozen_bf16.py'

img_scale = (160, 160)  # the longer side
data_root = 'data/demo_coco/'  # written by demo/det_dataset.py
classes = ('ball', 'crate', 'kite', 'ring', 'star')
img_norm_cfg = dict(
    mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], to_rgb=True)

deepspeed_config = 'zero1_fp32'  # a CPU computes bf16 slower than fp32
custom_hooks = [dict(type='NumClassCheckHook')]

model = dict(
    backbone=dict(
        img_size=160,
        pretrain_size=160,
        patch_size=8,  # small objects: the maps have strides 2, 4, 8 and 16
        embed_dim=128,
        depth=4,
        num_heads=4,
        init_values=1.0,  # nothing is pretrained, so nothing has to be kept at first
        freeze_vit=False,
        with_cp=False,
        out_indices=[3],
        window_attn=[True, False, True, False],
        window_size=[8, 8, 8, 8],
        pretrained=None),
    neck=dict(in_channels=[128, 128, 128, 128], out_channels=48),
    rpn_head=dict(
        in_channels=48,
        feat_channels=48,
        anchor_generator=dict(strides=[2, 4, 8, 16, 32])),
    roi_head=dict(
        bbox_roi_extractor=dict(
            out_channels=48, featmap_strides=[2, 4, 8, 16], finest_scale=20),
        bbox_head=dict(in_channels=48, fc_out_channels=256, num_classes=5),
        mask_roi_extractor=dict(
            out_channels=48, featmap_strides=[2, 4, 8, 16], finest_scale=20),
        mask_head=dict(
            num_convs=2, in_channels=48, conv_out_channels=48, num_classes=5)),
    train_cfg=dict(
        rpn=dict(sampler=dict(num=128)),
        rpn_proposal=dict(nms_pre=400, max_per_img=200),
        rcnn=dict(sampler=dict(num=96))),
    test_cfg=dict(rpn=dict(nms_pre=400, max_per_img=200)))

train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations', with_bbox=True, with_mask=True),
    dict(type='Resize', img_scale=img_scale, keep_ratio=True),
    dict(type='RandomFlip', flip_ratio=0.5),
    dict(type='Normalize', **img_norm_cfg),
    dict(type='Pad', size_divisor=32),
    dict(type='DefaultFormatBundle'),
    dict(type='Collect', keys=['img', 'gt_bboxes', 'gt_labels', 'gt_masks']),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(
        type='MultiScaleFlipAug',
        img_scale=img_scale,
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
    samples_per_gpu=4,
    workers_per_gpu=1,
    train=dict(
        classes=classes,
        ann_file=data_root + 'annotations/instances_train.json',
        img_prefix=data_root + 'train/',
        pipeline=train_pipeline),
    val=dict(
        classes=classes,
        ann_file=data_root + 'annotations/instances_val.json',
        img_prefix=data_root + 'val/',
        pipeline=test_pipeline),
    test=dict(
        classes=classes,
        ann_file=data_root + 'annotations/instances_val.json',
        img_prefix=data_root + 'val/',
        pipeline=test_pipeline))

# From scratch on 480 images: a larger rate, and eight short epochs.
optimizer = dict(lr=1e-3, paramwise_cfg=dict(num_layers=4))
lr_config = dict(
    _delete_=True,
    policy='CosineAnnealing',
    min_lr=1e-5,
    by_epoch=False,
    warmup='linear',
    warmup_iters=50,
    warmup_ratio=0.001)
runner = dict(max_epochs=8)
evaluation = dict(interval=4)
