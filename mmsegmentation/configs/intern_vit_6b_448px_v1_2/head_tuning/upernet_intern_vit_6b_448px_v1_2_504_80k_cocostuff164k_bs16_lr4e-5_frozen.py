_base_ = '../../intern_vit_6b_448px_v1_0/head_tuning/upernet_intern_vit_6b_448px_v1_0_504_80k_cocostuff164k_bs16_lr4e-5_frozen.py'

pretrained = './pretrained/intern_vit_6b_448px_v1_2.pth'
model = dict(backbone=dict(pretrained=pretrained))
