# InternViT-6B (224 px weights) under UperNet; four blocks feed maps at strides 3.5, 7, 14 and 28.
_base_ = './upernet_r50.py'

pretrained = './pretrained/intern_vit_6b_224px.pth'
model = dict(
    pretrained=None,
    backbone=dict(
        _delete_=True,
        type='InternViT6B',
        pretrain_size=224,
        img_size=504,  # 36 patches of 14 pixels
        patch_size=14,
        embed_dim=3200,
        depth=48,
        num_heads=25,
        mlp_ratio=4.0,
        qkv_bias=False,
        drop_path_rate=0.4,
        init_values=0.1,
        with_cp=True,
        use_flash_attn=True,
        qk_normalization=True,
        layerscale_force_fp32=False,
        with_fpn=True,
        freeze_vit=False,
        out_indices=[11, 23, 35, 47],
        pretrained=pretrained),
    decode_head=dict(num_classes=150, channels=1536, in_channels=[3200, 3200, 3200, 3200]),
    auxiliary_head=dict(num_classes=150, channels=1536, in_channels=3200),
    test_cfg=dict(
        mode='slide',
        crop_size=(504, 504),
        stride=(322, 322)))  # 23 patches: a little under two thirds of the crop
