"""Draws curves of runs: ``analyze_logs.py WORK_DIR --keys loss mIoU --out curves.png``."""

from mmcv.commands.analyze_logs import main

if __name__ == "__main__":
    main()
