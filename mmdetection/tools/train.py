"""Trains a detector: ``python tools/train.py CONFIG``; ``--help`` lists the options."""

import mmdet
from mmcv.runner.launch import train_main

if __name__ == "__main__":
    train_main(mmdet.TASK)
