"""Counts FLOPs and parameters of a model: ``get_flops.py CONFIG --shape 504 504``."""

from mmcv.commands.get_flops import main
from mmseg.task import TASK

if __name__ == "__main__":
    main(TASK)
