"""Trains a segmentor: ``python tools/train.py CONFIG``; ``--help`` lists the options."""

import mmseg
from mmcv.runner.launch import train_main

if __name__ == "__main__":
    train_main(mmseg.TASK)
