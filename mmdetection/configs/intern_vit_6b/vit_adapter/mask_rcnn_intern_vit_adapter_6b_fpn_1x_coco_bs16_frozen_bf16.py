# Mask R-CNN on a ViT-Adapter: 0.14B adapter parameters beside a frozen InternViT-6B, whose blocks
# attend within windows but for the last of each of the four groups.
_base_ = '../head_tuning/mask_rcnn_intern_vit_6b_fpn_1x_coco_bs16_frozen_bf16.py'

pretrained = './pretrained/intern_vit_6b_224px.pth'
window_attn = ([True] * 11 + [False]) * 4
model = dict(
    backbone=dict(
        _delete_=True,
        type='InternViTAdapter',
        pretrain_size=224,
        img_size=512,  # 32 patches; other sizes resample the positions
        patch_size=16,  # the maps have strides 4, 8, 16 and 32
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
        out_indices=(0, 1, 2, 3),
        pretrained=pretrained))
