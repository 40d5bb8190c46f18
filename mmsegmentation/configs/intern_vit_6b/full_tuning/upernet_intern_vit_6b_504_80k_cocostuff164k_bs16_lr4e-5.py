# UperNet on COCO-Stuff 164k, everything trained.
_base_ = [
    '../../_base_/models/upernet_intern_vit_6b.py',
    '../../_base_/datasets/coco-stuff164k_504x504.py',
    '../../_base_/schedules/intern_vit_6b_80k.py',
    '../../_base_/default_runtime.py',
]

model = dict(decode_head=dict(num_classes=171), auxiliary_head=dict(num_classes=171))
