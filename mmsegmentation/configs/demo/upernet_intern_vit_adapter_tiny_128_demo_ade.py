# The same ViT with a ViT-Adapter in place of the rescaled maps; see benchmarks/RESULTS.md.
_base_ = "./upernet_intern_vit_tiny_128_demo_ade.py"

model = dict(
    backbone=dict(
        _delete_=True,
        type="InternViTAdapter",
        img_size=128,
        patch_size=16,
        pretrain_size=128,
        embed_dim=192,
        depth=4,
        num_heads=6,
        freeze_vit=False,  # nothing is pretrained
        with_cp=False,
        conv_inplane=64,
        n_points=4,
        deform_num_heads=6,
        deform_ratio=0.5,
        cffn_ratio=0.25,
        interaction_indexes=[[0, 0], [1, 1], [2, 2], [3, 3]],
        pretrained=None,
    )
)
