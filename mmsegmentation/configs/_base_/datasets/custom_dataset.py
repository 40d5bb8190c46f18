# A data set of your own: a folder of images and a folder of label files with the same names.
#
#   data/my_dataset/images/{train,val}/a.jpg      annotations/{train,val}/a.png
#
# A label file has one channel; pixel value i is classes[i], and 255 is not counted.
_base_ = './ade20k_504x504.py'

dataset_type = 'CustomDataset'
data_root = 'data/my_dataset'
classes = ['background', 'object']
palette = [[0, 0, 0], [220, 20, 60]]  # RGB, one colour for each class
img_norm_cfg = dict(
    mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], to_rgb=True)
crop_size = (504, 504)
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),  # reduce_zero_label=True if 0 means "no class"
    dict(type='Resize', img_scale=(2016, 504), ratio_range=(0.5, 2.0)),
    dict(type='RandomCrop', crop_size=crop_size, cat_max_ratio=0.75),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PhotoMetricDistortion'),
    dict(type='Normalize', **img_norm_cfg),
    dict(type='Pad', size=crop_size, pad_val=0, seg_pad_val=255),
    dict(type='DefaultFormatBundle'),
    dict(type='Collect', keys=['img', 'gt_semantic_seg']),
]
common = dict(
    type=dataset_type,
    data_root=data_root,
    classes=classes,
    palette=palette,
    img_suffix='.jpg',
    seg_map_suffix='.png')
data = dict(
    train=dict(img_dir='images/train', ann_dir='annotations/train',
               pipeline=train_pipeline, **common),
    val=dict(img_dir='images/val', ann_dir='annotations/val', **common),
    test=dict(img_dir='images/val', ann_dir='annotations/val', **common))
