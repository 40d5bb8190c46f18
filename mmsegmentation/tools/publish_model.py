"""Writes a checkpoint for others: ``publish_model.py WORK_DIR NAME.pth``."""

from mmcv.commands.publish_model import main

if __name__ == "__main__":
    main()
