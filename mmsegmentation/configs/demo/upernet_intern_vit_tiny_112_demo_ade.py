# The full-tuning recipe of InternViT-6B with other sizes: what `make demo` trains.
_base_ = "../intern_vit_6b/full_tuning/upernet_intern_vit_6b_504_80k_ade20k_bs16_lr4e-5.py"

crop_size = (112, 112)  # 8 x 8 patches of 14 pixels
img_scale = (448, 112)  # the recipe's 4 : 1, short side first in range
data_root = "data/demo_ade/ADEChallengeData2016"  # written by demo/dataset.py
img_norm_cfg = dict(
    mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], to_rgb=True
)

deepspeed_config = "zero1_fp32"  # a CPU computes bf16 slower than fp32
custom_hooks = []  # the recipe's ToBFloat16Hook belongs to its bf16 json

model = dict(
    backbone=dict(
        img_size=112,
        pretrain_size=112,
        embed_dim=192,
        depth=4,
        num_heads=6,
        init_values=1.0,  # nothing is pretrained, so nothing has to be kept at first
        drop_path_rate=0.0,
        out_indices=[0, 1, 2, 3],
        with_cp=False,
        pretrained=None,
    ),
    decode_head=dict(in_channels=[192, 192, 192, 192], channels=64),
    auxiliary_head=dict(in_channels=192, channels=64),
    test_cfg=dict(mode="slide", crop_size=crop_size, stride=(72, 72)),
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
            dict(type="ResizeToMultiple", size_divisor=14),
            dict(type="RandomFlip"),
            dict(type="Normalize", **img_norm_cfg),
            dict(type="ImageToTensor", keys=["img"]),
            dict(type="Collect", keys=["img"]),
        ],
    ),
]
data = dict(
    samples_per_gpu=2,
    workers_per_gpu=1,
    train=dict(data_root=data_root, pipeline=train_pipeline),
    val=dict(data_root=data_root, pipeline=test_pipeline),
    test=dict(data_root=data_root, pipeline=test_pipeline),
)

# From scratch on 400 images: a larger rate, one for all layers.
optimizer = dict(lr=1e-3, paramwise_cfg=dict(num_layers=4, layer_decay_rate=1.0))
lr_config = dict(warmup_iters=50)
runner = dict(max_iters=1000)
checkpoint_config = dict(interval=500)
evaluation = dict(interval=500)
log_config = dict(interval=50)
