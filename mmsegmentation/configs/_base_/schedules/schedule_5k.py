_base_ = './schedule_160k.py'
runner = dict(max_iters=5000)
checkpoint_config = dict(interval=1000)
evaluation = dict(interval=1000)
