# UperNet on ADE20K over a frozen InternViT-300M; its FPN is trained.
_base_ = '../full_tuning/upernet_intern_vit_300m_448px_504_80k_ade20k_bs16_lr4e-5.py'

model = dict(
    backbone=dict(freeze_vit=True, drop_path_rate=0.0),
    auxiliary_head=dict(in_index=1))  # the stride 7 map; 2 where the backbone is trained
optimizer = dict(paramwise_cfg=dict(layer_decay_rate=1.0))
