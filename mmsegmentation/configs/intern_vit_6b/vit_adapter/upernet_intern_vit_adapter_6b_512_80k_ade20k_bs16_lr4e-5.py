# ViT-Adapter and UperNet on ADE20K: 0.14B adapter parameters beside a frozen InternViT-6B.
_base_ = [
    '../../_base_/models/upernet_intern_vit_6b.py',
    '../../_base_/datasets/ade20k.py',
    '../../_base_/schedules/intern_vit_6b_80k.py',
    '../../_base_/default_runtime.py',
]

deepspeed_config = 'zero_configs/adam_zero1_fp16.json'
custom_hooks = [dict(type='ToFloat16Hook', priority=49)]

pretrained = './pretrained/intern_vit_6b_224px.pth'
model = dict(
    backbone=dict(
        _delete_=True,
        type='InternViTAdapter',
        pretrain_size=224,
        img_size=512,  # 32 patches of 16 pixels; the maps have strides 4, 8, 16 and 32
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
        conv_inplane=64,
        n_points=4,
        deform_num_heads=25,
        cffn_ratio=0.25,
        deform_ratio=0.25,
        use_final_norm=True,
        interaction_indexes=[[0, 11], [12, 23], [24, 35], [36, 47]],
        out_indices=(0, 1, 2, 3),
        pretrained=pretrained),
    test_cfg=dict(mode='slide', crop_size=(512, 512), stride=(341, 341)))
data = dict(samples_per_gpu=2)
