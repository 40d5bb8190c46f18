# The demo's model with patches of 16 pixels: what the demo with a ViT-Adapter is compared with.
_base_ = "./upernet_intern_vit_tiny_112_demo_ade.py"

crop_size = (128, 128)  # 8 x 8 patches; an adapter needs multiples of 32
img_scale = (512, 128)
img_norm_cfg = dict(
    mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], to_rgb=True
)

model = dict(
    # LayerScale as InternViTAdapter has it
    backbone=dict(img_size=128, patch_size=16, pretrain_size=128, init_values=0.1),
    test_cfg=dict(mode="slide", crop_size=crop_size, stride=(84, 84)),
)

train_pipeline = [
    dict(type="LoadImageFromFile"),
    dict(type="LoadAnnotations", reduce_zero_label=True),
    dict(type="Resize", img_scale=img_scale, ratio_range=(0.8, 1.25)),
    dict(type="RandomCrop", crop_size=crop_size, cat_max_ratio=0.75),
    dict(type="RandomFlip", prob=0.5),
    dict(type="PhotoMetricDistortion"),
    dict(type="Normalize", **img_norm_cfg),
    dict(type="Pad", size=crop_size, pad_val=0, seg_pad_val=255),
    dict(type="DefaultFormatBundle"),
    dict(type="Collect", keys=["img", "gt_semantic_seg"]),
]
test_pipeline = [
    dict(type="LoadImageFromFile"),
    dict(
        type="MultiScaleFlipAug",
        img_scale=img_scale,
        flip=False,
        transforms=[
            dict(type="SETR_Resize", keep_ratio=True, crop_size=crop_size, setr_multi_scale=True),
            dict(type="ResizeToMultiple", size_divisor=16),
            dict(type="RandomFlip"),
            dict(type="Normalize", **img_norm_cfg),
            dict(type="ImageToTensor", keys=["img"]),
            dict(type="Collect", keys=["img"]),
        ],
    ),
]
data = dict(
    samples_per_gpu=4,  # one process
    train=dict(pipeline=train_pipeline),
    val=dict(pipeline=test_pipeline),
    test=dict(pipeline=test_pipeline),
)

runner = dict(max_iters=500)
checkpoint_config = dict(interval=500)
evaluation = dict(interval=500)
