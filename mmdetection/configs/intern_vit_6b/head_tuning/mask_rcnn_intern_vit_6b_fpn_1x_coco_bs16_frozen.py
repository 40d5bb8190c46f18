# Mask R-CNN on a frozen InternViT-6B with windows: pyramid, FPN and heads are trained.
_base_ = [
    '../../_base_/models/mask_rcnn_r50_fpn.py',
    '../../_base_/datasets/coco_instance.py',
    '../../_base_/schedules/schedule_1x.py',
    '../../_base_/default_runtime.py',
]

deepspeed = True
deepspeed_config = 'zero_configs/adam_zero1_fp16.json'
# One step before the hooks of normal priority (50), so that these see the final dtypes.
custom_hooks = [dict(type='ToFloat16Hook', priority=49)]

pretrained = './pretrained/intern_vit_6b_224px.pth'
model = dict(
    backbone=dict(
        _delete_=True,
        type='InternViT6B',
        pretrain_size=224,
        img_size=256,  # 16 patches; other sizes resample the positions
        patch_size=16,  # the maps have strides 4, 8, 16 and 32
        embed_dim=3200,
        depth=48,
        num_heads=25,
        mlp_ratio=4.0,
        qkv_bias=False,
        drop_path_rate=0.0,
        init_values=0.1,
        with_cp=True,
        use_flash_attn=True,
        qk_normalization=True,
        layerscale_force_fp32=False,
        with_fpn=True,
        freeze_vit=True,
        out_indices=[47],
        window_attn=[True] * 48,
        window_size=[16] * 48,
        output_dtype='float32',
        pretrained=pretrained),
    neck=dict(
        type='FPN',
        in_channels=[3200, 3200, 3200, 3200],
        out_channels=256,
        num_outs=5))

optimizer = dict(
    _delete_=True,
    type='AdamW',
    lr=1e-4,  # for 8 GPUs x 2 images
    betas=(0.9, 0.999),
    weight_decay=0.05,
    constructor='CustomLayerDecayOptimizerConstructor',
    paramwise_cfg=dict(num_layers=48, layer_decay_rate=1.0))
optimizer_config = dict(grad_clip=None)  # the json clips at 1.0
checkpoint_config = dict(deepspeed=deepspeed, interval=1, max_keep_ckpts=2)
evaluation = dict(interval=1, metric=['bbox', 'segm'], save_best='auto')
log_config = dict(interval=10)
