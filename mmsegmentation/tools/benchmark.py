"""Times a model on its test images: ``benchmark.py CONFIG CHECKPOINT``."""

from mmcv.commands.benchmark import main
from mmseg.task import TASK

if __name__ == "__main__":
    main(TASK)
