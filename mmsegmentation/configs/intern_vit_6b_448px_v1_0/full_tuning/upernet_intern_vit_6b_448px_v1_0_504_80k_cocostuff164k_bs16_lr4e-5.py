# As with the 224 px weights, but with the 45 blocks of InternViT-6B-448px V1.0.
_base_ = '../../intern_vit_6b/full_tuning/upernet_intern_vit_6b_504_80k_cocostuff164k_bs16_lr4e-5.py'

pretrained = './pretrained/intern_vit_6b_448px_v1_0.pth'
model = dict(
    backbone=dict(
        pretrain_size=448,
        depth=45,
        out_indices=[11, 22, 33, 44],
        pretrained=pretrained))
optimizer = dict(paramwise_cfg=dict(num_layers=45))
