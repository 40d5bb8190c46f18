# The Mask R-CNN recipe of InternViT-6B with other sizes, all of it trained: what `make demo-det` runs.
_base_ = '../intern_vit_6b/head_tuning/mask_rcnn_intern_vit_6b_fpn_1x_coco_bs16_frozen.py'

data_root = 'data/demo_coco/'  # written by demo/det_dataset.py
classes = ('ball', 'crate', 'kite', 'ring', 'star')
img_scale = (224, 224)
img_norm_cfg = dict(
    mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], to_rgb=True)

deepspeed_config = 'zero1_fp32'  # a CPU computes fp16 slower than fp32
custom_hooks = [dict(type='NumClassCheckHook')]

channels = 64
model = dict(
    backbone=dict(
        pretrain_size=224,
        img_size=224,
        embed_dim=192,
        depth=4,
        num_heads=6,
        init_values=1.0,  # nothing is pretrained, so nothing has to be kept at first
        with_cp=False,
        freeze_vit=False,
        out_indices=[3],
        window_attn=[True, True, True, False],  # the last block sees the whole image
        window_size=[8] * 4,
        output_dtype=None,
        pretrained=None),
    neck=dict(in_channels=[192] * 4, out_channels=channels),
    rpn_head=dict(
        in_channels=channels,
        feat_channels=channels,
        anchor_generator=dict(scales=[4])),  # 16 to 256 pixels
    roi_head=dict(
        bbox_roi_extractor=dict(out_channels=channels),
        bbox_head=dict(in_channels=channels, fc_out_channels=256, num_classes=5),
        mask_roi_extractor=dict(out_channels=channels),
        mask_head=dict(
            num_convs=2, in_channels=channels, conv_out_channels=channels, num_classes=5)),
    train_cfg=dict(
        rpn_proposal=dict(nms_pre=500, max_per_img=200),
        rcnn=dict(sampler=dict(num=64))),
    test_cfg=dict(rpn=dict(nms_pre=300, max_per_img=100)))

train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations', with_bbox=True, with_mask=True),
    dict(type='Resize', img_scale=img_scale, ratio_range=(0.8, 1.0), keep_ratio=True),
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
val = dict(
    ann_file=data_root + 'annotations/instances_val.json',
    img_prefix=data_root + 'val/',
    classes=classes,
    pipeline=test_pipeline)
data = dict(
    samples_per_gpu=2,
    workers_per_gpu=1,
    train=dict(
        ann_file=data_root + 'annotations/instances_train.json',
        img_prefix=data_root + 'train/',
        classes=classes,
        pipeline=train_pipeline),
    val=val,
    test=val)

# From scratch on 480 images: a larger rate, one for all layers.
optimizer = dict(lr=1e-3, paramwise_cfg=dict(num_layers=4, layer_decay_rate=1.0))
lr_config = dict(warmup_iters=100, step=[4, 5])
runner = dict(max_epochs=6)
checkpoint_config = dict(interval=3)
evaluation = dict(interval=3)
log_config = dict(interval=20)
