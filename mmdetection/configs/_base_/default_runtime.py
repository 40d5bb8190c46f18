checkpoint_config = dict(interval=1)
log_config = dict(
    interval=50,
    hooks=[
        dict(type='TextLoggerHook'),
    ])
custom_hooks = [dict(type='NumClassCheckHook')]
dist_params = dict(backend='nccl')  # gloo is used where there is no GPU
log_level = 'INFO'
load_from = None
resume_from = None
workflow = [('train', 1)]
opencv_num_threads = 0  # in loader workers: threads of many workers fight for the same cores
mp_start_method = 'fork'
# --auto-scale-lr scales the learning rate by the batch size over this one: 8 GPUs x 2 images.
auto_scale_lr = dict(enable=False, base_batch_size=16)
