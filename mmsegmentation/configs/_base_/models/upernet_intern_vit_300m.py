# InternViT-300M-448px under UperNet, for one GPU; four blocks feed maps at strides 3.5 to 28.
_base_ = './upernet_intern_vit_6b.py'

pretrained = 'hf://OpenGVLab/InternViT-300M-448px'
model = dict(
    backbone=dict(
        pretrain_size=448,
        embed_dim=1024,
        depth=24,
        num_heads=16,
        qkv_bias=True,
        qk_normalization=False,
        norm_type='layer_norm',
        drop_path_rate=0.2,
        out_indices=[5, 11, 17, 23],
        pretrained=pretrained),
    decode_head=dict(channels=512, in_channels=[1024, 1024, 1024, 1024]),
    auxiliary_head=dict(channels=256, in_channels=1024))
