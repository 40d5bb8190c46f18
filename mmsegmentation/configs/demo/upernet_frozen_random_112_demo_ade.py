# What the demo is compared with: the same run with a backbone that stays as it was drawn.
_base_ = "./upernet_intern_vit_tiny_112_demo_ade.py"

model = dict(backbone=dict(freeze_vit=True))  # the blocks; the pyramid behind them has rate 0
optimizer = dict(
    _delete_=True,
    type="AdamW",
    lr=1e-3,
    betas=(0.9, 0.999),
    weight_decay=0.05,
    paramwise_cfg=dict(custom_keys=dict(backbone=dict(lr_mult=0.0, decay_mult=0.0))),
)
