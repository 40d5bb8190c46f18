"""Tells what training a config needs: ``plan.py CONFIG --gpus 8 --gpu a100``."""

from mmcv.planner.tool import main
from mmseg.task import TASK

if __name__ == "__main__":
    main(TASK)
