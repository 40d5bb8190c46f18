# UperNet on COCO-Stuff 164k over a frozen backbone; its FPN is trained.
_base_ = [
    '../../_base_/models/upernet_intern_vit_6b.py',
    '../../_base_/datasets/coco-stuff164k_504x504.py',
    '../../_base_/schedules/intern_vit_6b_80k.py',
    '../../_base_/default_runtime.py',
]

model = dict(
    backbone=dict(freeze_vit=True, drop_path_rate=0.0),
    decode_head=dict(num_classes=171),
    auxiliary_head=dict(num_classes=171, in_index=1))  # the stride 7 map; 2 where the backbone is trained
optimizer = dict(paramwise_cfg=dict(layer_decay_rate=1.0))
